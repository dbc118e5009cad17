"""Websockets as bytes, for what no client library would say."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple, TypeAlias

from benchmarks.rig.events import CREATED
from benchmarks.scoreboard.stand import Proxy

__all__ = [
    "BINARY",
    "CLOSE",
    "TEXT",
    "Received",
    "Wire",
    "WireBehaviour",
    "answered",
    "wire_client",
    "wire_upstream",
]

ANSWER_S = 10.0
"""Then clients give up waiting for their handshake."""

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN, RSV1 = 0x80, 0x40
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_NO_MASK = bytes(4)


class Received(NamedTuple):
    """A frame: what it is, and what is in it."""

    opcode: int
    payload: bytes


class Wire:
    """One end of a websocket, past its handshake.

    Args:
        reader: Reads it.
        writer: Writes it.
        masks: It is a client's end, whose frames are masked, with zeros.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, masks: bool) -> None:
        self.reader = reader
        self.writer = writer
        self.masks = masks

    def send(self, opcode: int, payload: bytes) -> None:
        """Write one frame, however wrong."""
        self.writer.write(frame(opcode, payload, masked=self.masks))

    async def receive(self) -> Received | None:
        """Return the next frame; None at the end, in whatever way it comes."""
        try:
            head = await self.reader.readexactly(2)
            size = head[1] & 0x7F
            if size >= 126:
                size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
            mask = await self.reader.readexactly(4) if head[1] & 0x80 else _NO_MASK
            payload = await self.reader.readexactly(size)
        except (asyncio.IncompleteReadError, OSError):
            return None
        if mask != _NO_MASK:
            key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
            payload = (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")
        return Received(head[0] & 0x0F, payload)

    async def until_goodbye(self) -> tuple[list[Received], bytes | None]:
        """Return the messages that come, and what is in the close frame behind them, if there is one."""
        messages: list[Received] = []
        while (received := await self.receive()) is not None:
            if received.opcode == CLOSE:
                return messages, received.payload
            if received.opcode in {TEXT, BINARY}:
                messages.append(received)
        return messages, None

    async def until_end(self) -> None:
        """Read until nothing can come any more."""
        while await self.receive() is not None:
            pass

    def drop(self) -> None:
        """Be gone."""
        self.writer.transport.abort()


def frame(
    opcode: int, payload: bytes = b"", flags: int = FIN, *, masked: bool, declared: int | None = None
) -> bytes:
    """Return a frame, masked with zeros if it is a client's; *declared* is how long it says that it is."""
    size, bit = len(payload) if declared is None else declared, 0x80 if masked else 0
    if size < 126:
        length = bytes([bit | size])
    elif size < 65_536:
        length = bytes([bit | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([bit | 127]) + size.to_bytes(8, "big")
    return bytes([flags | opcode]) + length + (_NO_MASK if masked else b"") + payload


WireBehaviour: TypeAlias = Callable[[Wire], Awaitable[None]]


@asynccontextmanager
async def wire_upstream(
    behave: WireBehaviour, before: Callable[[], Awaitable[None]] | None = None
) -> AsyncIterator[str]:
    """Serve websockets, each treated with *behave* once it has got ``session.created``; yield the address.

    Args:
        behave: Has the connection until it returns; it is then dropped.
        before: Awaited between a request and its answer.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if before is not None:
                await before()
            writer.write(_answer(head))
            wire = Wire(reader, writer, masks=False)
            wire.send(TEXT, CREATED)
            await behave(wire)
        except (OSError, asyncio.IncompleteReadError):
            return  # it has left
        finally:
            await _dropped(writer)

    tasks: set[asyncio.Task[None]] = set()

    def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(take, "127.0.0.1", 0, backlog=4096)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in set(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _answer(head: bytes) -> bytes:
    lines = dict(line.split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
    key = next(value.strip() for name, value in lines.items() if name.lower() == b"sec-websocket-key")
    accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def request(proxy: Proxy) -> bytes:
    """Return the handshake of a client of *proxy*."""
    headers = {
        "Host": f"127.0.0.1:{proxy.port}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        **proxy.headers,
    }
    lines = [f"GET {proxy.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode()


@asynccontextmanager
async def wire_client(proxy: Proxy, early: bytes = b"") -> AsyncIterator[Wire]:
    """Shake hands with *proxy*, and be gone at the end.

    Args:
        proxy: Whom.
        early: What to send behind the request, before it is answered.

    Raises:
        ConnectionError: It said anything but 101, or nothing.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        writer.write(request(proxy) + early)
        head = await answered(reader)
        if b" 101 " not in head.split(b"\r\n", 1)[0]:
            raise ConnectionError(head.split(b"\r\n", 1)[0].decode())
        yield Wire(reader, writer, masks=True)
    finally:
        await _dropped(writer)


async def answered(reader: asyncio.StreamReader) -> bytes:
    """Return the head of the answer to a handshake.

    Raises:
        ConnectionError: There is none.
    """
    try:
        async with asyncio.timeout(ANSWER_S):
            return await reader.readuntil(b"\r\n\r\n")
    except TimeoutError:
        raise ConnectionError(f"no answer within {ANSWER_S:g} s") from None


async def _dropped(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()
