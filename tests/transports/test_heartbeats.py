"""A client that is gone and has not said so."""

import asyncio

import pytest

from realtime_lb import LimitSettings
from realtime_lb.frames import Close, Frame, Opcode
from realtime_lb.transports import heartbeat
from realtime_lb.transports.aiohttp_upgrade import accept_websocket
from realtime_lb.transports.picows_upgrade import accept_and_take_over
from tests.transports.pairs import Accepts
from tests.transports.raw import PING, PONG, masked, raw

LIMITS = LimitSettings(heartbeat_s=0.1, close_timeout_s=0.1)
BOTH = pytest.mark.parametrize("accepts", [accept_and_take_over, accept_websocket], ids=["picows", "aiohttp"])


@BOTH
@pytest.mark.parametrize("kernel_tells", [True, False])
async def test_a_client_that_is_frozen_is_pinged_and_given_up(
    accepts: Accepts, kernel_tells: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it has answered it is asked again, and so it is where no kernel tells when something came."""
    if not kernel_tells:
        monkeypatch.setattr(heartbeat, "silence_s", lambda _transport: None)
    async with raw(LIMITS, accepts=accepts) as client:
        assert await client.hears() == (PING, b"")
        client.say(masked(PONG))
        assert await client.hears() == (PING, b"")
        assert await client.ended == Close(1006)
        await client.connection.close()


@BOTH
async def test_a_client_that_is_slow_to_read_is_asked_behind_what_waits_for_it(accepts: Accepts) -> None:
    """There is never room, and it says nothing, but answers what it is asked."""
    async with raw(LIMITS, accepts=accepts) as client:
        connection = client.connection

        def fill() -> None:
            while connection.write(Frame(Opcode.BINARY, bytes(60_000))):
                pass

        connection.on_writable = fill
        fill()
        asked = 0
        async with asyncio.timeout(10):
            while asked < 3:
                opcode, _ = await client.hears()
                if opcode == PING:
                    asked += 1
                    client.say(masked(PONG))
        assert not client.ended.done()
