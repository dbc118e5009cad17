"""A client that says what it likes, byte by byte."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import define

from tests.support import UPGRADE, Gateway

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN, RSV1 = 0x80, 0x40


def masked(opcode: int, payload: bytes = b"", flags: int = FIN, *, declared: int | None = None) -> bytes:
    """A client's frame, masked with zeros; *declared* is how long it says that it is."""
    size = len(payload) if declared is None else declared
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 2**16:
        length = b"\xfe" + size.to_bytes(2, "big")
    else:
        length = b"\xff" + size.to_bytes(8, "big")
    return bytes([flags | opcode]) + length + bytes(4) + payload


@define(eq=False)
class Raw:
    """Its connection, upgraded."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    head: bytes

    async def say(self, *frames: bytes) -> None:
        """Write, and wait for room; a peer that has hung up is no error."""
        try:
            self.writer.write(b"".join(frames))
            await self.writer.drain()
        except ConnectionError:
            return

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
async def raw(
    gate: Gateway, *, extra: str = "", receive_buffer_bytes: int | None = None
) -> AsyncIterator[Raw]:
    """Open a session at *gate*; *extra* are further lines of the request's head."""
    host, port = gate.url.removeprefix("http://").split(":")
    mine = socket.socket()
    if receive_buffer_bytes is not None:
        mine.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
    mine.setblocking(False)
    await asyncio.get_running_loop().sock_connect(mine, (host, int(port)))
    mine.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    reader, writer = await asyncio.open_connection(sock=mine)
    try:
        head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "x", **UPGRADE}.items())
        writer.write(f"GET /v1/realtime?model=voice HTTP/1.1\r\n{head}{extra}\r\n".encode())
        yield Raw(reader, writer, await reader.readuntil(b"\r\n\r\n"))
    finally:
        writer.transport.abort()
