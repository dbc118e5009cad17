"""Who is cancelled while it waits for a stalled peer takes nobody else with it."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from attrs import evolve

from realtime_lb.abc import Connection
from realtime_lb.frames import Close, Frame, Opcode
from realtime_lb.legs import Leg
from tests.transports.pairs import LIMITS, Pair, aiohttp_pair, picows_pair

BULK = Frame(Opcode.BINARY, bytes(256 * 1024))
BEATING = evolve(LIMITS, heartbeat_s=0.5)

MakePair = Callable[..., AbstractAsyncContextManager[Pair]]


async def fill(connection: Connection) -> None:
    """Write until there is no room, neither here nor on the way to a peer that does not read."""
    for _ in range(80):
        connection.write(BULK)
        await asyncio.sleep(0.002)
    assert not connection.write(BULK)


@pytest.mark.parametrize("make_pair", [picows_pair, aiohttp_pair])
async def test_a_cancelled_pump_leaves_the_other_leg_alone(make_pair: MakePair) -> None:
    """The client takes nothing and its pings wait for room, too; its reader is cancelled."""
    heard: list[bytes] = []
    async with make_pair(limits=BEATING) as (ours, _client), make_pair(limits=BEATING) as (other, upstream):
        downstream = Leg(ours, lambda _frame: None)
        answering = Leg(other, lambda frame: heard.append(bytes(frame.payload)))
        far = asyncio.create_task(upstream.pump(lambda _frame: None))
        await asyncio.sleep(0)
        await fill(ours)
        downstream.ended.cancel()
        await asyncio.wait({downstream.ended})
        upstream.write(Frame(Opcode.TEXT, b"still here"))
        async with asyncio.timeout(5):
            while not heard:  # noqa: ASYNC110  # a frame comes by itself
                await asyncio.sleep(0.001)
            await downstream.close(Close(1001))
            await answering.close(Close(1001))
            assert answering.ended.result().code in {1001, 1005}
            await far
        task = asyncio.current_task()
        assert task is not None
        assert not task.cancelling()


async def test_a_cancelled_wait_for_room_is_nobody_elses() -> None:
    """aiohttp has one future for all who wait for room, and cancels it with the first that is cancelled."""
    async with aiohttp_pair() as (ours, _client):
        leg = Leg(ours, lambda _frame: None)
        await asyncio.sleep(0)
        await fill(ours)
        send = ours._websocket.send_bytes  # type: ignore[attr-defined]
        waiting = [asyncio.create_task(send(BULK.payload)) for _ in range(2)]
        await asyncio.sleep(0.01)
        assert not any(task.done() for task in waiting)
        waiting[0].cancel()
        await asyncio.wait(waiting)
        assert waiting[1].cancelled()  # that is aiohttp's; what follows is ours
        ours.write(BULK)
        async with asyncio.timeout(5):
            await leg.close(Close(1001))
        assert leg.ended.done()
        assert not leg.ended.cancelled()
