"""Who sends more than the settings allow is told so, and goes; who keeps to them never hears of it."""

import asyncio
import json

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime_lb import LimitSettings, RehomeSettings
from realtime_lb.pace import Bucket, Pace
from realtime_lb.records import Fault, Traffic
from realtime_lb.testing import run_jumping
from tests.support import SESSION_CREATED, Websocket, deployment, gateway, upstream

APPEND = '{"type":"input_audio_buffer.append","audio":"%s"}'


async def greet_and_listen(websocket: Websocket) -> None:
    await websocket.send_str(SESSION_CREATED)
    async for _ in websocket:
        pass


@pytest.mark.usefixtures("each_lane")
@pytest.mark.parametrize("moves", [True, False], ids=["one that can move", "one that cannot"])
@pytest.mark.parametrize(
    ("limits", "pad"),
    [
        (LimitSettings(client_messages_per_s=5, client_burst_s=2), ""),
        (LimitSettings(client_bytes_per_s=1_000, max_message_bytes=10_000), "x" * 8_000),
    ],
    ids=["messages", "bytes"],
)
async def test_who_floods_hears_why_and_is_closed(limits: LimitSettings, pad: str, moves: bool) -> None:
    async with (
        upstream(greet_and_listen) as url,
        gateway(deployment("a", url), limits=limits, rehome=RehomeSettings(enabled=moves)) as gate,
        gate.open() as client,
    ):
        await client.receive()
        for _ in range(12):
            await client.send_str(APPEND % pad)
        told = json.loads((await client.receive()).data)
        assert (told["type"], told["error"]["code"]) == ("error", "client_too_fast")
        assert told["error"]["message"] == "You send faster than this gateway allows"
        end = await client.receive()
        assert (end.type, end.data) == (aiohttp.WSMsgType.CLOSE, 1008)
        (record,) = await gate.told.all_closed(1)
    assert (record.error, record.fault, record.close_code) == ("client_too_fast", Fault.CLIENT, 1008)
    assert [d.live_sessions for d in gate.router.snapshot().deployments] == [0]


@given(st.lists(st.integers(0, 50), min_size=1, max_size=100))
def test_a_bucket_lets_no_more_through_than_its_rate_and_one_burst(taken: list[int]) -> None:
    bucket = Bucket(10.0, 30.0, 0.0)
    fits = [bucket.take(amount, float(second)) for second, amount in enumerate(taken)]
    for end in range(1, len(taken) + 1):
        if all(fits[:end]):
            for begin in range(end):
                assert sum(taken[begin:end]) <= 30.0 + 10.0 * (end - begin)
    if all(sum(taken[b:e]) <= 30 + 10 * (e - b - 1) for e in range(1, len(taken) + 1) for b in range(e)):
        assert all(fits)


def test_an_hour_of_speech_is_not_too_fast_and_costs_a_look_a_second() -> None:
    async def speak() -> int:
        loop, looks, excess = asyncio.get_running_loop(), 0, False

        def sent() -> Traffic:
            nonlocal looks
            looks += 1
            return Traffic(frames=int(50 * loop.time()), bytes=int(50 * 1_350 * loop.time()))

        def on_excess() -> None:
            nonlocal excess
            excess = True

        limits = LimitSettings(client_messages_per_s=50, client_bytes_per_s=67_500)
        pace = Pace(limits, sent, on_excess, loop.time)
        await asyncio.sleep(3_600)
        pace.stop()
        assert not excess
        return looks

    assert 3_590 <= run_jumping(speak()) <= 3_602


def test_who_keeps_to_the_rate_stays_however_little_may_come_at_once() -> None:
    async def speak() -> None:
        loop, late = asyncio.get_running_loop(), asyncio.Event()
        limits = LimitSettings(client_messages_per_s=20, client_burst_s=0.1)

        def sent() -> Traffic:
            return Traffic(frames=int(20 * loop.time()), bytes=0)

        pace = Pace(limits, sent, late.set, loop.time)
        await asyncio.sleep(60)
        pace.stop()
        assert not late.is_set()

    run_jumping(speak())


async def test_without_limits_nothing_is_looked_at() -> None:
    looks: list[None] = []

    def sent() -> Traffic:
        looks.append(None)
        return Traffic(frames=len(looks) * 10**9, bytes=0)

    pace = Pace(LimitSettings(), sent, lambda: None, asyncio.get_running_loop().time)
    assert pace._timer is None
    pace.stop()
