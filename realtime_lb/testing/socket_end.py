"""One socket of the fault proxy's, and the two ways to end it that a peer can tell apart."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress

__all__ = ["MOST_READ_BYTES", "SocketEnd", "reset"]

MOST_READ_BYTES = 16 * 1024

_TAKES_MORE_FOR_S = 1.0
"""Behind a FIN. Who then still talks has not noticed, and gets a reset, as from a program that has ended."""

_NO_TIME_TO_LINGER = struct.pack("ii", 1, 0)


def reset(raw: socket.socket) -> None:
    """Close *raw* with RST."""
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_TIME_TO_LINGER)
    raw.close()


class SocketEnd:
    """Reads and writes one socket, and keeps nothing for the system to take later.

    Args:
        reader: Its reader.
        writer: Its writer.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.read = reader.read
        self.write_eof = writer.write_eof
        writer.transport.set_write_buffer_limits(high=0)

    @classmethod
    async def of(cls, raw: socket.socket) -> SocketEnd:
        """Return the end that is *raw*, connected."""
        return cls(*await asyncio.open_connection(sock=raw, limit=MOST_READ_BYTES))

    @classmethod
    async def dialled(cls, host: str, port: int) -> SocketEnd:
        """Return the end of a new connection. Raises `OSError`."""
        return cls(*await asyncio.open_connection(host, port, limit=MOST_READ_BYTES))

    async def write(self, data: memoryview) -> None:
        """Send *data*, and return when the system has taken it."""
        self._writer.write(data)
        await self._writer.drain()

    async def say_goodbye(self) -> None:
        """Send FIN, and take what the peer still says, so that the system does not say RST after all."""
        with suppress(OSError, TimeoutError):
            self._writer.write_eof()
            async with asyncio.timeout(_TAKES_MORE_FOR_S):
                while await self.read(MOST_READ_BYTES):
                    pass
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    def reset(self) -> None:
        """Send RST, whatever is under way. Nothing, if it is gone."""
        raw = self._writer.get_extra_info("socket")
        if raw is not None:  # uvloop's is None once it is closed
            with suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_TIME_TO_LINGER)
        self._writer.transport.abort()
