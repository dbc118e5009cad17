"""Handshakes that are almost right, and heads without end, from either side."""

import asyncio
import random
import time

import aiohttp
import pytest
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from realtime_lb.transports.picows_takeover import accept_key
from tests.solid.aftermath import SIZE_FULL, nothing_left
from tests.solid.hostile import (
    LOOPS,
    crowd,
    greet_then_echo,
    hostile,
    leave,
    run,
    say_in_pieces,
    tell,
    unmoved,
)
from tests.solid.mutants import TEXT, Mutator, Raw, head
from tests.support import SESSION_CREATED, UPGRADE, deployment, upstream

pytestmark = pytest.mark.usefixtures("each_lane")

HANDSHAKES = 25_000 if SIZE_FULL else 100


@pytest.mark.parametrize("loop", LOOPS)
def test_of_clients(loop: str) -> None:
    run(loop, clients(loop))


async def clients(loop: str) -> None:
    began = time.perf_counter()
    async with upstream(greet_then_echo) as url, unmoved(deployment("a", url)) as gate:
        port = URL(gate.url).port

        async def one(number: int) -> None:
            rng = random.Random(number)
            lines = [b"GET /v1/realtime?model=voice HTTP/1.1", b"Host: x", b"Authorization: Bearer sk-1"]
            lines += [f"{name}: {value}".encode() for name, value in UPGRADE.items()]
            said = head(lines, rng)
            if rng.random() < 0.3:
                said += Mutator(rng, masked=True).talk(2)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            await say_in_pieces(writer, said, rng)
            await leave(reader, writer, rng)

        async with nothing_left(gate):
            await crowd(HANDSHAKES, one)
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


@pytest.mark.parametrize("loop", LOOPS)
def test_of_upstreams(loop: str) -> None:
    run(loop, upstreams(loop))


async def upstreams(loop: str) -> None:
    began, dials = time.perf_counter(), 0

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal dials
        dials += 1
        rng = random.Random(dials)
        try:
            request = (await reader.readuntil(b"\r\n\r\n")).decode()
            key = request.partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
            await say_in_pieces(writer, answer(key, rng), rng)
            await leave(reader, writer, rng)
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    async with upstream(greet_then_echo) as good, hostile(behave) as bad:
        bad_one = deployment("a", bad, model_group="bad")
        async with unmoved(bad_one, deployment("b", good), rehome=False) as gate:

            async def one(_number: int) -> None:
                try:
                    async with gate.open("/v1/realtime?model=bad") as client:
                        async for _ in client:
                            pass
                except aiohttp.WSServerHandshakeError as refusal:
                    statuses.add(refusal.status)

            statuses: set[int] = set()
            async with nothing_left(gate):
                await crowd(HANDSHAKES, one)
    assert statuses <= {429, 502, 503, 504}
    tell("D5", dials, "handshakes of upstreams", loop, began)


async def test_a_header_in_another_encoding_is_nobodys_business() -> None:
    """A proxy before us may add names in Latin-1. We look at none of it."""
    async with upstream(greet_then_echo) as url, unmoved(deployment("a", url)) as gate:
        lines = [b"GET /v1/realtime?model=voice HTTP/1.1", b"Host: x", b"X-Name: M\xfcller"]
        lines += [f"{name}: {value}".encode() for name, value in UPGRADE.items()]
        reader, writer = await asyncio.open_connection("127.0.0.1", URL(gate.url).port)
        writer.write(b"\r\n".join([*lines, b"", b""]))
        assert b" 101 " in await reader.readline()
        writer.close()


MOST_READ_BYTES = 64 * 1024
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


@pytest.mark.parametrize("what", ENDLESS)
@pytest.mark.parametrize("loop", LOOPS)
def test_who_answers_without_end_is_not_read_without_end(
    what: str, loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(loop, endless(what, monkeypatch))


async def endless(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    start, more = ENDLESS[what]
    read: dict[int, int] = {}
    take = ResponseHandler.data_received

    def counted(self: ResponseHandler, data: bytes) -> None:
        read[id(self)] = read.get(id(self), 0) + len(data)
        take(self, data)

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(start)
            for _ in range(10_000):
                writer.write(more)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    async with hostile(behave) as bad, unmoved(deployment("a", bad)) as gate:
        monkeypatch.setattr(ResponseHandler, "data_received", counted)
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await gate.open()
        assert refused.value.status in {502, 503, 504}
    bytes_read = max(read.values())
    assert bytes_read <= MOST_READ_BYTES
