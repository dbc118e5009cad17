"""A message is given so much time, however it is cut; who keeps one unfinished is let go."""

import asyncio
import itertools
import struct
from collections.abc import Iterable

import pytest

from benchmarks.scoreboard.raw import Raw, masked
from benchmarks.scoreboard.wire import BINARY, CONTINUATION, FIN, PING, TEXT
from realtime_lb import LimitSettings, RehomeSettings
from realtime_lb.records import Fault
from tests.solid.raw_client import raw
from tests.support import (
    SESSION_CREATED,
    Records,
    Websocket,
    deployment,
    gateway,
    greet_and_echo,
    upstream,
)

pytestmark = pytest.mark.usefixtures("each_lane")

LIMITS = LimitSettings(message_timeout_s=0.6, close_timeout_s=0.2)
STEP_S = 0.002
"""Between two pieces: a rate, and no wait for anything."""


async def trickled(client: Raw, pieces: Iterable[bytes]) -> int:
    """Send *pieces* one by one until told to go; return with which code."""
    told = asyncio.create_task(client.hears_goodbye())
    for piece in pieces:
        await client.say(piece)
        await asyncio.wait({told}, timeout=STEP_S)
        if told.done():
            break
    return await told


def fragments_without_end() -> Iterable[bytes]:
    yield masked(TEXT, b"{", flags=0)
    while True:
        yield masked(CONTINUATION, b"", flags=0)
        yield masked(PING, b"still here")


def one_frame_byte_by_byte() -> Iterable[bytes]:
    yield masked(TEXT, declared=1_000_000)
    while True:
        yield b"x"


def head_byte_by_byte_then_nothing_but_pings_within() -> Iterable[bytes]:
    yield masked(BINARY, b"x", flags=0)
    while True:
        yield masked(PING)


def half_of_a_large_frame_then_nothing() -> Iterable[bytes]:
    """As much of it as fills half of a buffer that doubles while it fills."""
    whole = masked(TEXT, b'{"type":"x","pad":"%s"}' % (b"x" * 12_000_000))
    yield whole[: 3_584 << 10]


@pytest.mark.parametrize(
    "pieces",
    [
        fragments_without_end,
        one_frame_byte_by_byte,
        head_byte_by_byte_then_nothing_but_pings_within,
        half_of_a_large_frame_then_nothing,
    ],
)
async def test_a_message_that_is_never_finished_ends_its_session_and_no_other(pieces: object) -> None:
    async with (
        upstream(greet_and_echo) as url,
        gateway(deployment("a", url), limits=LIMITS) as gate,
        gate.open() as other,
        raw(gate) as attacker,
    ):
        await other.receive()
        async with asyncio.timeout(10):
            assert await trickled(attacker, pieces()) == 1008  # type: ignore[operator]
            (record,) = await gate.told.all_closed(1)
        assert (record.close_code, record.fault) == (1008, Fault.CLIENT)
        await other.send_str('{"type":"still.here"}')
        assert (await other.receive()).data == '{"type":"still.here"}'


def whole_messages_always_cut_in_two() -> Iterable[bytes]:
    """Whenever somebody looks, half a message is there, and never the same."""
    message = masked(TEXT, b'{"type":"x"}')
    yield message[:7]
    for _ in range(400):
        yield message[7:] + message[:7]
    yield message[7:] + masked(TEXT, b'{"type":"last"}')


def fragmented_messages() -> Iterable[bytes]:
    yield masked(TEXT, b'{"type":', flags=0)
    for _ in range(400):
        yield masked(CONTINUATION, b'"x"}') + masked(TEXT, b'{"type":', flags=0)
    yield masked(CONTINUATION, b'"x"}') + masked(TEXT, b'{"type":"last"}')


def pings_always_cut_in_two() -> Iterable[bytes]:
    ping = masked(PING, b"12345678")
    yield ping[:7]
    for _ in range(400):
        yield ping[7:] + ping[:7]
    yield ping[7:] + masked(TEXT, b'{"type":"last"}')


@pytest.mark.parametrize(
    "pieces", [whole_messages_always_cut_in_two, fragmented_messages, pings_always_cut_in_two]
)
async def test_who_finishes_each_message_may_talk_for_ever(pieces: object) -> None:
    """For longer than one message may take, and in the midst of one at every look."""
    async with (
        upstream(greet_and_echo) as url,
        gateway(deployment("a", url), limits=LIMITS) as gate,
        raw(gate) as client,
    ):

        async def last() -> bytes:
            while (heard := await client.hears())[1] != b'{"type":"last"}':
                pass
            return heard[1]

        heard = asyncio.create_task(last())
        for piece in pieces():  # type: ignore[operator]
            await client.say(piece)
            await asyncio.wait({heard}, timeout=STEP_S)
        assert await heard
        assert gate.told.closed == []


async def test_an_upstream_that_never_finishes_is_lost_like_any_other() -> None:
    async def behave(websocket: Websocket) -> None:
        await websocket.send_str(SESSION_CREATED)
        transport = websocket._writer.transport  # type: ignore[union-attr]
        transport.write(struct.pack("!BBQ", FIN | TEXT, 127, 1_000_000))
        while not transport.is_closing():
            transport.write(b"x")
            await asyncio.sleep(STEP_S)

    told = Records()
    async with (
        upstream(behave) as url,
        gateway(deployment("a", url), limits=LIMITS, rehome=RehomeSettings(enabled=False), told=told) as gate,
        gate.open() as client,
    ):
        await client.receive()
        async with asyncio.timeout(10):
            (record,) = await told.all_closed(1)
    assert record.fault is Fault.UPSTREAM


async def test_a_message_that_we_do_not_read_on_is_not_its_senders_fault() -> None:
    """The client reads nothing, so its upstream's message waits half-read for longer than one may take."""
    chunk = '{"type":"x","pad":"%s"}' % ("x" * 3_000_000)

    async def behave(websocket: Websocket) -> None:
        await websocket.send_str(SESSION_CREATED)
        for _ in itertools.repeat(None, 5):
            await websocket.send_str(chunk)
        await websocket.receive()

    limits = LimitSettings(message_timeout_s=0.3, stall_timeout_s=60.0)
    async with (
        upstream(behave) as url,
        gateway(deployment("a", url), limits=limits) as gate,
        raw(gate, receive_buffer_bytes=4_096) as client,
    ):
        await asyncio.sleep(1.0)  # three times as long as a message may take
        assert gate.told.closed == []
        assert [len((await client.hears())[1]) for _ in range(6)][1:] == [len(chunk)] * 5
