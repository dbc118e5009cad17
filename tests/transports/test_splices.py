"""A connection writes some messages to another itself: those that it was told to, and no others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from attrs import define, field

from realtime_lb import LimitSettings
from realtime_lb.abc import Splice
from realtime_lb.count import Count
from realtime_lb.events import heads_of
from realtime_lb.frames import Frame, Opcode
from realtime_lb.transports import aiohttp_connection, picows_connection
from realtime_lb.transports.aiohttp_upgrade import accept_websocket
from realtime_lb.transports.picows_upgrade import accept_and_take_over
from tests.transports.pairs import Accepts
from tests.transports.raw import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FIN,
    PONG,
    RESERVED,
    TEXT,
    Looks,
    Raw,
    masked,
    raw,
)

LIMITS = LimitSettings(max_message_bytes=100_000, close_timeout_s=0.5)
SOUND = b'{"type":"sound","audio":"AAAA"}'
SPACED = b'{"type": "sound", "audio": "AAAA"}'
OTHER = b'{"type":"silence"}'


@define(eq=False)
class Spliced:
    """A client whose sound goes to another, and what was told of it."""

    client: Raw
    other: Raw
    count: Count = field(factory=Count)
    seen: list[bytes] = field(factory=list)
    full: asyncio.Event = field(factory=asyncio.Event)
    due: asyncio.Event = field(factory=asyncio.Event)

    def splice(self, sink: Any = None) -> None:
        def see(payload: bytes | memoryview) -> None:
            assert isinstance(payload, memoryview), "what need not be copied was seen as what must"
            self.seen.append(bytes(payload))

        heads = heads_of(frozenset({"sound"}))
        there = sink or self.other.connection
        splice = Splice(heads, self.count, self.seen.append, see, there, self.full.set, self.due.set)
        self.client.connection.redirect(self.client.take, splice)

    async def delivered(self, *payloads: bytes) -> None:
        """Say goodbye for the client, and look what was delivered here, and how many went there."""
        self.client.say(masked(CLOSE))
        await self.client.ended
        assert [frame.payload for frame in self.client.messages] == [b"first", *payloads]
        assert (self.count.frames, self.count.bytes) == (len(self.seen), sum(map(len, self.seen)))


@pytest.fixture(params=[accept_and_take_over, accept_websocket], ids=["picows", "aiohttp"])
def accepts(request: pytest.FixtureRequest) -> Any:
    return request.param


@asynccontextmanager
async def spliced(accepts: Accepts) -> AsyncIterator[Spliced]:
    async with raw(LIMITS, accepts=accepts) as client, raw(LIMITS, accepts=accepts) as other:
        client.say(masked(TEXT, b"first"))
        await client.news.wait()
        both = Spliced(client, other)
        both.splice()
        yield both


@pytest.mark.parametrize("text", [SOUND, SPACED], ids=["tight", "spaced"])
@pytest.mark.parametrize("size", [0, 4_000, 6_000, 20_000])
async def test_what_begins_and_ends_as_told_goes_to_the_other_as_it_is(
    text: bytes, size: int, accepts: Accepts
) -> None:
    sound = text.replace(b"AAAA", b"A" * size)
    async with spliced(accepts) as both:
        both.client.say(masked(TEXT, sound), masked(TEXT, OTHER), masked(TEXT, sound))
        assert [await both.other.hears() for _ in range(2)] == [(TEXT, sound)] * 2
        await both.delivered(OTHER)
        assert both.seen == [sound] * 2


PIECES = {
    "in pieces": [masked(TEXT, SOUND[:9], 0), masked(CONTINUATION, SOUND[9:])],
    "in pieces, one of them empty": [masked(TEXT, SOUND, 0), masked(CONTINUATION)],
}


async def test_what_is_no_text_is_delivered(accepts: Accepts) -> None:
    async with spliced(accepts) as both:
        both.client.say(masked(BINARY, SOUND))
        await both.delivered(SOUND)
        assert both.count.frames == 0


@pytest.mark.parametrize("message", PIECES.values(), ids=PIECES)
async def test_what_came_in_pieces_is_delivered_or_goes_as_one(
    message: list[bytes], accepts: Accepts
) -> None:
    """aiohttp has put them together before anybody looks."""
    async with spliced(accepts) as both:
        both.client.say(*message)
        if accepts is accept_websocket:
            assert await both.other.hears() == (TEXT, SOUND)
            await both.delivered()
        else:
            await both.delivered(SOUND)
            assert both.count.frames == 0


@pytest.mark.parametrize(
    "text", [b"", SOUND[:-1], SOUND + b"\n", b" " + SOUND, SOUND.replace(b"sound", b"sounds")]
)
async def test_what_begins_or_ends_otherwise_is_delivered(text: bytes, accepts: Accepts) -> None:
    async with spliced(accepts) as both:
        both.client.say(masked(TEXT, text))
        await both.delivered(text)
        assert both.count.frames == 0


async def test_behind_a_message_that_came_in_pieces_all_goes_its_way_again(accepts: Accepts) -> None:
    async with spliced(accepts) as both:
        both.client.say(*PIECES["in pieces"], masked(TEXT, SPACED))
        said = SPACED if accepts is accept_and_take_over else SOUND
        assert await both.other.hears() == (TEXT, said)


async def test_between_two_pieces_of_a_message_sound_is_a_breach(accepts: Accepts) -> None:
    async with spliced(accepts) as both:
        both.client.say(masked(TEXT, SOUND[:9], 0), masked(TEXT, SOUND))
        assert await both.client.hears_goodbye() == 1002
        assert both.count.frames == 0


async def test_a_reserved_bit_is_a_breach_in_sound_too(accepts: Accepts) -> None:
    async with spliced(accepts) as both:
        both.client.say(masked(TEXT, SOUND, FIN | RESERVED))
        assert await both.client.hears_goodbye() == 1002
        assert both.count.frames == 0


async def test_while_the_other_has_no_room_all_is_delivered(accepts: Accepts) -> None:
    async with spliced(accepts) as both:
        both.other.connection.is_full = True
        both.client.news.clear()
        both.client.say(masked(TEXT, SOUND))
        await both.client.news.wait()
        both.other.connection.is_full = False
        both.client.say(masked(TEXT, SPACED))
        assert await both.other.hears() == (TEXT, SPACED)
        await both.delivered(SOUND)


async def test_of_the_one_that_fills_the_other_is_told_and_of_room_again(accepts: Accepts) -> None:
    """Nothing need follow it: who reads too slowly has to be known by then."""
    room = asyncio.Event()
    sound = SOUND.replace(b"AAAA", b"A" * 8_000)
    async with spliced(accepts) as both:
        both.other.connection.on_writable = room.set
        while not both.full.is_set():
            both.seen.clear()
            both.client.say(masked(TEXT, sound))
            while not both.seen:  # noqa: ASYNC110  # each comes by itself
                await asyncio.sleep(0)
        assert both.client.messages == [Frame(Opcode.TEXT, b"first")]
        assert not room.is_set()
        while not room.is_set():
            assert await both.other.hears() == (TEXT, sound)


@pytest.mark.parametrize("size", [0, 6_000])
async def test_when_so_much_has_passed_that_something_is_due_it_is_told_and_passes_on(
    size: int, accepts: Accepts
) -> None:
    sound = SOUND.replace(b"AAAA", b"A" * size)
    async with spliced(accepts) as both:
        both.count.due_bytes = 2 * len(sound)
        both.client.say(masked(TEXT, sound))
        assert await both.other.hears() == (TEXT, sound)
        assert not both.due.is_set()
        both.client.say(masked(TEXT, sound))
        assert await both.other.hears() == (TEXT, sound)
        assert both.due.is_set()
        await both.delivered()


async def test_what_is_not_kept_whole_brings_nothing_nearer(accepts: Accepts) -> None:
    """aiohttp gives all that it reads, to be kept."""
    large = SOUND.replace(b"AAAA", b"A" * 20_000)
    async with spliced(accepts) as both:
        both.count.due_bytes = 2 * len(SOUND)
        both.client.say(masked(TEXT, large), masked(TEXT, SOUND))
        assert [await both.other.hears() for _ in range(2)] == [(TEXT, large), (TEXT, SOUND)]
        assert both.due.is_set() is (accepts is accept_websocket)
        both.client.say(masked(TEXT, SOUND))
        assert await both.other.hears() == (TEXT, SOUND)
        assert both.due.is_set()
        await both.delivered()
        assert both.count.bytes == len(large) + 2 * len(SOUND)


async def test_when_the_other_has_ended_all_is_delivered(accepts: Accepts) -> None:
    async with spliced(accepts) as both:
        both.other.connection.abort()
        both.client.say(masked(TEXT, SOUND))
        await both.delivered(SOUND)


async def test_when_the_other_has_said_goodbye_all_is_delivered(accepts: Accepts) -> None:
    async with spliced(accepts) as both:
        both.other.say(masked(CLOSE))
        await both.other.ended
        both.client.say(masked(TEXT, SOUND))
        await both.delivered(SOUND)


async def test_to_a_connection_of_another_kind_all_is_delivered(accepts: Accepts) -> None:
    async with spliced(accepts) as both:
        both.splice(sink=object())
        both.client.say(masked(TEXT, SOUND))
        await both.delivered(SOUND)


async def test_a_redirection_ends_it(accepts: Accepts) -> None:
    async with spliced(accepts) as both:
        both.client.connection.redirect(both.client.take)
        both.client.say(masked(TEXT, SOUND))
        await both.delivered(SOUND)


async def test_nothing_is_passed_on_behind_our_goodbye(accepts: Accepts) -> None:
    async with spliced(accepts) as both:
        closing = asyncio.create_task(both.client.connection.close(1001))
        assert await both.client.hears_goodbye() == 1001
        asked = both.client.connection._heartbeat._heard_at_s
        heard_at_s = asked()
        both.client.say(masked(PONG))
        async with asyncio.timeout(5):
            while asked() == heard_at_s:  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0)
        for _ in range(5):  # aiohttp hands it to a task
            await asyncio.sleep(0)
        both.client.say(masked(TEXT, SOUND))
        await both.delivered()
        await closing
        assert both.count.frames == 0


async def test_a_message_that_somebody_looked_at_is_delivered_and_the_next_is_not(
    monkeypatch: pytest.MonkeyPatch, accepts: Accepts
) -> None:
    """Its end has to be noted, or it would be taken for one that is never finished."""
    for lane in (picows_connection, aiohttp_connection):
        monkeypatch.setattr(lane, "Assembly", Looks)
    Looks.seen.clear()
    whole = masked(TEXT, SOUND)
    async with spliced(accepts) as both:
        look = Looks.seen[0]
        both.client.say(whole[:9])
        async with asyncio.timeout(5):
            while not look.is_under_way():  # noqa: ASYNC110  # nobody tells that a part has come
                await asyncio.sleep(0)
        both.client.say(whole[9:], whole)
        assert await both.other.hears() == (TEXT, SOUND)
        await both.delivered(SOUND)
        assert both.client.messages[-1] == Frame(Opcode.TEXT, SOUND)
