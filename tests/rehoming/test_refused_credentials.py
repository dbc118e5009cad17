"""A credential that is refused twice is left by the sessions that it let in; one slip moves nobody."""

import asyncio
from collections.abc import Callable, Hashable
from contextlib import AsyncExitStack

import aiohttp
import pytest

from realtime_lb import second_look
from realtime_lb.records import HealthChanged, HealthState, RehomeCause
from realtime_lb.settings import HealthSettings
from realtime_lb.simulator import Fault, Refuse, Selector
from tests.rehoming.caller import House, check_equal, house
from tests.rehoming.test_moments import ended_well

OLD, NEW = "OpenAI GA 0", "Azure v1 1"
REFUSED = Refuse(status=401)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_look, "LOOK_AFTER_S", 0.05)


async def refuse(stage: House, *faults: Fault) -> None:
    """Have the key of the first upstream refused, and a client meet that. It is served by another."""
    stage.simulators[OLD].faults = faults
    async with stage.caller() as client:
        await client.write("Hello")


def state(stage: House, name: str) -> HealthState:
    return {d.id: d.standing.state for d in stage.router.snapshot().deployments}[name]


async def test_sessions_leave_a_deployment_whose_key_is_refused_between_two_turns() -> None:
    async with house("OpenAI GA", "Azure v1") as stage, stage.caller() as caller:
        await caller.write("Hello")
        await caller.ask()
        await refuse(stage, REFUSED)
        moved = await stage.moved()
        assert (moved.cause, moved.from_deployment) == (RehomeCause.CREDENTIAL_REFUSED, OLD)
        assert moved.gap_s < 0.05
        assert state(stage, OLD) is HealthState.PARKED
        await ended_well(caller, stage)
        assert caller.view.errors == {}


async def test_one_refusal_that_was_a_slip_moves_nobody_and_the_key_is_in_use_again() -> None:
    async with house("OpenAI GA", "Azure v1") as stage, stage.caller() as caller:
        await caller.write("Hello")
        await refuse(stage, Refuse(status=401, selector=Selector(first=1)))
        await stage.told.until(lambda: state(stage, OLD) is HealthState.SLOW_START)
        changes = [r for r in stage.told.all if isinstance(r, HealthChanged) and r.deployment == OLD]
        assert changes[0].standing.state is HealthState.PARKED
        await stage.live(OLD, 1)
        assert (await caller.ask())["status"] == "completed"
        assert stage.rehomed == []
        check_equal(caller, stage.where()[1])


async def test_all_that_share_the_key_are_left_and_nobody_moves_from_one_to_the_next() -> None:
    async with (
        house("OpenAI GA", "Azure v1", twins={"twin": OLD}) as stage,
        AsyncExitStack() as clients,
    ):
        for name in (OLD, NEW):
            stage.router.drain(name)
        first = await clients.enter_async_context(stage.caller())
        for name in (OLD, NEW):
            stage.router.readmit(name)
        second = await clients.enter_async_context(stage.caller())
        assert sorted(str(s.deployment) for s in stage.router.sessions()) == [OLD, "twin"]
        await refuse(stage, REFUSED)
        await stage.moved(2)
        assert sorted(r.from_deployment for r in stage.rehomed) == [OLD, "twin"]
        assert {a.deployment for r in stage.rehomed for a in r.attempts} == {NEW}
        for one in (first, second):
            await one.write("And now?")
            assert (await one.ask())["status"] == "completed"


async def test_where_there_is_nobody_else_a_session_stays_and_nobody_is_dialled_for_it() -> None:
    async with house("OpenAI GA", twins={"twin": OLD}) as stage:
        async with stage.caller() as caller:
            await caller.write("Hello")
            stage.simulators[OLD].faults = [REFUSED]
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await stage.arrive()
            await until(lambda: bool(credentials_left(stage)))
            assert (await caller.ask())["status"] == "completed"
            check_equal(caller, stage.where()[1])
        closed = (await stage.told.all_closed(2))[-1]
        assert [attempt.deployment for attempt in closed.attempts] == [OLD]
        assert stage.rehomed == []


async def test_who_has_not_left_when_the_key_is_accepted_again_stays() -> None:
    health = HealthSettings(probe_interval_s=0.02)
    rules = {"realtime_factor": 20.0}
    async with house("OpenAI GA", "Azure v1", rules=rules, health=health) as stage, stage.caller() as caller:
        await caller.write(" ".join(24 * ["word"]))
        answer = asyncio.create_task(caller.ask())
        await caller.seen("response.created")
        stage.simulators[OLD].faults = [REFUSED]
        await until(lambda: bool(credentials_left(stage)))
        stage.simulators[OLD].faults = []
        await until(lambda: not credentials_left(stage))
        assert not answer.done()
        assert (await answer)["status"] == "completed"
        await caller.write("And now?")
        assert (await caller.ask())["status"] == "completed"
        assert stage.rehomed == []


def credentials_left(stage: House) -> set[Hashable]:
    return stage.router._engine.chooser.refused


async def until(happened: Callable[[], bool]) -> None:
    while not happened():  # noqa: ASYNC110  # nobody tells of it
        await asyncio.sleep(0.001)
