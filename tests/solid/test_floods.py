"""One client sends as fast as it can; all others have their turn."""

import asyncio

import pytest

from benchmarks.scoreboard.raw import Raw, masked
from benchmarks.scoreboard.wire import BINARY, CONTINUATION, FIN, PING, PONG, RSV1, TEXT
from realtime_lb import LimitSettings, meter
from realtime_lb.count import Count
from realtime_lb.transports import turns
from tests.solid.raw_client import raw
from tests.support import (
    SESSION_CREATED,
    Websocket,
    deployment,
    gateway,
    upstream,
)

pytestmark = pytest.mark.usefixtures("each_lane")

MOST_IN_A_TURN = 1_000
LAST = b'{"type":"last"}'

FLOODS = {
    "empty": masked(BINARY),
    "of a byte": masked(BINARY, b"x"),
    "tiny events": masked(TEXT, b'{"type":"x"}'),
    "empty sound": masked(TEXT, b'{"type":"input_audio_buffer.append","audio":""}'),
    "pings": masked(PING) * 9 + masked(TEXT, b'{"type":"x"}'),
    "pongs": masked(PONG) * 9 + masked(TEXT, b'{"type":"x"}'),
    "fragments": masked(TEXT, b'{"type":', flags=0)
    + masked(CONTINUATION, b"", flags=0) * 8
    + masked(CONTINUATION, b'"x"}'),
}


async def greet_and_echo_the_last(websocket: Websocket) -> None:
    await websocket.send_str(SESSION_CREATED)
    async for message in websocket:
        if message.data == LAST.decode():
            await websocket.send_str(message.data)


async def until_last(client: Raw) -> None:
    while (await client.hears())[1] != LAST:
        pass


@pytest.mark.parametrize("flood", FLOODS)
async def test_no_turn_of_the_loop_belongs_to_a_flood(flood: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much of it the kernel holds, so many messages are relayed before others are looked at."""
    counts, before, turns = list[Count](), 0, list[int]()

    def kept() -> Count:
        counts.append(Count())
        return counts[-1]

    def look() -> None:
        nonlocal before
        now = max((count.frames for count in counts), default=0)
        turns.append(now - before)
        before = now
        looking = asyncio.get_running_loop().call_soon(look)
        if now > count:
            looking.cancel()

    monkeypatch.setattr(meter, "Count", kept)
    count = 400_000 // len(FLOODS[flood])
    async with (
        upstream(greet_and_echo_the_last) as url,
        gateway(deployment("a", url)) as gate,
        raw(gate) as attacker,
    ):
        look()
        told = asyncio.create_task(until_last(attacker))
        await attacker.say(FLOODS[flood] * count, masked(TEXT, LAST))
        async with asyncio.timeout(30):
            await told
        assert gate.told.closed == []
    assert sum(turns) >= count
    assert max(turns) <= MOST_IN_A_TURN


async def test_131_000_fragments_of_nothing_leave_others_alone_and_nothing_behind() -> None:
    async with (
        upstream(greet_and_echo_the_last) as url,
        gateway(deployment("a", url)) as gate,
        gate.open() as other,
        raw(gate) as attacker,
    ):
        await other.receive()
        sending = asyncio.create_task(
            attacker.say(masked(TEXT, b"{", flags=0), masked(CONTINUATION, b"", flags=0) * 131_000)
        )
        await other.send_str(LAST.decode())
        assert (await other.receive()).data == LAST.decode()
        await sending
    await gate.told.all_closed(2)
    assert [d.live_sessions for d in gate.router.snapshot().deployments] == [0]


async def test_who_pings_without_reading_gets_pongs_as_far_as_there_is_room() -> None:
    """The gateway keeps none for later but the last one, and reads on."""
    async with (
        upstream(greet_and_echo_the_last) as url,
        gateway(deployment("a", url)) as gate,
        raw(gate, receive_buffer_bytes=4_096) as attacker,
    ):
        await attacker.say(*[masked(PING, b"x" * 125)] * 40_000, masked(TEXT, LAST))
        async with asyncio.timeout(30):
            await until_last(attacker)


@pytest.mark.parametrize("fault", [masked(TEXT, flags=FIN | RSV1), masked(TEXT, b"{", flags=0) * 2])
async def test_who_breaks_the_protocol_in_a_flood_hears_so_and_is_gone(
    fault: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read on until it has gone, though each turn was too long: else its goodbye is lost."""
    monkeypatch.setattr(turns, "LONGEST_TURN_S", 0.0)
    limits = LimitSettings(close_timeout_s=60)
    async with (
        upstream(greet_and_echo_the_last) as url,
        gateway(deployment("a", url), limits=limits) as gate,
        raw(gate) as attacker,
    ):
        await attacker.say(FLOODS["empty sound"] * 2_000, fault, FLOODS["empty sound"] * 2_000)
        async with asyncio.timeout(20):
            assert await attacker.hears_goodbye() == 1002
            attacker.writer.write_eof()
            await gate.told.all_closed(1)
