"""Worker processes: started, watched, started anew when they die, and told to stop in good order."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import structlog

from realtime_lb.cli.processes import Orders

__all__ = ["READY", "Crew", "with_parent"]

READY = "ready"
"""What a worker says on its standard output when it listens."""

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
"""Between a death and the next start, each twice the one before: a worker that cannot live must not spin."""

PROVEN_AFTER_S = 60.0
"""A worker that lived so long did not die of its start: the next one comes at once again."""

KILL_AFTER_S = 1.0
"""A worker that is told to stop ends by itself before that, unless it is stuck."""

_log = structlog.stdlib.get_logger("realtime_lb.serve")


class _Worker:
    """One of several processes, and its successors.

    Args:
        number: Which, from 1.
        command: Starts it.
    """

    def __init__(self, number: int, command: Sequence[str]) -> None:
        self.ready = asyncio.Event()
        self._number = number
        self._command = command
        self._process: Process | None = None
        self._stopping = asyncio.Event()
        self._order = signal.SIGTERM
        self._listens = False
        self._may_have_missed = False

    async def keep(self) -> None:
        """Have it run until `stop`."""
        loop, delay_s = asyncio.get_running_loop(), FIRST_DELAY_S
        while not self._stopping.is_set():
            began_at_s = loop.time()
            status = await self._run()
            if self._stopping.is_set():
                return
            if loop.time() - began_at_s > PROVEN_AFTER_S:
                delay_s = FIRST_DELAY_S
            _log.error(
                f"worker {self._number} died; starting it anew", status=status, delay_s=round(delay_s, 1)
            )
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay_s)
            delay_s = min(2 * delay_s, LONGEST_DELAY_S)

    async def _run(self) -> int:
        # In a session of its own a worker does not get the terminal's Ctrl-C, its second signal after ours.
        process = await asyncio.create_subprocess_exec(
            *self._command, stdin=PIPE, stdout=PIPE, start_new_session=True
        )
        self._process, self._listens, self._may_have_missed = process, False, False
        try:
            if self._stopping.is_set():
                self._tell(self._order)
            assert process.stdout is not None  # noqa: S101  # asked for above
            if (await process.stdout.readline()).strip() == READY.encode():
                if self.ready.is_set():
                    _log.info(f"worker {self._number} is back")
                self.ready.set()
                self._listens = True
                if self._may_have_missed:
                    self._tell(signal.SIGHUP)
            return await process.wait()
        except BaseException:
            self._tell(signal.SIGKILL)
            raise

    def stop(self, order: signal.Signals) -> None:
        """Have it end as *order* says, and not come back."""
        self._order = order
        self._stopping.set()
        self._tell(order)

    def reread(self) -> None:
        """Have it read the file anew: once it listens, for before that the signal would end it."""
        if self._listens:
            self._tell(signal.SIGHUP)
        self._may_have_missed = not self._listens

    def _tell(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)


class Crew:
    """All workers.

    Args:
        commands: Each starts one.
    """

    def __init__(self, commands: Sequence[Sequence[str]]) -> None:
        self._workers = [_Worker(number, command) for number, command in enumerate(commands, 1)]
        self._kept: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[asyncio.Task[None]]:
        """Run them while the block runs; leaving it without `stop` kills them.

        Yields:
            A task that is done when each has been ready.
        """
        async with asyncio.TaskGroup() as keeping:
            self._kept = {keeping.create_task(worker.keep()) for worker in self._workers}
            ready = keeping.create_task(self._all_ready())
            try:
                yield ready
            finally:
                ready.cancel()
                for worker in self._workers:
                    worker.stop(signal.SIGKILL)

    async def stop(self, orders: Orders, timeout_s: float) -> None:
        """Pass on what *orders* says until all have ended; who takes longer than it may is killed.

        Args:
            orders: The first has come.
            timeout_s: How long they may take after it.
        """
        for worker in self._workers:
            worker.stop(orders.first.result())
        ended = asyncio.create_task(self._all_ended())
        either: set[asyncio.Future[Any]] = {ended, orders.again}
        limit_s = timeout_s + KILL_AFTER_S
        await asyncio.wait(either, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        if orders.again.done():
            for worker in self._workers:
                worker.stop(orders.again.result())
            await asyncio.wait({ended}, timeout=KILL_AFTER_S)
        ended.cancel()
        await asyncio.wait({ended})

    async def _all_ended(self) -> None:
        await asyncio.wait(self._kept)

    def reread(self) -> None:
        """Have each read the file anew."""
        for worker in self._workers:
            worker.reread()

    async def _all_ready(self) -> None:
        for worker in self._workers:
            await worker.ready.wait()


@contextmanager
def with_parent(on_end: Callable[[], None]) -> Iterator[None]:
    """Tell whoever started this worker that it is ready, and call *on_end* when they end, of whatever.

    The end of standard input is the parent's.
    """
    loop, stdin = asyncio.get_running_loop(), sys.stdin.fileno()

    def look() -> None:
        if not os.read(stdin, 1):
            loop.remove_reader(stdin)
            on_end()

    loop.add_reader(stdin, look)
    print(READY, flush=True)  # noqa: T201  # to the parent
    try:
        yield
    finally:
        loop.remove_reader(stdin)
