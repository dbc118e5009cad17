"""What is too large is refused by its head, and nothing is ever inflated."""

import asyncio
import os
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from benchmarks.scoreboard.raw import masked
from benchmarks.scoreboard.wire import BINARY, CONTINUATION, FIN, PING, RSV1, TEXT
from realtime_lb import LimitSettings, RehomeSettings
from realtime_lb.records import Fault
from realtime_lb.transports.handshake import accept_key
from tests.solid.hostile import LOOPS
from tests.solid.raw_client import raw
from tests.support import SESSION_CREATED, Websocket, deployment, gateway, greet_and_echo, upstream

pytestmark = pytest.mark.usefixtures("each_lane")

MIB = 1024 * 1024
GREETING = bytes([FIN | TEXT, len(SESSION_CREATED)]) + SESSION_CREATED.encode()
LIMITS = LimitSettings(max_message_bytes=MIB, close_timeout_s=0.5)


@pytest.mark.parametrize(
    "said",
    [
        [masked(TEXT, b"{", declared=2**63 - 1)],
        [masked(TEXT, b"{", declared=2**31)],
        [masked(TEXT, b"{", declared=MIB + 1)],
        [masked(BINARY, b"{", flags=0, declared=2**62)],
        [masked(TEXT, bytes(700_000), flags=0)] + [masked(CONTINUATION, bytes(100_000), flags=0)] * 5,
    ],
    ids=["2^63-1", "2^31", "one byte more", "of a fragment", "many fragments"],
)
async def test_a_message_over_the_cap_is_refused_by_its_head(said: list[bytes]) -> None:
    """Before its last bytes are there: a client that sends no more gets its 1009 all the same."""
    async with (
        upstream(greet_and_echo) as url,
        gateway(deployment("a", url), limits=LIMITS) as gate,
        raw(gate) as client,
    ):
        await client.say(*said)
        assert await client.hears_goodbye() == 1009
        (record,) = await gate.told.all_closed(1)
    assert (record.close_code, record.fault, record.from_client.frames) == (1009, Fault.CLIENT, 0)


async def test_deflate_is_not_agreed_to() -> None:
    offers = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    async with (
        upstream(greet_and_echo) as url,
        gateway(deployment("a", url), limits=LIMITS) as gate,
        raw(gate, extra=offers) as client,
    ):
        assert b"sec-websocket-extensions" not in client.head.lower()
        await client.say(masked(TEXT, zlib.compress(bytes(MIB))[2:-4], flags=FIN | RSV1))
        assert await client.hears_goodbye() == 1002
        (record,) = await gate.told.all_closed(1)
    assert (record.close_code, record.fault, record.from_client.frames) == (1002, Fault.CLIENT, 0)


@pytest.mark.parametrize("opcode", [TEXT, BINARY, CONTINUATION, PING])
async def test_a_reserved_bit_is_1002(opcode: int) -> None:
    async with (
        upstream(greet_and_echo) as url,
        gateway(deployment("a", url), limits=LIMITS) as gate,
        raw(gate) as client,
    ):
        await client.say(masked(opcode, b"x", flags=FIN | RSV1))
        assert await client.hears_goodbye() == 1002


@asynccontextmanager
async def shaking_hands(*lines: str, later: bytes = b"") -> AsyncIterator[str]:
    """An upstream that answers every handshake with *lines*, greets, and later says *later*."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = request.lower().partition("sec-websocket-key: ")[0]
        key = request[len(key) :].partition(": ")[2].partition("\r\n")[0]
        head = (
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: upgrade",
            f"Sec-WebSocket-Accept: {accept_key(key)}",
            *lines,
        )
        writer.write("\r\n".join((*head, "", "")).encode() + GREETING)
        await reader.read(1)
        writer.write(later)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


async def test_an_upstream_that_compresses_unasked_is_left_at_its_handshake() -> None:
    """It is refused like any that breaks the handshake, and the next one gets the session."""
    deflates = "Sec-WebSocket-Extensions: permessage-deflate"
    async with (
        shaking_hands(deflates) as bad,
        upstream(greet_and_echo) as good,
        gateway(deployment("bad", bad, order=1), deployment("good", good, order=2), limits=LIMITS) as gate,
        gate.open() as client,
    ):
        await client.receive()
        (opened,) = gate.told.opened
    assert [attempt.deployment for attempt in opened.attempts] == ["bad", "good"]
    assert opened.attempts[0].outcome == "http_101"


async def test_a_compressed_frame_of_an_upstreams_is_its_own_fault() -> None:
    packed = zlib.compress(bytes(100_000))[2:-4]
    compressed = bytes([FIN | RSV1 | TEXT, 126]) + len(packed).to_bytes(2, "big") + packed
    async with (
        shaking_hands(later=compressed) as url,
        gateway(deployment("a", url), limits=LIMITS, rehome=RehomeSettings(enabled=False)) as gate,
        raw(gate) as client,
    ):
        await client.say(masked(TEXT, b'{"type":"response.create"}'))
        assert await client.hears_goodbye() == 1002
        (record,) = await gate.told.all_closed(1)
    assert (record.fault, record.from_upstream.frames) == (Fault.UPSTREAM, 1)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_client_whose_next_words_cross_its_goodbye_is_not_cut_off(
    loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closed over what is unread, a socket resets its peer, who may not have looked at the goodbye yet."""
    closing = web.WebSocketResponse._close_transport

    async def main() -> None:
        async with (
            upstream(greet_and_echo) as url,
            gateway(deployment("a", url), limits=LIMITS) as gate,
            raw(gate) as client,
        ):
            crossing = client.writer.get_extra_info("socket").fileno()

            def close(websocket: Websocket) -> None:
                os.write(crossing, bytes(1000))
                closing(websocket)

            monkeypatch.setattr(web.WebSocketResponse, "_close_transport", close)
            await client.say(masked(TEXT, b"{", declared=2**31))
            assert await client.hears_goodbye() == 1009
            assert await client.reader.read() == b""

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(main())
