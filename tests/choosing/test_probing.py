"""Active probes: who is up is known before a client asks."""

import asyncio

from realtime_lb.errors import UpstreamUnreachable
from realtime_lb.records import HealthState
from realtime_lb.settings import HealthSettings
from tests.choosing.nodes import Stage, deployment, in_time, play

EVERY_MINUTE = HealthSettings(probe_interval_s=60, slow_start_s=0)


def test_every_deployment_is_dialled_once_in_an_interval() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(600)
        assert {name: node.dials for name, node in stage.nodes.items()} == {"a": 10, "b": 10}
        assert {node.open_now for node in stage.nodes.values()} == {0}

    play(scene, deployment("a"), deployment("b"), health=EVERY_MINUTE, answers={"a": in_time(0.1)})


def test_a_dead_one_is_out_of_use_before_a_client_meets_it_and_back_when_it_answers() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(60 * 4)
        states = {d.id: d.standing.state for d in stage.router.snapshot().deployments}
        assert states == {"a": HealthState.EJECTED, "b": HealthState.ELIGIBLE}
        stage.nodes["a"].answer = lambda: 0.0
        await asyncio.sleep(60 * 6)
        states = {d.id: d.standing.state for d in stage.router.snapshot().deployments}
        assert states["a"] is HealthState.ELIGIBLE

    def dead() -> UpstreamUnreachable:
        return UpstreamUnreachable("no")

    settings = HealthSettings(probe_interval_s=60, slow_start_s=0, ejection_s=300)
    play(scene, deployment("a"), deployment("b"), health=settings, answers={"a": dead})


def test_no_probe_is_made_unless_asked_for_and_none_of_a_full_deployment() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(3600)
        assert {name: node.dials for name, node in stage.nodes.items()} == {"a": 0}

    play(scene, deployment("a"))

    async def full(stage: Stage) -> None:
        async with stage.router.connect("voice"):
            await asyncio.sleep(3600)
            assert stage.nodes["a"].dials == 1

    play(full, deployment("a", max_sessions=1), health=EVERY_MINUTE)
