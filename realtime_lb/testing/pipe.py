"""One way through the fault proxy: what is read, when it goes on, and how much is held meanwhile."""

from __future__ import annotations

import asyncio
import math
import random
from collections import deque
from contextlib import suppress
from typing import Protocol

from attrs import define

from realtime_lb.testing.network_faults import Way
from realtime_lb.testing.socket_end import MOST_READ_BYTES

__all__ = ["Pipe"]

CLOCK_S = 1e-9
"""asyncio's timers may come so much early."""

SLICE_S = 0.02
"""A limited rate is kept by sending so much time's worth at once."""


@define
class _Piece:
    data: memoryview
    read_at_s: float
    luck: float


class Source(Protocol):
    """Where a pipe's bytes come from."""

    async def read(self, most_bytes: int, /) -> bytes:
        """Return some, or none at their end. Raises `OSError`."""
        ...


class Sink(Protocol):
    """Where they go."""

    async def write(self, data: memoryview, /) -> None:
        """Take some, and return when there is room for more. Raises `OSError`."""
        ...

    def write_eof(self) -> None:
        """Say that no more comes."""
        ...


class Cut(Protocol):
    """Ends the connection."""

    def __call__(self, *, fin: bool) -> None: ...


class Pipe:
    """Reads, holds each piece for as long as its way takes, and writes.

    Args:
        way: How bytes travel.
        rng: Draws the jitter.
        cut: Called when as many bytes have passed as were to.
        buffer_bytes: What is held at most; then nothing is read.

    Attributes:
        passed_bytes: How many have been written.
    """

    def __init__(self, way: Way, rng: random.Random, cut: Cut, buffer_bytes: int) -> None:
        self._way, self._rng, self._cut, self._room_bytes = way, rng, cut, buffer_bytes
        self._frozen = False
        self._pieces: deque[_Piece] = deque()
        self._free_at_s = self._last_at_s = -math.inf
        self._news = asyncio.Event()
        self.passed_bytes = 0

    @property
    def way(self) -> Way:
        """How bytes travel. Assign another: it holds for those under way, too."""
        return self._way

    @way.setter
    def way(self, way: Way) -> None:
        self._way = way
        self._news.set()

    def freeze(self, *, frozen: bool) -> None:
        """Let nothing pass, or let it pass again, whatever `way` says."""
        self._frozen = frozen
        self._news.set()

    async def run(self, source: Source, sink: Sink) -> None:
        """Pass bytes on until their end, and that end, too. Once.

        Raises:
            ExceptionGroup: What either side raised.
        """
        async with asyncio.TaskGroup() as both:
            both.create_task(self._fill(source))
            both.create_task(self._empty(sink))

    @property
    def _is_held(self) -> bool:
        return self._frozen or self._way.stopped

    async def _fill(self, source: Source) -> None:
        loop = asyncio.get_running_loop()
        while True:
            while self._room_bytes <= 0 or self._is_held:
                await self._something_changes(None)
            data = await source.read(min(self._room_bytes, MOST_READ_BYTES))
            self._room_bytes -= len(data)
            self._pieces.append(_Piece(memoryview(data), loop.time(), self._rng.random()))
            self._news.set()
            if not data:
                return

    async def _empty(self, sink: Sink) -> None:
        while True:
            await self._head_is_due()
            piece = self._pieces[0]
            if not piece.data:
                sink.write_eof()
                return
            await sink.write(self._next_slice(piece))

    async def _head_is_due(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due_s = None
            if not self._is_held:
                if self._left_bytes <= 0:
                    self._cut(fin=self._way.fin)
                elif self._pieces and (due_s := self._due_s(self._pieces[0])) <= loop.time() + CLOCK_S:
                    return
            await self._something_changes(due_s)

    @property
    def _left_bytes(self) -> float:
        most = self._way.cut_after_bytes
        return math.inf if most is None else most - self.passed_bytes

    def _due_s(self, piece: _Piece) -> float:
        return self._sent_at_s(piece) + self._travels_s(piece)

    def _sent_at_s(self, piece: _Piece) -> float:
        """When the last byte of its next slice leaves: one after the other, where there is a rate."""
        rate = self._way.bytes_per_s
        lasts_s = 0.0 if rate is None else self._slice_bytes(piece) / rate
        return max(piece.read_at_s, self._free_at_s) + lasts_s

    def _travels_s(self, piece: _Piece) -> float:
        return self._way.latency_s + piece.luck * self._way.jitter_s

    def _slice_bytes(self, piece: _Piece) -> int:
        rate = self._way.bytes_per_s
        at_once = math.inf if rate is None else max(1, int(rate * SLICE_S))
        return int(min(len(piece.data), at_once, self._left_bytes))

    def _next_slice(self, piece: _Piece) -> memoryview:
        now_s = asyncio.get_running_loop().time()
        due_s = max(self._due_s(piece), self._last_at_s)
        self._free_at_s, self._last_at_s = self._sent_at_s(piece), now_s
        if self._way.bytes_per_s is not None:
            # Who was held up makes up for a late timer, and for no more.
            self._free_at_s += max(0.0, now_s - due_s - SLICE_S)
        size_bytes = self._slice_bytes(piece)
        going, piece.data = piece.data[:size_bytes], piece.data[size_bytes:]
        if not piece.data:
            self._pieces.popleft()
        self.passed_bytes += size_bytes
        self._room_bytes += size_bytes
        self._news.set()
        return going

    async def _something_changes(self, until_s: float | None) -> None:
        """Wait for news, or until then. Who calls looks again, without waiting in between."""
        self._news.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until_s):
                await self._news.wait()
