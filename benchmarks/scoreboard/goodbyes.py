"""Every way to say goodbye, legal or not, and what becomes of it on its way through a proxy."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from attrs import frozen

from benchmarks.scoreboard.stand import Proxy
from benchmarks.scoreboard.wire import CLOSE, TEXT, Wire, wire_client

__all__ = ["BODIES", "Goodbye", "Upstreams", "is_legal", "say_all"]

PATIENCE_S = 5.0
CODES = (0, *range(999, 1016), 2999, 3000, 3999, 4000, 4999, 5000)


def _body(code: int, reason: bytes = b"") -> bytes:
    return code.to_bytes(2, "big") + reason


BODIES: Mapping[str, bytes] = {
    **{str(code): _body(code, b"why, indeed") for code in CODES},
    "empty": b"",
    "one byte": b"\x03",
    "no reason": _body(4000),
    "123 bytes of reason": _body(4000, b"x" * 123),
    "124 bytes of reason": _body(4000, b"x" * 124),
    "bad UTF-8": _body(4000, b"\xff\xfe"),
    "half a character": _body(4000, "é".encode()[:1]),
    "umlauts": _body(4000, "äöü".encode()),
}
"""What is in a close frame (RFC 6455, sections 5.5.1 and 7.4)."""


def is_legal(body: bytes) -> bool:
    """Say whether a close frame may hold *body*."""
    if not body:
        return True
    code = int.from_bytes(body[:2], "big")
    known = 1000 <= code <= 1014 and code not in {1004, 1005, 1006}
    try:
        body[2:].decode()
    except UnicodeDecodeError:
        return False
    return 2 <= len(body) <= 125 and (known or 3000 <= code <= 4999)


@frozen
class Goodbye:
    """What one close frame came to.

    Attributes:
        name: Which of `BODIES`.
        said: It.
        answered: What its sender was told in return; None is nothing.
        passed_on: What the other end was told; None is nothing.
        took_s: How long until both connections were over.
    """

    name: str
    said: bytes
    answered: bytes | None
    passed_on: bytes | None
    took_s: float

    @property
    def has_illegal(self) -> bool:
        """The proxy said what nobody may."""
        return any(told is not None and not is_legal(told) for told in (self.answered, self.passed_on))

    @property
    def is_lost(self) -> bool:
        """The other end was told nothing, or a legal goodbye was made another."""
        if self.passed_on is None:
            return True
        return bool(self.said) and is_legal(self.said) and self.passed_on != self.said


class Upstreams:
    """Treats each connection by the first word of its client: which goodbye, and who says it."""

    def __init__(self) -> None:
        self.ends: dict[str, asyncio.Future[tuple[bytes | None, float]]] = {}

    async def behave(self, wire: Wire) -> None:
        """Say a goodbye, or wait for one; note what came, and when all was over."""
        word = await wire.receive()
        if word is None:
            return
        wire.send(*word)
        name, _, who = word.payload.decode().split('"')[3].partition("/")
        if who == "upstream":
            await wire.receive()  # that it may
        told = await _talk(wire, BODIES[name] if who == "upstream" else None)
        self.ends[f"{name}/{who}"].set_result((told, asyncio.get_running_loop().time()))


async def _talk(wire: Wire, says: bytes | None) -> bytes | None:
    """Say goodbye or hear one, and leave as RFC 6455 has it; return what was heard."""
    if says is not None:
        wire.send(CLOSE, says)
    _, told = await wire.until_goodbye()
    if told is not None and says is None:
        wire.send(CLOSE, told)
    if told is not None and not wire.masks:
        wire.writer.close()  # a server closes first
    await wire.until_end()
    return told


async def say_all(proxy: Proxy, upstreams: Upstreams) -> list[Goodbye]:
    """Say every goodbye, from either end, all at once."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_say(proxy, upstreams, name, who)) for name, who in _all()]
    return [task.result() for task in tasks]


def _all() -> Iterator[tuple[str, str]]:
    for name in BODIES:
        yield name, "upstream"
        yield name, "client"


async def _say(proxy: Proxy, upstreams: Upstreams, name: str, who: str) -> Goodbye:
    loop = asyncio.get_running_loop()
    there = upstreams.ends[f"{name}/{who}"] = loop.create_future()
    async with asyncio.timeout(PATIENCE_S), wire_client(proxy) as client:
        await client.receive()  # session.created
        word = b'{"type":"%s"}' % f"{name}/{who}".encode()
        client.send(TEXT, word)
        await client.receive()  # the same: what comes in one segment with a breach need not arrive
        began_s = loop.time()
        if who == "upstream":
            client.send(TEXT, word)
        told_here = await _talk(client, BODIES[name] if who == "client" else None)
        over_s = loop.time()
        told_there, over_there_s = await there
    answered, passed_on = (told_here, told_there) if who == "client" else (told_there, told_here)
    return Goodbye(
        f"{name} by the {who}", BODIES[name], answered, passed_on, max(over_s, over_there_s) - began_s
    )
