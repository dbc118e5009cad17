"""What picows leaves to its user: fragments, goodbyes, pings, and sockets that it did not open."""

import asyncio
import gc
import struct
from contextlib import suppress
from typing import Any

import pytest

from realtime_lb import DialRequest, LimitSettings, Tls
from realtime_lb.frames import Close, Frame, Opcode
from realtime_lb.transports import picows_connection, picows_messages, picows_takeover
from realtime_lb.transports.handshake import accept_key
from realtime_lb.transports.picows_transport import PicowsTransport
from tests.transports.pairs import tls_server
from tests.transports.raw import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FIN,
    LIMITS,
    PING,
    PONG,
    RESERVED,
    TEXT,
    Looks,
    masked,
    raw,
    unmasked,
)


async def test_what_came_with_the_handshake_is_delivered_first() -> None:
    """Be it a whole message and half of the next."""
    second = masked(BINARY, b"second")
    async with raw(behind=masked(TEXT, b"first") + second[:3]) as client:
        client.say(second[3:], masked(CLOSE))
        assert await client.ended == Close(1005)
        assert client.messages == [Frame(Opcode.TEXT, b"first"), Frame(Opcode.BINARY, b"second")]


async def test_who_is_redirected_within_a_message_gets_that_and_all_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Somebody has looked at it before, to see whether it is ever finished."""
    monkeypatch.setattr(picows_connection, "Assembly", Looks)
    Looks.seen.clear()
    whole = masked(TEXT, b"under way")
    got: list[bytes] = []
    async with raw() as client:
        client.say(whole[:9])
        (look,) = Looks.seen
        async with asyncio.timeout(5):
            while not look.is_under_way():  # noqa: ASYNC110  # nobody tells that a part has come
                await asyncio.sleep(0)
            client.connection.redirect(lambda frame: got.append(bytes(frame.payload)))
            client.say(whole[9:], masked(TEXT, b"next"), masked(CLOSE))
            await client.ended
    assert (client.messages, got) == ([], [b"under way", b"next"])


async def test_a_message_in_pieces_is_one_message_and_pings_may_lie_between() -> None:
    async with raw() as client:
        client.say(masked(TEXT, b"on", flags=0), masked(PING, b"?"))
        assert await client.hears() == (PONG, b"?")
        client.say(masked(CONTINUATION, b"", flags=0), masked(CONTINUATION, b"e"), masked(TEXT, b"two"))
        client.say(masked(CLOSE, struct.pack("!H", 4000) + b"enough"))
        assert await client.ended == Close(4000, "enough")
        assert client.messages == [Frame(Opcode.TEXT, b"one"), Frame(Opcode.TEXT, b"two")]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ([masked(TEXT, b"x", FIN | RESERVED)], 1002),
        ([masked(TEXT, b"x", FIN | 0x20)], 1002),
        ([masked(TEXT, b"x", FIN | 0x10)], 1002),
        ([masked(PING, b"x", FIN | RESERVED)], 1002),
        ([masked(CONTINUATION, b"x")], 1002),
        ([masked(TEXT, b"x", 0), masked(TEXT, b"x")], 1002),
        ([masked(3)], 1002),
        ([b"\x81\x01x"], 1002),
        ([masked(CLOSE, b"\x00")], 1002),
        ([masked(CLOSE, struct.pack("!H", 0))], 1002),
        ([masked(CLOSE, struct.pack("!H", 1005))], 1002),
        ([masked(CLOSE, struct.pack("!H", 1006))], 1002),
        ([masked(CLOSE, struct.pack("!H", 5000))], 1002),
        ([masked(CLOSE, struct.pack("!H", 1000) + b"\xff")], 1007),
        ([masked(BINARY, bytes(1_001))], 1009),
        ([b"\x82\xff" + (2**63 - 1).to_bytes(8, "big")], 1009),
        ([masked(BINARY, bytes(600), 0), masked(CONTINUATION, bytes(600))], 1009),
    ],
)
async def test_who_breaks_the_protocol_hears_why_and_is_delivered_no_more(
    said: list[bytes], code: int
) -> None:
    """Nothing of what it says next arrives, be it well-formed, and the goodbye reaches it."""
    async with raw(LimitSettings(max_message_bytes=1_000, close_timeout_s=60.0)) as client:
        client.say(*said, masked(TEXT, b"and another thing"), *[masked(BINARY, bytes(999))] * 200)
        assert await client.hears_goodbye() == code
        assert (await client.ended).code == code
        assert not client.connection._transport.is_closing(), "unread data would take the goodbye back"
        assert client.connection.write(Frame(Opcode.TEXT, b"late"))
        closing = asyncio.create_task(client.connection.close(1011))
        assert await client.reader.read() == b""
        client.writer.close()
        await closing
        assert client.messages == []


async def test_who_breaks_the_protocol_amid_a_flood_is_looked_at_no_more() -> None:
    """What is behind it is read and forgotten, however much of it came at once."""
    async with raw() as client:
        client.say(*[masked(BINARY, bytes(999))] * 10, masked(TEXT, b"x", FIN | RESERVED))
        client.say(*[masked(BINARY)] * 5_000)
        assert await client.hears_goodbye() == 1002
        assert (await client.ended).code == 1002
        reader = client.connection._transport.get_protocol()
        assert isinstance(reader, picows_takeover._Discard)
        assert len(client.messages) == 10


async def shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer as an upstream."""
    request = (await reader.readuntil(b"\r\n\r\n")).decode()
    key = request.partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
        b"Sec-WebSocket-Accept: %s\r\n\r\n" % accept_key(key).encode()
    )


async def test_a_breach_of_an_upstreams_leaves_nothing_behind_to_complain_of() -> None:
    """Picows keeps the breach as an exception, and asyncio logs those that nobody looks at."""
    complaints: list[object] = []
    gone = asyncio.Event()
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))

    async def breach(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shake_hands(reader, writer)
        writer.write(unmasked(3))
        await reader.read()
        writer.close()
        gone.set()

    server, dialling = await asyncio.start_server(breach, "127.0.0.1", 0), PicowsTransport(LIMITS)
    async with server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        connection = await dialling.connect(DialRequest(url=url), 5.0)
        assert (await connection.pump(lambda _frame: None)).code == 1002
        await connection.close()
        del connection
        await dialling.aclose()
        await gone.wait()
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []


GOODBYE = masked(CLOSE, struct.pack("!H", 4000) + b"enough")


@pytest.mark.parametrize(
    "behind",
    [masked(CLOSE), masked(PING, b"?"), masked(TEXT, b"!"), masked(TEXT, b"", 0) + masked(TEXT), masked(3)],
    ids=["another goodbye", "a ping", "a message", "a breach in pieces", "a breach"],
)
@pytest.mark.parametrize("at_once", [True, False])
async def test_what_comes_behind_a_goodbye_is_passed_over(behind: bytes, at_once: bool) -> None:
    """RFC 6455, sections 1.4 and 5.5.1: it is answered, and then nothing is, whatever picows makes of it."""
    async with raw() as client:
        if at_once:
            client.say(masked(TEXT, b"the last"), GOODBYE + behind)
        else:
            client.say(masked(TEXT, b"the last"), GOODBYE)
            assert await client.ended == Close(4000, "enough")
            client.say(behind)
        assert await client.hears() == (CLOSE, struct.pack("!H", 4000) + b"enough")
        assert await client.ended == Close(4000, "enough")
        closing = asyncio.create_task(client.connection.close(1011))
        with suppress(ConnectionResetError):  # nobody reads what is still under way
            assert await client.reader.read() == b""
        client.writer.close()
        await closing
        assert [frame.payload for frame in client.messages] == [b"the last"]


async def test_a_breach_is_the_end_though_its_author_says_goodbye() -> None:
    """Picows tells of a breach after 10 ms; by then the peer may have answered."""
    async with raw() as client:
        client.say(masked(BINARY, bytes(1_001)))
        assert await client.hears_goodbye() == 1009
        client.say(masked(CLOSE, struct.pack("!H", 1000)))
        assert (await client.ended).code == 1009


async def test_pieces_without_end_are_a_breach_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty ones take no memory, so that only counting them ends it."""
    monkeypatch.setattr(picows_messages, "MOST_FRAGMENTS", 10)
    async with raw() as client:
        client.say(masked(TEXT, b"", 0), *[masked(CONTINUATION, b"", 0)] * 10)
        assert await client.hears_goodbye() == 1008


async def test_who_floods_with_pings_and_reads_nothing_gets_the_last_pong_only() -> None:
    """Pongs to the others would pile up here. The connection is full when its transport says so."""
    async with raw() as client:
        client.connection.pause_writing()
        client.say(*[masked(PING, b"%d" % number) for number in range(5_000)], masked(TEXT, b"!"))
        await client.news.wait()
        client.connection.resume_writing()
        assert await client.hears() == (PONG, b"4999")
        client.say(masked(PING, b"again"))
        assert await client.hears() == (PONG, b"again")


class Turns:
    """How much is delivered in each turn of the loop."""

    def __init__(self) -> None:
        self.bytes = [0]

    def take(self, frame: Frame) -> None:
        if not self.bytes[-1]:
            asyncio.get_running_loop().call_soon(self.bytes.append, 0)
        self.bytes[-1] += len(frame.payload)


async def test_a_flood_is_read_a_little_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much the kernel holds: what one read brings must find room on the other side."""
    turns = Turns()
    monkeypatch.setattr(picows_takeover, "MOST_READ_BYTES", 8_000)
    async with raw() as client:
        client.connection.pause()
        client.say(*[masked(BINARY, bytes(1_000))] * 1_000, masked(CLOSE))
        for _ in range(100):
            await asyncio.sleep(0)
        client.connection._messages.deliver = turns.take
        client.connection.resume()
        await client.ended
    assert sum(turns.bytes) == 1_000_000
    assert max(turns.bytes) <= 8_000 + 1_000


LARGE_BYTES = 60_000


@pytest.mark.parametrize(
    "first",
    [
        b"",
        unmasked(TEXT, bytes(LARGE_BYTES)),
        unmasked(BINARY, bytes(LARGE_BYTES)),
        unmasked(TEXT, bytes(LARGE_BYTES), 0) + unmasked(CONTINUATION),
    ],
    ids=["at once", "behind a large message", "behind a large binary one", "behind a large piece"],
)
@pytest.mark.parametrize("scheme", ["ws", "wss"])
async def test_an_upstreams_flood_is_read_a_little_at_a_time(
    scheme: str, first: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though picows makes room for twice the largest message. Over TLS that is how much it makes, no more."""
    context = tls_server() if scheme == "wss" else None
    monkeypatch.setattr(picows_takeover, "MOST_READ_BYTES", 8_000)
    turns, said, wanted = Turns(), asyncio.Event(), asyncio.Event()

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shake_hands(reader, writer)
        if first:
            writer.write(first)
            await wanted.wait()
        writer.write(unmasked(BINARY, bytes(1_000)) * 1_000 + unmasked(CLOSE))
        said.set()
        await reader.read()
        writer.close()

    dialling = PicowsTransport(LimitSettings(close_timeout_s=0.5))
    async with await asyncio.start_server(flood, "127.0.0.1", 0, ssl=context) as server:
        url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        connection: Any = await dialling.connect(DialRequest(url=url, tls=Tls(verify=False)), 5.0)

        def take(frame: Frame) -> None:
            if len(frame.payload) < LARGE_BYTES:
                turns.take(frame)
                return
            connection.pause()
            wanted.set()

        async with asyncio.TaskGroup() as reading:
            reading.create_task(connection.pump(take))
            await said.wait()
            connection.resume()
        room = connection._takeover._protocol.get_buffer(-1)
        await connection.close()
        await dialling.aclose()
    assert sum(turns.bytes) == 1_000_000
    assert len(room) <= 4 * max(8_000, len(first))
    if scheme == "ws":  # aiofastnet decrypts a quarter of a megabyte in a turn
        assert max(turns.bytes) <= 8_000 + 1_000


async def test_aiohttp_may_still_close_what_was_taken_from_it() -> None:
    """A server that is cleaned up does not wait for those who never leave."""
    async with raw() as client:
        client.say(masked(TEXT, b"hello"))
        await client.news.wait()
        protocol = client.connection._on_lost.__self__  # aiohttp's
        protocol.force_close()
        assert await client.ended == Close(1006)
        assert protocol._manager is None, "aiohttp was not told of the end"
