"""A client of bytes: what no websocket library would send."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from attrs import define

from benchmarks.scoreboard.stand import Proxy
from benchmarks.scoreboard.wire import CLOSE, answered, frame

__all__ = ["Raw", "connected", "handshake", "masked", "raw"]

masked = partial(frame, masked=True)
"""Returns a client's frame."""


@define(eq=False)
class Raw:
    """Its connection, upgraded.

    Attributes:
        reader: Reads it.
        writer: Writes it.
        head: What the handshake was answered with.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    head: bytes

    async def say(self, *frames: bytes) -> bool:
        """Write, and wait for room; say whether anybody was there."""
        try:
            self.writer.write(b"".join(frames))
            await self.writer.drain()
        except ConnectionError:
            return False
        return not self.writer.is_closing()

    async def hears(self) -> tuple[int, bytes]:
        """Return the next frame's opcode and payload."""
        first, size = await self.reader.readexactly(2)
        if size >= 126:
            size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
        return first & 0x0F, await self.reader.readexactly(size)

    async def hears_goodbye(self) -> int:
        """Return the close code; frames before it are passed over. 1006 where there is none."""
        try:
            while True:
                opcode, payload = await self.hears()
                if opcode == CLOSE:
                    return int.from_bytes(payload[:2], "big")
        except (ConnectionError, asyncio.IncompleteReadError):
            return 1006


@asynccontextmanager
async def connected(port: int, head: str, *, receive_buffer_bytes: int | None = None) -> AsyncIterator[Raw]:
    """Open a connection to a port of 127.0.0.1 that is upgraded by *head*.

    Raises:
        ConnectionError: There is no answer.
    """
    mine = socket.socket()
    if receive_buffer_bytes is not None:
        mine.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
    mine.setblocking(False)  # noqa: FBT003  # the socket's
    await asyncio.get_running_loop().sock_connect(mine, ("127.0.0.1", port))
    mine.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    reader, writer = await asyncio.open_connection(sock=mine)
    try:
        writer.write(head.encode())
        yield Raw(reader, writer, await answered(reader))
    finally:
        writer.transport.abort()


def handshake(proxy: Proxy, *, offers_deflate: bool = False) -> str:
    """Return a request that opens a session at *proxy*."""
    head = {
        "Host": "127.0.0.1",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        **proxy.headers,
    }
    if offers_deflate:
        head["Sec-WebSocket-Extensions"] = "permessage-deflate"
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"GET {proxy.path} HTTP/1.1\r\n{lines}\r\n"


@asynccontextmanager
async def raw(
    proxy: Proxy, *, receive_buffer_bytes: int | None = None, offers_deflate: bool = False
) -> AsyncIterator[Raw]:
    """Open a session at *proxy*.

    Raises:
        ConnectionError: It does not answer.
    """
    request = handshake(proxy, offers_deflate=offers_deflate)
    async with connected(proxy.port, request, receive_buffer_bytes=receive_buffer_bytes) as client:
        yield client
