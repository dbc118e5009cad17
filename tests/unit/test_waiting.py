"""Waiting for the first of several ends, by one future, for as long as a session lives."""

import asyncio
from collections.abc import Callable

import pytest

from realtime_lb.testing import run_jumping
from realtime_lb.waiting import first_of

Future = asyncio.Future[int]

WAYS: dict[str, Callable[[Future], object]] = {
    "a result": lambda end: end.set_result(1),
    "an error": lambda end: end.set_exception(LookupError()),
    "cancelled": lambda end: end.cancel(),
}


def ends(count: int) -> list[Future]:
    return [asyncio.get_running_loop().create_future() for _ in range(count)]


async def begun(waited_for: list[Future]) -> asyncio.Task[None]:
    """Return a wait that has got to where it waits."""
    waiting = asyncio.create_task(first_of(*waited_for))
    await asyncio.sleep(1)  # of a clock that jumps
    return waiting


def is_waited_for(end: Future) -> bool:
    return bool(end._callbacks)  # asyncio tells nobody else


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("which", [0, 1, 2])
def test_it_is_over_when_one_is_and_nobody_waits_for_the_others_any_more(which: int, way: str) -> None:
    async def story() -> list[bool]:
        waited_for = ends(3)
        waiting = await begun(waited_for)
        assert all(map(is_waited_for, waited_for))
        assert not waiting.done()
        WAYS[way](waited_for[which])
        await waiting
        assert not any(is_waited_for(end) for end in waited_for)
        done = [end.done() for end in waited_for]
        if way == "an error":
            waited_for[which].exception()
        return done

    assert run_jumping(story()) == [number == which for number in range(3)]


def test_what_is_over_already_is_not_waited_for() -> None:
    async def story() -> None:
        over, never = ends(2)
        over.set_result(1)
        await first_of(never, over)
        assert not is_waited_for(never)

    run_jumping(story())


def test_who_stops_waiting_leaves_all_as_they_are() -> None:
    async def story() -> None:
        waited_for = ends(2)
        waiting = await begun(waited_for)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert not any(end.done() or is_waited_for(end) for end in waited_for)

    run_jumping(story())


def test_two_that_end_in_one_turn_are_one_end() -> None:
    async def story() -> None:
        waited_for = ends(2)
        waiting = await begun(waited_for)
        for end in waited_for:
            end.set_result(1)
        await waiting

    run_jumping(story())
