"""An upstream is left before it ends, or because it does not answer: the next one is ready before."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from realtime_lb.dialer import UNHURRIED_AT_ONCE
from realtime_lb.errors import UnknownDeployment
from realtime_lb.records import RehomeCause
from realtime_lb.settings import RehomeSettings
from realtime_lb.simulator import Delay, Moment, Selector, Silence, Stage
from realtime_lb.typing import Dialect
from tests.rehoming.caller import check_equal, house
from tests.rehoming.test_moments import ended_well


@pytest.mark.parametrize("client", Dialect)
async def test_a_session_moves_between_two_turns_before_its_time_is_over(client: Dialect) -> None:
    async with (
        house("OpenAI GA", "Azure preview", rules={"session_lifetime_s": 2.0}) as stage,
        stage.caller(client) as caller,
    ):
        await caller.write("Hello")
        await caller.ask()
        moved = await stage.moved()
        assert moved.cause is RehomeCause.EXPIRING
        assert moved.gap_s < 0.05
        await ended_well(caller, stage)
        assert caller.view.errors == {}


async def test_a_session_in_the_middle_of_a_turn_waits_for_its_end() -> None:
    """The simulator tells whole seconds: of 5 to 6 s, the last quarter is for leaving."""
    rules = {"session_lifetime_s": 6.0, "realtime_factor": 1.1}
    async with house("OpenAI GA", "Azure v1", rules=rules) as stage, stage.caller() as caller:
        await caller.write("one two three four five six seven eight nine ten eleven twelve thirteen fourteen")
        done = await caller.ask()
        moved = await stage.moved()
        assert (done["status"], moved.cause) == ("completed", RehomeCause.EXPIRING)
        await ended_well(caller, stage)


async def test_an_upstream_that_says_nothing_more_is_left_and_the_answer_comes_from_another() -> None:
    rehome = RehomeSettings(answer_timeout_s=0.3)
    async with house("OpenAI GA", "Azure preview", rehome=rehome) as stage:
        stage.simulators["OpenAI GA 0"].faults = [Silence(moment=Moment(after=1, on="response.created"))]
        async with stage.caller() as caller:
            await caller.write("Hello")
            done = await caller.ask()
            moved = await stage.moved()
            assert (done["status"], moved.cause) == ("completed", RehomeCause.SILENT)
            await ended_well(caller, stage)


async def test_a_response_that_never_begins_to_speak_is_asked_for_elsewhere() -> None:
    rehome = RehomeSettings(answer_timeout_s=0.3)
    async with house("Azure preview", "Azure v1", rehome=rehome) as stage:
        stage.simulators["Azure preview 0"].faults = [Delay(stage=Stage.RESPONSE, selector=Selector(first=1))]
        async with stage.caller() as caller:
            await caller.write("Hello")
            assert (await caller.ask())["status"] == "completed"
            assert (await stage.moved()).cause is RehomeCause.SILENT
            await ended_well(caller, stage)


@pytest.mark.parametrize("client", Dialect)
async def test_a_drained_deployment_is_left_by_all_and_gets_nobody(client: Dialect) -> None:
    async with house("OpenAI GA", "Azure preview") as stage:
        async with stage.caller(client) as caller, stage.caller(client) as other:
            for one in (caller, other):
                await one.write("Hello")
                await one.ask()
            assert stage.router.drain("OpenAI GA 0") == 2
            await stage.moved(2)
            assert {record.cause for record in stage.rehomed} == {RehomeCause.DRAINED}
            assert max(record.gap_s for record in stage.rehomed) < 0.05
            live = {d.id: d.live_sessions for d in stage.router.snapshot().deployments}
            assert live == {"OpenAI GA 0": 0, "Azure preview 1": 2}
            async with stage.caller(client) as late:
                await late.write("Hello")
                assert stage.router.sessions()[-1].deployment == "Azure preview 1"
            for one in (caller, other):
                await one.write("And now?")
                assert (await one.ask())["status"] == "completed"
                one.view.nothing_is_open()
        stage.router.readmit("OpenAI GA 0")
        async with stage.caller(client) as back:
            await back.write("Hello")
            assert stage.router.sessions()[-1].deployment == "OpenAI GA 0"


async def test_who_keeps_talking_while_a_deployment_is_drained_loses_no_word() -> None:
    rules = {"realtime_factor": 20.0}
    async with house("OpenAI GA", "Azure v1", rules=rules) as stage, stage.caller() as caller:
        await caller.configure(transcribe=False)

        async def talk() -> None:
            for turn in range(1, 5):
                await caller.speak(loud_ms=400, silent_ms=400)
                await caller.seen("response.done", turn)

        talking = asyncio.create_task(talk())
        await caller.seen("input_audio_buffer.committed")
        stage.router.drain("OpenAI GA 0")
        await talking
        await stage.moved()
        assert [r["status"] for r in caller.view.statuses.values()] == ["completed"] * 4
        await ended_well(caller, stage)


async def test_a_deployment_is_not_left_where_there_is_nobody_else() -> None:
    async with house("OpenAI GA") as stage, stage.caller() as caller:
        await caller.write("Hello")
        assert stage.router.drain("OpenAI GA 0") == 1
        assert (await caller.ask())["status"] == "completed"
        assert stage.rehomed == []
        check_equal(caller, stage.where()[1])
    with pytest.raises(UnknownDeployment, match="known deployments: OpenAI GA 0"):
        stage.router.drain("nobody")


async def test_a_session_that_is_being_placed_while_its_deployment_is_drained_leaves_it_too() -> None:
    late = Delay(stage=Stage.FIRST_EVENT, delay_s=0.2)
    async with house("OpenAI GA", "Azure v1", faults={"OpenAI GA 0": [late]}) as stage:
        async with asyncio.TaskGroup() as placing:
            arrival = placing.create_task(stage.arrive())
            await stage.live("OpenAI GA 0", 1)
            assert stage.router.drain("OpenAI GA 0") == 0
        async with arrival.result() as caller:
            moved = await stage.moved()
            assert (moved.cause, moved.to_deployment) == (RehomeCause.DRAINED, "Azure v1 1")
            await ended_well(caller, stage)


async def test_who_has_not_left_when_a_deployment_is_readmitted_stays_there() -> None:
    """Its successor was ready, and waited for the end of the turn: it is let go of."""
    rules = {"realtime_factor": 20.0}
    async with house("OpenAI GA", "Azure v1", rules=rules) as stage, stage.caller() as caller:
        await caller.write("one two three four five six seven eight nine ten eleven twelve")
        answer = asyncio.create_task(caller.ask())
        await caller.seen("response.created")
        stage.router.drain("OpenAI GA 0")
        stage.router.readmit("OpenAI GA 0")
        assert (await answer)["status"] == "completed"
        await caller.write("And now?")
        assert (await caller.ask())["status"] == "completed"
        await stage.live("Azure v1 1", 0)
        assert stage.rehomed == []
        check_equal(caller, stage.where()[1])


async def test_a_session_is_not_driven_from_one_deployment_to_the_next_without_end() -> None:
    rehome = RehomeSettings(per_minute=1)
    async with house("OpenAI GA", "Azure v1", rehome=rehome) as stage, stage.caller() as caller:
        await caller.write("Hello")
        stage.router.drain("OpenAI GA 0")
        await stage.moved()
        stage.router.readmit("OpenAI GA 0")
        assert stage.router.drain("Azure v1 1") == 1
        assert (await caller.ask())["status"] == "completed"
        assert len(stage.rehomed) == 1
        check_equal(caller, stage.where()[1])


async def test_not_all_who_could_stay_look_for_another_upstream_at_once() -> None:
    number = UNHURRIED_AT_ONCE + 5
    hangs = Delay(stage=Stage.HANDSHAKE)
    async with AsyncExitStack() as stack:
        stage = await stack.enter_async_context(
            house("OpenAI GA", "Azure v1", faults={"Azure v1 1": [hangs]})
        )
        for _ in range(number):
            await stack.enter_async_context(stage.caller())
        assert stage.router.drain("OpenAI GA 0") == number
        await stage.live("Azure v1 1", UNHURRIED_AT_ONCE)
        for _ in range(100):
            await asyncio.sleep(0)
        await stage.live("Azure v1 1", UNHURRIED_AT_ONCE)
        assert stage.rehomed == []
