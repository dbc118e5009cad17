"""Both ends under check: who takes what comes, and who writes until there is no more room."""

from __future__ import annotations

import asyncio

from realtime_lb.abc import Connection
from realtime_lb.frames import Frame, Opcode

__all__ = ["CHUNK", "Reader", "fill"]

CHUNK = b"x" * 16_384

_MOST_CHUNKS = 4_096
"""64 MiB: more than any socket buffers, so a connection that never says no is found out."""


class Reader:
    """Pumps a connection and keeps what comes."""

    def __init__(self, connection: Connection) -> None:
        self.frames: list[Frame] = []
        self._news = asyncio.Event()
        self.ended = asyncio.create_task(connection.pump(self.take))

    def take(self, frame: Frame) -> None:
        """Keep *frame*."""
        self.frames.append(frame.kept())
        self._news.set()

    async def received(self, count: int) -> list[Frame]:
        """Wait until *count* frames have come; return all that have."""
        while len(self.frames) < count:
            self._news.clear()
            await self._news.wait()
        return self.frames


async def fill(connection: Connection) -> int:
    """Write until *connection* says no; return how many chunks that took."""
    for written in range(1, _MOST_CHUNKS + 1):
        if not connection.write(Frame(Opcode.TEXT, CHUNK)):
            return written
        await asyncio.sleep(0)
    raise AssertionError("write() never returned False, though nobody reads")
