"""A peer that takes nothing is let go when its time is over, counted from the last that it took."""

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from realtime_lb.abc import Connection
from realtime_lb.frames import Frame, Opcode
from realtime_lb.legs import Leg
from realtime_lb.relay import Lane, Way
from realtime_lb.testing import run_jumping

LIMIT_S = 10.0


class Peer:
    """Has no room, and takes what the test says."""

    taken_bytes = 0

    def write(self, _frame: Frame) -> bool:
        return False

    def pause(self) -> None:
        pass


@pytest.mark.parametrize("last_taken_at_s", [0.0, 0.4, 5.5, 9.9, 10.1, 25.0])
def test_it_is_let_go_at_its_limit_and_a_tenth_at_the_latest(last_taken_at_s: float) -> None:
    async def story() -> float:
        loop, gone = asyncio.get_running_loop(), asyncio.Event()
        peer, source = Peer(), Peer()
        lane = Lane(
            cast("Leg", SimpleNamespace(connection=source)),
            cast("Connection", peer),
            Way(),
            LIMIT_S,
            gone.set,
        )
        began_s = loop.time()
        lane.forward(Frame(Opcode.TEXT, b"{}"))

        def take() -> None:
            peer.taken_bytes += 1
            if loop.time() - began_s + 0.3 <= last_taken_at_s:
                loop.call_later(0.3, take)

        loop.call_later(last_taken_at_s % 0.3, take)
        await gone.wait()
        return loop.time() - began_s

    waited_s = run_jumping(story()) - last_taken_at_s
    assert LIMIT_S - 0.3 <= waited_s <= LIMIT_S * 1.1 + 0.3
