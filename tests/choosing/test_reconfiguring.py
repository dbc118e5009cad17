"""What runs beside the sessions runs for the deployments that there are."""

import asyncio

import pytest
from attrs import evolve

from realtime_lb.errors import GroupFull
from realtime_lb.settings import HealthSettings
from tests.choosing.nodes import Stage, deployment, play


def keep(stage: Stage, *names: str) -> None:
    settings = stage.router.settings
    stage.router.reconfigure(
        evolve(settings, deployments=tuple(d for d in settings.deployments if d.id in names))
    )


def open_now(stage: Stage) -> dict[str, int]:
    return {name: node.open_now for name, node in stage.nodes.items()}


def test_connections_that_wait_are_closed_where_a_deployment_is_removed_and_opened_where_one_is_added() -> (
    None
):
    async def scene(stage: Stage) -> None:
        both = stage.router.settings
        keep(stage, "a")
        await asyncio.sleep(10)
        assert open_now(stage) == {"a": 2, "b": 0}
        stage.router.reconfigure(both)
        await asyncio.sleep(10)
        assert open_now(stage) == {"a": 2, "b": 1}
        assert stage.nodes["a"].dials == 2, "those that were there stay"
        keep(stage, "b")
        await asyncio.sleep(10)
        assert open_now(stage) == {"a": 0, "b": 1}
        assert stage.leases() == {"b": 1}
        stage.router.reconfigure(both)
        async with stage.router.connect("voice"):
            pass

    play(scene, deployment("a", warm=2), deployment("b", warm=1))


def test_connections_that_wait_at_a_drained_deployment_are_closed_until_it_is_readmitted() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(10)
        assert stage.leases() == {"a": 2, "b": 1}
        stage.router.drain("a")
        await asyncio.sleep(10)
        assert (stage.leases(), open_now(stage)) == ({"a": 0, "b": 1}, {"a": 0, "b": 1})
        stage.router.readmit("a")
        await asyncio.sleep(10)
        assert stage.leases() == {"a": 2, "b": 1}

    play(scene, deployment("a", warm=2), deployment("b", warm=1))


def test_probes_go_to_the_deployments_that_there_are() -> None:
    async def scene(stage: Stage) -> None:
        both = stage.router.settings
        keep(stage, "a")
        await asyncio.sleep(600)
        assert [node.dials for node in stage.nodes.values()] == [10, 0]
        stage.router.reconfigure(evolve(both, deployments=both.deployments[1:]))
        await asyncio.sleep(600)
        assert [node.dials for node in stage.nodes.values()] == [10, 10]

    play(scene, deployment("a"), deployment("b"), health=HealthSettings(probe_interval_s=60))


def test_who_waits_for_room_of_a_deployment_that_is_removed_does_not_get_it() -> None:
    async def scene(stage: Stage) -> None:
        async def come() -> None:
            async with stage.router.connect("voice"):
                pass

        async with stage.router.connect("voice"):
            waiting = asyncio.create_task(come())
            await asyncio.sleep(0.1)
            keep(stage, "b")
        with pytest.raises(GroupFull):
            await waiting
        assert stage.nodes["a"].dials == 1

    play(scene, deployment("a", max_sessions=1), deployment("b", model_group="other"))
