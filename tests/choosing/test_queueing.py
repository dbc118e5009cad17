"""A full group: who waits, for how long, and who gets the room that comes."""

import asyncio

import pytest

from realtime_lb import RoutingSettings
from realtime_lb.errors import GroupFull
from realtime_lb.requests import Principal
from tests.choosing.nodes import Stage, deployment, in_time, play


def test_an_open_waits_for_room_and_takes_the_lease_that_is_given_back() -> None:
    async def scene(stage: Stage) -> None:
        async def holds(seconds: float) -> None:
            async with stage.router.connect("voice"):
                await asyncio.sleep(seconds)

        async with asyncio.TaskGroup() as calls:
            calls.create_task(holds(0.7))
            await asyncio.sleep(0.1)
            calls.create_task(holds(0.0))
            await asyncio.sleep(0.1)
            assert stage.leases() == {"a": 1}
        assert stage.now() == pytest.approx(0.7)

    play(scene, deployment("a", max_sessions=1))


def test_who_waits_too_long_is_told_to_come_back_later() -> None:
    async def scene(stage: Stage) -> None:
        async with stage.router.connect("voice"):
            began_s = stage.now()
            with pytest.raises(GroupFull) as told:
                async with stage.router.connect("voice"):
                    pass
            assert stage.now() - began_s == pytest.approx(2.0)
            assert told.value.http_status == 429
            assert told.value.retry_after_s is not None

    play(scene, deployment("a", max_sessions=1), routing=RoutingSettings(queue_timeout_s=2.0))


def test_no_more_wait_than_may() -> None:
    async def scene(stage: Stage) -> None:
        refused_at_s: list[float] = []

        async def calls() -> None:
            try:
                async with stage.router.connect("voice"):
                    pass
            except GroupFull:
                refused_at_s.append(stage.now())

        async with stage.router.connect("voice"):
            await asyncio.gather(*(calls() for _ in range(5)))
        assert sorted(refused_at_s) == [0, 0, 0, 1.0, 1.0]

    play(
        scene,
        deployment("a", max_sessions=1),
        routing=RoutingSettings(queue_limit=2, queue_timeout_s=1.0),
    )


def test_callers_take_turns_however_many_each_sends() -> None:
    """One caller queues ten opens, then another queues one: that one is second, not eleventh."""

    async def scene(stage: Stage) -> None:
        served: list[str] = []

        async def calls(name: str) -> None:
            async with stage.router.connect("voice", principal=Principal(name)):
                served.append(name)
                await asyncio.sleep(0.01)

        async with asyncio.TaskGroup() as all_calls:
            all_calls.create_task(calls("first"))
            await asyncio.sleep(0.001)
            for _ in range(10):
                all_calls.create_task(calls("greedy"))
            await asyncio.sleep(0.001)
            all_calls.create_task(calls("modest"))
        assert served.index("modest") <= 2
        assert len(served) == 12

    play(scene, deployment("a", max_sessions=1))


def test_who_leaves_the_queue_does_not_keep_the_room_that_just_came() -> None:
    """The lease changes hands in one step; a client that has gone by then passes it on."""

    async def scene(stage: Stage) -> None:
        served: list[str] = []

        async def calls(name: str) -> None:
            async with stage.router.connect("voice"):
                served.append(name)

        async with stage.router.connect("voice"):
            leaver = asyncio.create_task(calls("leaver"))
            await asyncio.sleep(0.1)
            stayer = asyncio.create_task(calls("stayer"))
            await asyncio.sleep(0.1)
            lease_freed = asyncio.get_running_loop().create_future()
            original = stage.router._engine.leases.on_room

            def freed(name: str) -> None:
                original(name)
                if not lease_freed.done():
                    lease_freed.set_result(None)
                    leaver.cancel()

            stage.router._engine.leases.on_room = freed
        await stayer
        assert leaver.cancelled() or leaver.done()
        assert served == ["stayer"]

    play(scene, deployment("a", max_sessions=1))


def test_a_full_group_sends_on_to_its_fallback_before_anybody_waits() -> None:
    async def scene(stage: Stage) -> None:
        async with stage.router.connect("voice"), stage.router.connect("voice"):
            assert stage.now() == 0
            assert stage.leases() == {"a": 1, "b": 1}

    play(
        scene,
        deployment("a", max_sessions=1),
        deployment("b", model_group="spare"),
        routing=RoutingSettings(fallbacks={"voice": ("spare",)}),
        answers={"a": in_time()},
    )
