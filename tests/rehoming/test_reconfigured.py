"""Another configuration while calls are live: whose upstream it takes away moves, and nobody else does."""

import asyncio
from typing import Any

import aiohttp
import pytest
from attrs import evolve

from realtime_lb import Deployment, RoutingSettings, Secret, Settings
from realtime_lb.errors import ConfigError
from realtime_lb.records import HealthState, RehomeCause
from realtime_lb.settings import LimitSettings, ServerSettings
from realtime_lb.simulator import Delay, FailResponse, Refuse, Stage
from realtime_lb.snapshots import Reconfigured
from tests.rehoming.caller import House, check_equal, house
from tests.rehoming.test_moments import ended_well

OLD, NEW = "OpenAI GA 0", "Azure v1 1"
NOTHING = Reconfigured(added=(), removed=(), changed=(), moving=0, fixed=())


def without(stage: House, *names: str) -> Settings:
    settings = stage.router.settings
    return evolve(settings, deployments=tuple(d for d in settings.deployments if d.id not in names))


def with_other(stage: House, name: str, **attributes: Any) -> Settings:
    settings = stage.router.settings
    changed = (evolve(d, **attributes) if d.id == name else d for d in settings.deployments)
    return evolve(settings, deployments=tuple(changed))


def places(stage: House) -> list[str | None]:
    return [session.deployment for session in stage.router.sessions()]


async def test_sessions_of_a_deployment_that_is_removed_move_and_all_others_stay() -> None:
    async with house("OpenAI GA", "Azure v1") as stage, stage.caller() as caller:
        await caller.write("Hello")
        stage.router.drain(OLD)
        await stage.moved()
        stage.router.readmit(OLD)
        async with stage.caller() as stays:
            await stays.write("Hello")
            told = stage.router.reconfigure(without(stage, NEW))
            assert told == evolve(NOTHING, removed=(NEW,), moving=1)
            moved = await stage.moved(2)
            assert (moved.cause, moved.to_deployment) == (RehomeCause.REMOVED, OLD)
            assert moved.gap_s < 0.05
            for one in (caller, stays):
                await one.write("And now?")
                assert (await one.ask())["status"] == "completed"
                one.view.nothing_is_open()
            assert len(stage.rehomed) == 2
            assert [d.id for d in stage.router.snapshot().deployments] == [OLD]
            assert stage.simulators[NEW].sessions == ()


async def test_a_deployment_that_is_another_now_is_left_for_what_has_taken_its_id() -> None:
    async with house("OpenAI GA") as stage, stage.caller() as caller:
        await caller.write("Hello")
        told = stage.router.reconfigure(with_other(stage, OLD, project="proj_2"))
        assert told == evolve(NOTHING, changed=(OLD,), moving=1)
        moved = await stage.moved()
        assert (moved.cause, moved.from_deployment, moved.to_deployment) == (RehomeCause.REMOVED, OLD, OLD)
        await ended_well(caller, stage)


async def test_what_steers_choices_moves_nobody_and_counts_at_once() -> None:
    async with house("OpenAI GA", "Azure v1") as stage, stage.caller() as caller:
        await caller.write("Hello")
        told = stage.router.reconfigure(with_other(stage, OLD, max_sessions=1, weight=7.0, tags=("eu",)))
        assert told == NOTHING
        async with stage.caller() as late:
            await late.write("Hello")
            assert places(stage) == [OLD, NEW]
        assert (await caller.ask())["status"] == "completed"
        assert stage.rehomed == []


async def test_a_deployment_that_is_added_is_used_and_takes_who_had_nobody_else() -> None:
    async with house("OpenAI GA", "Azure v1") as stage:
        both = stage.router.settings
        assert stage.router.reconfigure(without(stage, NEW)).removed == (NEW,)
        async with stage.caller() as caller:
            await caller.write("Hello")
            replaced = evolve(both, deployments=tuple(d for d in both.deployments if d.id == NEW))
            assert stage.router.reconfigure(replaced) == evolve(
                NOTHING, added=(NEW,), removed=(OLD,), moving=1
            )
            assert (await stage.moved()).to_deployment == NEW
            await ended_well(caller, stage)


async def test_where_its_whole_group_is_removed_a_session_stays_and_nobody_new_is_let_in() -> None:
    async with house("OpenAI GA") as stage, stage.caller() as caller:
        await caller.write("Hello")
        assert stage.router.reconfigure(without(stage, OLD)).moving == 1
        with pytest.raises(aiohttp.WSServerHandshakeError, match="404"):
            await stage.arrive()
        assert (await caller.ask())["status"] == "completed"
        check_equal(caller, stage.where()[1])
        assert stage.rehomed == []


async def test_who_is_being_placed_on_a_deployment_that_is_removed_leaves_it_too() -> None:
    late = Delay(stage=Stage.FIRST_EVENT, delay_s=0.2)
    async with house("OpenAI GA", "Azure v1", faults={OLD: [late]}) as stage:
        async with asyncio.TaskGroup() as placing:
            arrival = placing.create_task(stage.arrive())
            await stage.live(OLD, 1)
            stage.router.reconfigure(without(stage, OLD))
        async with arrival.result() as caller:
            assert (await stage.moved()).cause is RehomeCause.REMOVED
            await ended_well(caller, stage)


async def test_settings_that_cannot_be_used_change_nothing() -> None:
    async with house("OpenAI GA", "Azure v1") as stage, stage.caller() as caller:
        await caller.write("Hello")
        before = stage.router.settings
        broken = Deployment(id="x", model_group="voice", model="m", provider="nobody")
        with pytest.raises(ConfigError, match="no provider is called 'nobody'"):
            stage.router.reconfigure(Settings(deployments=(broken,)))
        with pytest.raises(ConfigError, match="no strategy is called 'dice'"):
            stage.router.reconfigure(evolve(without(stage, OLD), routing=RoutingSettings(strategy="dice")))
        assert stage.router.settings is before
        assert (await caller.ask())["status"] == "completed"
        assert (places(stage), stage.rehomed) == ([OLD], [])


async def test_names_and_the_strategy_are_those_of_the_new_settings() -> None:
    async with house("OpenAI GA") as stage:
        routing = RoutingSettings(strategy="least-busy", group_aliases={"talk": "voice"})
        assert stage.router.reconfigure(evolve(stage.router.settings, routing=routing)) == NOTHING
        told = stage.router.explain("talk")
        assert (told.model_group, told.strategy, told.picked) == ("voice", "least-busy", OLD)


async def test_what_is_known_of_a_deployment_outlives_a_reload_and_is_forgotten_with_it() -> None:
    async with house("OpenAI GA", "Azure v1", faults={OLD: [Refuse(status=429, retry_after_s=60)]}) as stage:
        async with stage.caller() as caller:
            await caller.write("Hello")

        def states() -> list[HealthState]:
            return [d.standing.state for d in stage.router.snapshot().deployments]

        stage.router.drain(NEW)
        stage.router.reconfigure(with_other(stage, OLD, weight=2.0))
        assert states() == [HealthState.COOLDOWN, HealthState.ELIGIBLE]
        assert [c.excluded for c in stage.router.explain("voice").candidates] == ["cooldown", "drained"]
        stage.router.reconfigure(with_other(stage, OLD, api_key=Secret("sk-other")))
        assert states() == [HealthState.ELIGIBLE, HealthState.ELIGIBLE]


async def test_what_a_session_shows_of_an_upstream_that_was_taken_away_counts_for_nobody() -> None:
    """It has to stay, since the new one does not answer; and its old upstream has no quota left."""
    async with house("OpenAI GA") as stage, stage.caller() as caller:
        await caller.write("Hello")
        hangs, no_quota = Delay(stage=Stage.HANDSHAKE), FailResponse(code="insufficient_quota")
        stage.simulators[OLD].faults = [hangs, no_quota]
        assert stage.router.reconfigure(with_other(stage, OLD, project="proj_2")).moving == 1
        assert (await caller.ask())["status"] == "failed"
        (deployment,) = stage.router.snapshot().deployments
        assert deployment.standing.state is HealthState.ELIGIBLE


async def test_what_stays_as_it_was_is_said() -> None:
    async with house("OpenAI GA") as stage:
        server, limits = ServerSettings(master_key=Secret("k")), LimitSettings(heartbeat_s=5.0)
        given = evolve(stage.router.settings, server=server, limits=limits)
        assert stage.router.reconfigure(given).fixed == ("server.master_key", "limits.heartbeat_s")
        assert stage.router.settings.server.master_key is None
        async with stage.caller() as caller:
            await caller.write("Hello")
