"""Where all were down and somebody is back, who comes at that moment is served; live calls wait for it."""

import asyncio

import pytest

from realtime_lb import RoutingSettings
from realtime_lb.errors import GroupDown, RealtimeError, UpstreamUnreachable
from realtime_lb.records import SessionRehomed
from realtime_lb.settings import RehomeSettings
from tests.choosing.nodes import Stage, deployment, failing, in_time, play

AT_ONCE = 50
PAIR = (deployment("a"), deployment("b"))
DEAD = failing(lambda: UpstreamUnreachable("no"))


async def all_down(stage: Stage) -> None:
    """Have every dial of a while refused."""
    for node in stage.nodes.values():
        node.answer = DEAD
    for _ in range(10):
        with pytest.raises(RealtimeError):
            await opened(stage)
    await asyncio.sleep(1)  # so that the next one may try


async def hanging(stage: Stage) -> asyncio.Task[None]:
    """Have somebody try, who is not answered."""
    for node in stage.nodes.values():
        node.answer = in_time(60)
    trying = asyncio.create_task(opened(stage))
    await asyncio.sleep(0)
    return trying


async def opened(stage: Stage) -> None:
    async with stage.router.connect("voice"):
        pass


def test_all_who_come_while_one_finds_out_that_a_group_is_back_are_served() -> None:
    async def scene(stage: Stage) -> None:
        await all_down(stage)
        for node in stage.nodes.values():
            node.answer = in_time(0.3)
        began_s = stage.now()
        await asyncio.gather(*(opened(stage) for _ in range(AT_ONCE)))
        assert stage.now() - began_s < 1

    play(scene, *PAIR)


def test_all_who_come_while_one_finds_out_that_it_is_still_down_are_told_so_then() -> None:
    """Who hangs keeps nobody waiting for longer than a full group does."""

    async def scene(stage: Stage) -> None:
        await all_down(stage)
        trying = await hanging(stage)
        began_s = stage.now()
        answers = await asyncio.gather(*(opened(stage) for _ in range(AT_ONCE)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {GroupDown}
        assert stage.now() - began_s == pytest.approx(0.5)
        await asyncio.gather(trying, return_exceptions=True)
        assert sum(node.dials for node in stage.nodes.values()) < 30

    play(scene, *PAIR, routing=RoutingSettings(queue_timeout_s=0.5))


def test_who_leaves_while_it_tries_leaves_its_place_to_one_of_those_who_wait() -> None:
    async def scene(stage: Stage) -> None:
        await all_down(stage)
        trying = await hanging(stage)
        waiting = [asyncio.create_task(opened(stage)) for _ in range(AT_ONCE)]
        await asyncio.sleep(0.1)
        for node in stage.nodes.values():
            node.answer = in_time(0.1)
        trying.cancel()
        await asyncio.gather(*waiting)

    play(scene, *PAIR)


def test_nobody_waits_where_nobody_tries() -> None:
    async def scene(stage: Stage) -> None:
        await all_down(stage)
        with pytest.raises(RealtimeError):
            await opened(stage)  # tries, and finds nobody
        began_s = stage.now()
        with pytest.raises(GroupDown):
            await opened(stage)
        assert stage.now() == began_s

    play(scene, *PAIR)


async def called(stage: Stage, ended: list[float]) -> None:
    """A call that goes on until it is ended."""
    async with stage.router.connect("voice") as session:
        async for _ in session:
            pass
        ended.append(stage.now())


async def all_gone(stage: Stage) -> None:
    """Every upstream goes away at once, with all of its sessions."""
    for node in stage.nodes.values():
        node.answer = DEAD
    for node in stage.nodes.values():
        for connection in list(node.live):
            await connection.close(1001)


@pytest.mark.parametrize("away_s", [0.5, 2.0, 5.0])
def test_live_calls_wait_for_somebody_to_come_back(away_s: float) -> None:
    async def scene(stage: Stage) -> None:
        ended: list[float] = []
        calls = [asyncio.create_task(called(stage, ended)) for _ in range(AT_ONCE)]
        await asyncio.sleep(1)
        await all_gone(stage)
        await asyncio.sleep(away_s)
        stage.nodes["b"].answer = in_time(0.2)
        await asyncio.sleep(4)
        assert len(stage.nodes["b"].live) == AT_ONCE
        assert ended == []
        moves = [record for record in stage.told if isinstance(record, SessionRehomed)]
        assert len(moves) == AT_ONCE
        assert max(record.gap_s for record in moves) < away_s + 3  # each is tried every other second
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)

    play(scene, *PAIR)


def test_a_live_call_is_told_the_truth_when_its_time_is_over() -> None:
    async def scene(stage: Stage) -> None:
        ended: list[float] = []
        call = asyncio.create_task(called(stage, ended))
        await asyncio.sleep(1)
        began_s = stage.now()
        await all_gone(stage)
        await call
        assert ended[0] - began_s == pytest.approx(RehomeSettings().timeout_s, abs=0.01)
        assert sum(node.dials for node in stage.nodes.values()) < 60

    play(scene, *PAIR)
