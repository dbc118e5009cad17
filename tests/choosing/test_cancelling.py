"""An open is cancelled wherever it, or a task of its own, waits: `play` looks for what is left over."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Generator
from functools import partial
from typing import Any

import pytest

from realtime_lb import RoutingSettings
from realtime_lb.deployments import Deployment
from realtime_lb.errors import HandshakeRefused, RealtimeError
from tests.choosing.nodes import Answer, Stage, deployment, failing, in_time, play

NEVER = 1e9


class _Waits(Awaitable[Any]):
    """Runs *work*, and tells *told* before each time that it waits."""

    def __init__(self, work: Coroutine[Any, Any, Any], told: Callable[[], None]) -> None:
        self._work, self._told = work, told

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Callable[[], Any] = partial(self._work.send, None)
        while True:
            try:
                waited = step()
            except StopIteration as end:
                return end.value
            self._told()
            try:
                yield waited
                step = partial(self._work.send, None)
            except BaseException as error:  # noqa: BLE001  # it is the work's own
                step = partial(self._work.throw, error)


async def _told_of(work: Coroutine[Any, Any, Any], told: Callable[[], None]) -> Any:
    return await _Waits(work, told)


async def cancelled_at_wait(number: int, work: Coroutine[Any, Any, None]) -> bool:
    """Cancel *work* at the wait of that number, its own or its tasks'; say whether there were so many."""
    loop = asyncio.get_running_loop()
    waits = 0

    def told() -> None:
        nonlocal waits
        waits += 1
        if waits == number:
            loop.call_soon(task.cancel)

    def make(_: Any, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        return asyncio.Task(_told_of(coroutine, told), loop=loop, **options)

    loop.set_task_factory(make)
    task = loop.create_task(work)
    with contextlib.suppress(asyncio.CancelledError, RealtimeError):
        await task
    loop.set_task_factory(None)
    return waits >= number


STORIES: dict[str, tuple[tuple[Deployment, ...], dict[str, Answer]]] = {
    "two fail, a third accepts": (
        tuple(deployment(name, order=order) for order, name in enumerate("abc")),
        {
            "a": failing(lambda: HandshakeRefused(503)),
            "b": failing(lambda: HandshakeRefused(429)),
            "c": in_time(0.1),
        },
    ),
    "one hangs, its hedge fails, another one wins": (
        tuple(deployment(name, order=order) for order, name in enumerate("abc")),
        {"a": in_time(NEVER), "b": failing(lambda: HandshakeRefused(503)), "c": in_time(0.1)},
    ),
    "a fallback has one that is warm": (
        (deployment("a"), deployment("b", model_group="spare", warm=1)),
        {"a": failing(lambda: HandshakeRefused(503)), "b": in_time(0.1)},
    ),
    "it waits for room": ((deployment("a", max_sessions=1),), {"a": in_time(0.1)}),
}


@pytest.mark.parametrize("story", STORIES)
def test_nothing_is_left_over_wherever_an_open_is_cancelled(story: str) -> None:
    deployments, answers = STORIES[story]
    came = True

    async def scene(stage: Stage, number: int) -> None:
        nonlocal came

        async def call() -> None:
            async with stage.router.connect("voice") as session:
                await session.send({"type": "response.create"})
                await asyncio.sleep(0.2)

        async def other() -> None:
            async with stage.router.connect("voice"):
                await asyncio.sleep(0.5)

        holding = asyncio.create_task(other()) if story == "it waits for room" else None
        await asyncio.sleep(0.2)
        came = await cancelled_at_wait(number, call())
        if holding is not None:
            await holding
        await asyncio.sleep(10)
        assert all(0 <= live <= 1 for live in stage.leases().values())

    fallbacks = {"voice": ("spare",)} if "fallback" in story else {}
    routing = RoutingSettings(hedge_after_s=0.3, dial_timeout_s=2.0, fallbacks=fallbacks)
    number = 0
    while came:
        number += 1
        play(partial(scene, number=number), *deployments, routing=routing, answers=answers)
    assert number > 10
