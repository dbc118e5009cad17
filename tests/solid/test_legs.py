"""A leg's reader does not outlive the leg, whatever happens to who closes it."""

import asyncio

import pytest

from realtime_lb.frames import Close, OnFrame
from realtime_lb.legs import Leg
from realtime_lb.transports.memory import MemoryConnection, memory_pair


class Unending(MemoryConnection):
    """A connection whose reader does not notice that it was aborted."""

    async def pump(self, on_frame: OnFrame) -> Close:
        await super().pump(on_frame)
        await asyncio.Event().wait()
        raise AssertionError


async def test_who_is_cancelled_while_it_aborts_leaves_no_reader_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    near, _far = memory_pair()
    monkeypatch.setattr(near, "__class__", Unending)
    leg = Leg(near, lambda _frame: None)
    await asyncio.sleep(0)
    aborting = asyncio.create_task(leg.abort())
    await asyncio.sleep(0)
    aborting.cancel()
    await asyncio.wait({aborting})
    assert aborting.cancelled()
    await asyncio.wait({leg.ended}, timeout=5)
    assert leg.ended.cancelled()
