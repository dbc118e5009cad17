"""A client of bytes: what no websocket library would send."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import frozen

from benchmarks.scoreboard.stand import Proxy

__all__ = ["CONTINUATION", "FIN", "PING", "RSV1", "TEXT", "Raw", "masked", "raw"]

CONTINUATION, TEXT, _CLOSE, PING = 0, 1, 8, 9
FIN, RSV1 = 0x80, 0x40


def masked(opcode: int, payload: bytes = b"", flags: int = FIN, *, declared: int | None = None) -> bytes:
    """Return a client's frame, masked with zeros; *declared* is how long it says that it is."""
    size = len(payload) if declared is None else declared
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 2**16:
        length = b"\xfe" + size.to_bytes(2, "big")
    else:
        length = b"\xff" + size.to_bytes(8, "big")
    return bytes([flags | opcode]) + length + bytes(4) + payload


@frozen
class Raw:
    """Its connection, upgraded."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, *frames: bytes) -> bool:
        """Write, and wait for room; say whether anybody was there."""
        try:
            self.writer.write(b"".join(frames))
            await self.writer.drain()
        except ConnectionError:
            return False
        return not self.writer.is_closing()

    async def close_code(self) -> int:
        """Return the close code; 1006 where the connection ends without one."""
        try:
            while True:
                first, size = await self.reader.readexactly(2)
                if size >= 126:
                    size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
                payload = await self.reader.readexactly(size)
                if first & 0x0F == _CLOSE:
                    return int.from_bytes(payload[:2], "big")
        except (ConnectionError, asyncio.IncompleteReadError):
            return 1006


@asynccontextmanager
async def raw(proxy: Proxy, *, receive_buffer_bytes: int | None = None) -> AsyncIterator[Raw]:
    """Open a session at *proxy*."""
    mine = socket.socket()
    if receive_buffer_bytes is not None:
        mine.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
    mine.setblocking(False)  # noqa: FBT003  # the socket's
    await asyncio.get_running_loop().sock_connect(mine, ("127.0.0.1", proxy.port))
    mine.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    reader, writer = await asyncio.open_connection(sock=mine)
    head = {
        "Host": "127.0.0.1",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Extensions": "permessage-deflate",
        **proxy.headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    try:
        writer.write(f"GET {proxy.path} HTTP/1.1\r\n{lines}\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()
