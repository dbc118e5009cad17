"""A client of bare sockets, and the server's end of its connection, in whichever lane."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from attrs import define, field

from realtime_lb import LimitSettings
from realtime_lb.frames import Close, Frame
from realtime_lb.transports.picows_upgrade import accept_and_take_over
from tests.support import UPGRADE
from tests.transports.pairs import Accepts, served

LIMITS = LimitSettings(max_message_bytes=1_000, close_timeout_s=0.5)
TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
FIN, RESERVED = 0x80, 0x40

HANDSHAKE = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "x", **UPGRADE}.items())


def masked(opcode: int, payload: bytes = b"", flags: int = FIN) -> bytes:
    """A client's frame, masked with zeros."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + size.to_bytes(2, "big")
    return bytes([flags | opcode]) + length + bytes(4) + payload


def unmasked(opcode: int, payload: bytes = b"", flags: int = FIN) -> bytes:
    """An upstream's frame."""
    size = len(payload)
    length = bytes([size]) if size < 126 else bytes([126]) + size.to_bytes(2, "big")
    return bytes([flags | opcode]) + length + payload


@define(eq=False)
class Raw:
    """A client that says what it likes, and the server's end of its connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    connection: Any
    messages: list[Frame] = field(factory=list)
    news: asyncio.Event = field(factory=asyncio.Event)
    ended: asyncio.Task[Close] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.ended = asyncio.create_task(self.connection.pump(self.take))

    def take(self, frame: Frame) -> None:
        self.messages.append(frame.kept())
        self.news.set()

    def say(self, *frames: bytes) -> None:
        self.writer.write(b"".join(frames))

    async def hears(self) -> tuple[int, bytes]:
        first, size = await self.reader.readexactly(2)
        if size == 126:
            size = int.from_bytes(await self.reader.readexactly(2), "big")
        return first & 0x0F, await self.reader.readexactly(size)

    async def hears_goodbye(self) -> int:
        opcode, payload = await self.hears()
        assert opcode == CLOSE
        return int.from_bytes(payload[:2], "big")


@asynccontextmanager
async def raw(
    limits: LimitSettings = LIMITS, behind: bytes = b"", accepts: Accepts = accept_and_take_over
) -> AsyncIterator[Raw]:
    """A client whose handshake has *behind* in the same packet."""
    async with served(accepts, limits) as (port, accepted):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET / HTTP/1.1\r\n{HANDSHAKE}\r\n".encode() + behind)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        client = Raw(reader, writer, await accepted.get())
        yield client
        client.connection.abort()
        await client.ended
        writer.close()


class Looks:
    """In place of the timer that looks whether a message is under way: looks when it is told to."""

    seen: list["Looks"] = []  # noqa: RUF012  # emptied by who uses it

    def __init__(
        self, _limit_s: float, is_under_way: Callable[[], bool], on_late: Callable[[], None]
    ) -> None:
        self.is_under_way, self.on_late = is_under_way, on_late
        self.seen.append(self)

    def restart(self) -> None: ...
    def stop(self) -> None: ...
