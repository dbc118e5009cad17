"""Handshakes that are almost right, and heads without end, from either side."""

import asyncio
import itertools
import os
import random
import time
from collections import Counter
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from weakref import WeakKeyDictionary

import aiohttp
import pytest
from aiohttp.client_proto import ResponseHandler
from attrs import define, field
from yarl import URL

from benchmarks.rig.proc import read_memory
from realtime_lb import second_look
from realtime_lb.transports.handshake import accept_key
from tests import support
from tests.solid.aftermath import SIZE_FULL, nothing_left
from tests.solid.hostile import (
    LOOPS,
    crowd,
    greet_then_echo,
    hostile,
    leave,
    run,
    say_in_pieces,
    status,
    tell,
    unmoved,
)
from tests.solid.mutants import TEXT, Mutator, Raw, head
from tests.solid.raw import UPGRADE as UPGRADE_LINES
from tests.solid.raw import request
from tests.support import SESSION_CREATED, UPGRADE, deployment, upstream

pytestmark = pytest.mark.usefixtures("each_lane")

HANDSHAKES = 25_000 if SIZE_FULL else 100


@pytest.mark.parametrize("loop", LOOPS)
def test_of_clients(loop: str) -> None:
    run(loop, clients(loop))


async def clients(loop: str) -> None:
    began, answers = time.perf_counter(), Counter[bytes]()
    async with (
        upstream(greet_then_echo) as url,
        unmoved(deployment("a", url), head_timeout_s=0.5) as gate,
    ):
        port = URL(gate.url).port

        async def one(number: int) -> None:
            rng = random.Random(f"{support.LANE} {loop} {number}")
            lines = [b"GET /v1/realtime?model=voice HTTP/1.1", b"Host: x", b"Authorization: Bearer sk-1"]
            lines += [f"{name}: {value}".encode() for name, value in UPGRADE.items()]
            said = head(lines, rng)
            if rng.random() < 0.3:
                said += Mutator(rng, masked=True).talk(2)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            await say_in_pieces(writer, said, rng)
            if rng.random() < 0.9:  # the others are gone before they have an answer
                answers[await status(reader)] += 1
            await leave(reader, writer, rng)

        async with nothing_left(gate):
            await crowd(range(HANDSHAKES), one)
    assert answers[b"101"] > 0
    assert b"500" not in answers
    tell("D3", HANDSHAKES, "handshakes of clients", loop, began)


BODIES = (
    b"5\r\nhello\r\n0\r\n\r\n",
    b"fffffffffffffffffff\r\nhello",
    b"-5\r\nhello\r\n",
    b"5;ext=1\r\nhel",
    b"zz\r\n\r\n",
    b'{"error":{"code":"rate_limit_exceeded","message":"m"}}',
    b"\x1f\x8b\x08\x00junk",
    b"",
)
STATUSES = (
    b"101 Switching Protocols",
    b"100 Continue",
    b"200 OK",
    b"204 No Content",
    b"302 Found",
    b"401 Unauthorized",
    b"429 Too Many Requests",
    b"500 Internal Server Error",
    b"503 Service Unavailable",
    b"999 Whatever",
    b"-1 No",
    b"1011 Too long",
)


def answer(key: str, rng: random.Random) -> bytes:
    """Return an answer to a handshake, of any status, wrong in up to three ways, and what comes behind it."""
    if rng.random() < 0.6:
        lines = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: upgrade"]
        lines.append(b"Sec-WebSocket-Accept: " + accept_key(key).encode())
        greeting = Raw(TEXT, SESSION_CREATED.encode(), masked=False).wire(rng)
        return head(lines, rng) + greeting + Mutator(rng, masked=False).talk(3)
    lines = [b"HTTP/1.1 " + rng.choice(STATUSES), b"Content-Type: application/json", b"Location: http://x/"]
    lines.append(rng.choice((b"Transfer-Encoding: chunked", b"Content-Length: 54", b"Retry-After: 7")))
    return head(lines, rng) + rng.choice(BODIES)


MOST_READ_BYTES = 64 * 1024
MOST_GROWN_BYTES = 5_000_000
WARM_UP = HANDSHAKES // 5
OK = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
ENDLESS = {
    "headers": (OK, b"X-More: yes\r\n" * 100),
    "long headers": (OK, (b"X-More: " + b"y" * 8_000 + b"\r\n") * 2),
    "one header": (OK + b"X-More: ", b"y" * 8_000),
    "status": (b"HTTP/1.1 101 ", b"y" * 8_000),
    "nothing of HTTP": (b"", b"\x00" * 8_000),
    "early hints": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 100),
    "body": (b"HTTP/1.1 500 No\r\nContent-Length: 999999999\r\n\r\n", b"z" * 8_000),
    "chunks": (b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nz\r\n" * 1_000),
    "refused upgrade": (OK + b"Sec-WebSocket-Accept: no\r\n\r\n", b"z" * 8_000),
}
ONE_ENDLESS_IN = 50


async def say_without_end(writer: asyncio.StreamWriter, what: str) -> None:
    start, more = ENDLESS[what]
    writer.write(start)
    for _ in range(10_000):
        writer.write(more)
        await writer.drain()


@define
class Reading:
    """Counts what aiohttp reads of an upstream before that is upgraded."""

    most_bytes: int = 0
    _bytes: MutableMapping[ResponseHandler, int] = field(factory=WeakKeyDictionary)

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        take = ResponseHandler.data_received

        def counted(handler: ResponseHandler, data: bytes) -> None:
            if not handler.upgraded:
                self._bytes[handler] = self._bytes.get(handler, 0) + len(data)
                self.most_bytes = max(self.most_bytes, self._bytes[handler])
            take(handler, data)

        monkeypatch.setattr(ResponseHandler, "data_received", counted)


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Reading:
    watched = Reading()
    watched.watch(monkeypatch)
    return watched


@pytest.mark.parametrize("loop", LOOPS)
def test_of_upstreams(loop: str, reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each open goes on to another deployment, which is no better, as often as it may."""
    monkeypatch.setattr(second_look, "LOOK_AFTER_S", 0.05)  # some refuse credentials
    run(loop, upstreams(loop, reading))


async def upstreams(loop: str, reading: Reading) -> None:
    began, dials, answers = time.perf_counter(), 0, Counter[bytes]()

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal dials
        dials += 1
        rng = random.Random(f"{support.LANE} {loop} {dials}")
        try:
            asked = (await reader.readuntil(b"\r\n\r\n")).decode()
            if dials % ONE_ENDLESS_IN == 0:
                await say_without_end(writer, rng.choice(list(ENDLESS)))
            key = asked.partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
            await say_in_pieces(writer, answer(key, rng), rng)
            await leave(reader, writer, rng)
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    async with upstream(greet_then_echo) as good, hostile(behave) as bad:
        bad_ones = [deployment(f"bad {number}", bad, model_group="bad") for number in range(3)]
        async with unmoved(*bad_ones, deployment("good", good), rehome=False) as gate:

            async def one(_number: int) -> None:
                reader, writer = await asyncio.open_connection("127.0.0.1", URL(gate.url).port)
                writer.write(request("GET /v1/realtime?model=bad HTTP/1.1", *UPGRADE_LINES))
                answers[await status(reader)] += 1
                with suppress(OSError):  # who does not say goodbye is cut off
                    await reader.read(-1)
                writer.close()

            def until(most_dials: int) -> Iterator[int]:
                return itertools.takewhile(lambda _: dials < most_dials, itertools.count())

            async with nothing_left(gate):
                await crowd(until(WARM_UP), one)
                before_bytes = read_memory(os.getpid()).rss_bytes
                await crowd(until(HANDSHAKES), one)
                grown_bytes = read_memory(os.getpid()).rss_bytes - before_bytes
    assert {*answers} <= {b"101", b"429", b"502", b"503", b"504"}
    assert answers[b"101"] > 0
    assert 0 < reading.most_bytes <= MOST_READ_BYTES
    if SIZE_FULL:  # a hundred are too few to tell what stays
        assert grown_bytes <= MOST_GROWN_BYTES
    more = f", {reading.most_bytes:,} B of one read at most, {grown_bytes / 1e6:+.1f} MB"
    tell("D5", dials, "handshakes of upstreams", loop, began, more)


async def test_a_header_in_another_encoding_is_nobodys_business() -> None:
    """A proxy before us may add names in Latin-1. We look at none of it."""
    async with upstream(greet_then_echo) as url, unmoved(deployment("a", url)) as gate:
        lines = [b"GET /v1/realtime?model=voice HTTP/1.1", b"Host: x", b"X-Name: M\xfcller"]
        lines += [f"{name}: {value}".encode() for name, value in UPGRADE.items()]
        reader, writer = await asyncio.open_connection("127.0.0.1", URL(gate.url).port)
        writer.write(b"\r\n".join([*lines, b"", b""]))
        assert b" 101 " in await reader.readline()
        writer.close()


@pytest.mark.parametrize("what", ENDLESS)
@pytest.mark.parametrize("loop", LOOPS)
def test_who_answers_without_end_is_not_read_without_end(what: str, loop: str, reading: Reading) -> None:
    run(loop, endless(what))
    assert 0 < reading.most_bytes <= MOST_READ_BYTES


async def endless(what: str) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await say_without_end(writer, what)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    async with hostile(behave) as bad, unmoved(deployment("a", bad)) as gate:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await gate.open()
        assert refused.value.status in {502, 503, 504}
