"""At each wait of what runs beside sessions something goes wrong: it goes on, and nothing of it stays."""

import asyncio
import itertools
import logging
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any

import pytest
from attrs import evolve, frozen

from realtime_lb import HealthSettings, RoutingSettings
from realtime_lb.errors import RealtimeError
from realtime_lb.providers import OpenAICompatible
from realtime_lb.testing import run_jumping
from tests.solid.calls import DEPLOYMENTS, REQUEST, App, Call, Stage
from tests.solid.strikes import THEIR_OWN, fail, lose
from tests.solid.test_every_wait import FULL, LONG_S
from tests.solid.waits import Waits

figures = logging.getLogger("figures")

STEP = 1 if FULL else 7

POOLS = tuple(evolve(each, warm=2) for each in DEPLOYMENTS[:2])
AGES = RoutingSettings(warm_max_age_s=30.0)
PROBES = HealthSettings(probe_interval_s=5.0)

Strike = Callable[[Stage], BaseException | None]


def cancel(_stage: Stage) -> None:
    """Whoever waits."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().call_soon(task.cancel)


def cut(stage: Stage) -> None:
    stage.upstreams.cut()


def drain_all(stage: Stage) -> None:
    """What runs for a deployment ends, and begins anew a moment later."""
    for each in stage.router.settings.deployments:
        stage.router.drain(each.id)
        asyncio.get_running_loop().call_later(0.5, stage.router.readmit, each.id)


def reconfigure(stage: Stage) -> None:
    """All that runs is begun anew."""
    stage.router.reconfigure(stage.router.settings)


RAISING = {lose, fail}


async def _a_pool(stage: Stage) -> None:
    """It is filled, taken from, cut off, grows old, and is filled each time."""
    await asyncio.sleep(5)
    with suppress(*THEIR_OWN, RealtimeError, ExceptionGroup, asyncio.CancelledError):
        async with stage.router.connect("voice"):
            await asyncio.sleep(1)
    stage.upstreams.cut()
    await asyncio.sleep(LONG_S)


async def _probes(_stage: Stage) -> None:
    await asyncio.sleep(17)


@frozen
class Beside:
    """What runs.

    Attributes:
        scene: What happens meanwhile.
        settings: Of the router.
        open_in_the_end: Upstreams that are to be there then.
        begins_with: Waits of a task group for its tasks: where it waits, nothing but a cancel can come.
    """

    scene: Callable[[Stage], Coroutine[Any, Any, None]]
    settings: Mapping[str, Any]
    open_in_the_end: int
    begins_with: int = 0


BESIDE = {
    "pools": Beside(_a_pool, {"deployments": POOLS, "routing": AGES}, 4),
    "probes": Beside(_probes, {"health": PROBES}, 0, begins_with=1),
}


async def _ran(beside: Beside, strike: Strike, at: int, *, goes_on: bool) -> int:
    """Run it, strike at the wait of that number, and look; return how many waits there were."""
    loop, stage, waits = asyncio.get_running_loop(), Stage(), Waits()
    complaints: list[dict[str, Any]] = []
    stage.open(**beside.settings)
    before = asyncio.all_tasks()
    waits.strikes.append((at, lambda: strike(stage)))
    loop.set_exception_handler(lambda _loop, context: complaints.append(context))
    loop.set_task_factory(waits.make)
    async with stage.router:
        await beside.scene(stage)
        count = waits.count
        await asyncio.sleep(2.5)
        if goes_on and at <= count:
            assert len(stage.upstreams.live) == stage.leases() == beside.open_in_the_end
        assert stage.router.snapshot().live_sessions == 0
    assert stage.leases() == 0
    assert not stage.upstreams.live
    assert not waits.tasks
    loop.set_task_factory(None)
    await asyncio.sleep(1)
    assert asyncio.all_tasks() == before
    assert all(_is_theirs(each.get("exception")) for each in complaints), complaints
    return count


def _is_theirs(error: object) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_is_theirs(each) for each in error.exceptions)
    return isinstance(error, THEIR_OWN)


@pytest.mark.parametrize("strike", [cut, drain_all, reconfigure, cancel, lose, fail])
@pytest.mark.parametrize("name", BESIDE)
def test_pools_and_probes_go_on_wherever_it_happens(name: str, strike: Strike) -> None:
    """Who is cancelled is not begun anew: nobody but a loop that ends does that."""
    beside = BESIDE[name]
    for at in itertools.count(1 + beside.begins_with * (strike in RAISING), STEP):
        try:
            count = run_jumping(_ran(beside, strike, at, goes_on=strike is not cancel))
        except BaseException as error:
            error.add_note(f"at wait {at}")
            raise
        if count < at:
            break
    figures.info("figure: H2 %s, %s: at each of %d waits, step %d", name, strike.__name__, count, STEP)


class Slow(OpenAICompatible):
    """An adapter that takes a while to end."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name  # type: ignore[misc]  # two of a kind
        self.has_ended = False

    async def aclose(self) -> None:
        await asyncio.sleep(0.1)
        self.has_ended = True


@frozen
class Closed:
    """How the first call ended."""

    waits: int
    task: asyncio.Task[None]
    have_ended: list[bool]


async def _closed(strike: Strike, at: int) -> Closed:
    """Close a router that has pools, probes and two calls, and strike at the wait of that number."""
    loop, stage, waits = asyncio.get_running_loop(), Stage(), Waits()
    complaints: list[dict[str, Any]] = []
    adapters = [Slow("one"), Slow("other")]
    stage.open(deployments=POOLS, health=PROBES, providers=adapters)
    before = asyncio.all_tasks()
    loop.set_exception_handler(lambda _loop, context: complaints.append(context))
    loop.set_task_factory(waits.make)
    async with stage.router:
        call, app = Call(stage, ()), App(stage, ())
        lives = {
            asyncio.create_task(stage.router.serve(REQUEST, call.accept)),
            asyncio.create_task(app.use()),
        }
        await asyncio.sleep(7)
        waits.count = 0
        waits.strikes.append((at, lambda: strike(stage)))
        closing = waits.begin(stage.router.aclose(drain_admit_s=1.0, drain_timeout_s=5.0))
        await asyncio.wait({closing}, timeout=LONG_S)
        assert closing.done(), "it hangs"
        closed = Closed(waits.count, closing, [adapter.has_ended for adapter in adapters])
    await asyncio.wait(lives)
    assert all(adapter.has_ended for adapter in adapters)
    assert (stage.leases(), stage.router.snapshot().live_sessions) == (0, 0)
    assert not stage.upstreams.live
    assert not waits.tasks
    loop.set_task_factory(None)
    call.leave()
    app.leave()
    await asyncio.sleep(1)
    assert asyncio.all_tasks() == before
    assert all(_is_theirs(each.get("exception")) for each in complaints), complaints
    return closed


@pytest.mark.parametrize("strike", [cut, drain_all, reconfigure, cancel, lose, fail])
def test_a_router_that_is_closed_again_has_released_all_wherever_it_happens(strike: Strike) -> None:
    for at in itertools.count(1, STEP):
        try:
            closed = run_jumping(_closed(strike, at))
            assert closed.task.cancelled() or not closed.task.cancelling(), "a cancel was swallowed"
        except BaseException as error:
            error.add_note(f"at wait {at}")
            raise
        if closed.waits < at:
            break
    figures.info("figure: H2 a router ends, %s: at each of %d waits, step %d", strike.__name__, at - 1, STEP)
