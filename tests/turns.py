"""How long each turn of a loop takes. With ``PYTHONASYNCIODEBUG=1``, none of ours may keep it for 50 ms.

It is the processor's time that counts, without what the garbage of a whole test run takes to collect. What
tests themselves do in a loop is their business.
"""

import asyncio
import gc
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

__all__ = ["long_turns", "no_turn_takes_long"]

LONGEST_S = 0.05
ROOT = Path(__file__).parents[1]
OURS = f"{ROOT}/realtime_lb/"
ANYBODYS = (OURS, f"{ROOT}/tests/", f"{ROOT}/benchmarks/")

_run = asyncio.Handle._run


class Turns:
    """Measures them, and looks where a long one is when its time is over."""

    def __init__(self) -> None:
        self._long: list[str] = []
        self._where = ""
        self._collected_s = self._collecting_since_s = 0.0

    def run(self, handle: asyncio.Handle) -> None:
        if threading.current_thread() is not threading.main_thread():  # others hear no signal
            _run(handle)
            return
        self._where, self._collected_s = "", 0.0
        began_s = time.thread_time()
        signal.setitimer(signal.ITIMER_PROF, LONGEST_S)
        try:
            _run(handle)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            took_s = time.thread_time() - began_s - self._collected_s
        if took_s > LONGEST_S and self._where.startswith(OURS):
            self._long.append(f"{took_s * 1e3:.0f} ms in {self._where}: {handle!r}")

    def look(self, _number: int, frame: FrameType | None) -> None:
        """Note whose code it is that runs."""
        while frame is not None and frame.f_code is not Turns.run.__code__:
            name = frame.f_code.co_filename
            if name.startswith(ANYBODYS) and name != __file__:
                self._where = f"{name}:{frame.f_lineno}"
                return
            frame = frame.f_back

    def collects(self, phase: str, _info: dict[str, Any]) -> None:
        if phase == "start":
            self._collecting_since_s = time.thread_time()
        else:
            self._collected_s += time.thread_time() - self._collecting_since_s

    def taken(self) -> list[str]:
        told, self._long = self._long, []
        return told


@pytest.fixture(scope="session")
def long_turns() -> Iterator[Turns]:
    seen = Turns()
    if not os.environ.get("PYTHONASYNCIODEBUG"):
        yield seen
        return
    before = signal.signal(signal.SIGPROF, seen.look)

    def run(handle: asyncio.Handle) -> None:
        seen.run(handle)

    asyncio.Handle._run = run  # type: ignore[assignment, method-assign]
    gc.callbacks.append(seen.collects)
    yield seen
    gc.callbacks.remove(seen.collects)
    asyncio.Handle._run = _run  # type: ignore[method-assign]
    signal.signal(signal.SIGPROF, before)


@pytest.fixture(autouse=True)
def no_turn_takes_long(long_turns: Turns) -> Iterator[None]:
    long_turns.taken()
    yield
    if told := long_turns.taken():
        pytest.fail("these turns of a loop took long:\n" + "\n".join(told))
