"""The bounded ring between the sessions and the sinks."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from contextvars import Context, copy_context

from realtime_lb.abc import EventSink
from realtime_lb.records import Record, SinkOverflowed

__all__ = ["SinkRing"]

DEFAULT_CAPACITY = 4096
"""Records: a second of every event of eighty talking sessions, at some fifty events a second each."""

BATCH = 16
"""Records that one turn of the event loop delivers. A JSON log line takes 33 to 47 µs and a console line up
to 82 µs on a 2-core machine, so that audio waits about a millisecond for a batch."""

_log = logging.getLogger("realtime_lb.sinks")


class SinkRing:
    """Hands records to sinks later, so that telling costs a session an append.

    Every sink gets every record, in the order of `emit`, in the context (`contextvars`) of who told it. When
    the ring is full, new records are counted and lost, and the sinks are told how many as soon as there is
    room. A sink that raises loses that record and is called again for the next; its first exception is logged
    with its traceback, later ones are not.

    Belongs to the event loop in which `emit` is called. Between loops, and after the last, `flush` delivers.

    Args:
        sinks: Who is told.
        capacity: Records that may wait, at least 1.
        gather_s: For how long the first record waits for others; without it, until the loop's next turn.
    """

    def __init__(
        self, sinks: Sequence[EventSink], *, capacity: int = DEFAULT_CAPACITY, gather_s: float = 0.0
    ) -> None:
        self._sinks = tuple(sinks)
        self._gather_s = gather_s
        self._capacity = capacity
        self._waiting: deque[tuple[Context, Record]] = deque()
        self._dropped = 0
        self._untold = 0
        self._drains_in: asyncio.AbstractEventLoop | None = None
        self._complained: set[int] = set()

    def __repr__(self) -> str:
        return f"<SinkRing {len(self._waiting)} of {self._capacity} waiting, {self._dropped} dropped>"

    @property
    def dropped(self) -> int:
        """Records lost because the ring was full, ever."""
        return self._dropped

    def emit(self, record: Record) -> None:
        """Take *record*. Never blocks, never raises, costs the same whatever is waiting."""
        if len(self._waiting) >= self._capacity:
            self._dropped += 1
            self._untold += 1
            return
        self._waiting.append((copy_context(), record))
        self._schedule(self._gather_s)

    def hurry(self) -> None:
        """Gather no more: the end may be near."""
        self._gather_s = 0.0

    def flush(self) -> None:
        """Deliver now all that waits. What the sinks themselves emit meanwhile has to wait."""
        self._deliver(len(self._waiting))

    def _schedule(self, in_s: float = 0.0) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no loop: the next emit inside one, or flush, delivers
            return
        if self._drains_in is not loop:  # a drain in a loop that is gone would never run
            self._drains_in = loop
            if in_s:
                loop.call_later(in_s, self._drain)
            else:
                loop.call_soon(self._drain)

    def _drain(self) -> None:
        try:
            self._deliver(min(BATCH, len(self._waiting)))
        finally:
            self._drains_in = None
            if self._waiting:
                self._schedule()

    def _deliver(self, count: int) -> None:
        for _ in range(count):
            context, record = self._waiting.popleft()
            context.run(self._tell, record)
        if self._untold:
            untold, self._untold = self._untold, 0
            self._tell(SinkOverflowed(dropped=untold))

    def _tell(self, record: Record) -> None:
        for position, sink in enumerate(self._sinks):
            try:
                sink(record)
            except Exception:  # noqa: BLE001  # a sink is foreign code and must not end a session
                if position not in self._complained:
                    self._complained.add(position)
                    with suppress(Exception):  # the log may be what is broken
                        _log.exception("a sink raised, and will not be reported again: %r", sink)
