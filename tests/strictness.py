"""What fails every test: a call that blocks a loop, what a loop has to complain of, a log left otherwise."""

import gc
import logging
from collections.abc import Iterator

import pytest
import structlog
from blockbuster import blockbuster_ctx

MAY_BLOCK = [
    # What is installed is read once, when the first router is built, which may be in a loop.
    ("realtime_lb/providers/registry.py", {"_installed"}),
    ("realtime_lb/transports/lanes.py", {"_has_what_we_know"}),
    # A configuration file is read when a router is built from it. Whoever runs already reads it in a thread.
    ("realtime_lb/config/load.py", {"_read_file"}),
]

PER_FRAME = ("socket.socket.send", "socket.socket.recv")
"""Not watched: asyncio calls them for every frame, on sockets that do not block, and nobody else does."""


class Complaints(logging.Handler):
    """What loops told nobody in particular: tasks destroyed, exceptions not retrieved, callbacks that raised.

    Both asyncio's loops and uvloop's write it to the logger ``asyncio``, as errors.
    """

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._said: list[str] = []
        self._format = logging.Formatter("%(message)s")

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(self._format.format(record))

    def taken(self) -> str:
        said, self._said = self._said, []
        return "\n".join(said)


@pytest.fixture(scope="session")
def complaints() -> Iterator[Complaints]:
    heard, logger = Complaints(), logging.getLogger("asyncio")
    logger.addHandler(heard)
    yield heard
    logger.removeHandler(heard)


@pytest.fixture(scope="session", autouse=True)
def nothing_blocks_a_loop() -> Iterator[None]:
    """Have whatever blocks raise, wherever code of ours runs in a loop."""
    with blockbuster_ctx("realtime_lb") as watch:
        for name, function in watch.functions.items():
            function.can_block_functions.extend(MAY_BLOCK)
            if name.startswith(PER_FRAME):
                function.deactivate()
        yield


@pytest.fixture(autouse=True)
def no_loop_complains(complaints: Complaints) -> Iterator[None]:
    complaints.taken()
    yield
    if said := complaints.taken():
        pytest.fail(f"a loop complained:\n{said}")


@pytest.fixture(autouse=True)
def no_handler_stays() -> Iterator[None]:
    """Who is left on the root logger would write to a stream that is closed by then."""
    root = logging.getLogger()
    before = root.handlers[:]
    yield
    if root.handlers != before:
        root.handlers[:] = before
        pytest.fail("the root logger has other handlers than before")


@pytest.fixture
def logging_restored() -> Iterator[None]:
    """Leave the process's logging as it was."""
    root, ours = logging.getLogger(), logging.getLogger("realtime_lb")
    before = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])
    structlog.reset_defaults()


@pytest.fixture(scope="module", autouse=True)
def no_loop_complains_of_what_is_left(complaints: Complaints) -> Iterator[None]:
    """Look once more when a file's garbage is gone: of a lost task a loop hears only then."""
    yield
    gc.collect()
    if said := complaints.taken():
        pytest.fail(f"a loop complained of what tests of this file have left:\n{said}")
