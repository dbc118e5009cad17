"""At each wait of a session's life something goes wrong, and nothing of the session stays."""

import asyncio
import itertools
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from attrs import define, field, frozen

from realtime_lb import RehomeSettings
from realtime_lb.records import SessionClosed, SessionRehomed
from realtime_lb.testing import run_jumping
from tests.solid.calls import ASK, REQUEST, SAY_HELLO, App, Call, Script, Stage
from tests.solid.strikes import THEIR_OWN, cancel, cancel_twice, fail, lose
from tests.solid.waits import Waits

figures = logging.getLogger("figures")

FULL = os.environ.get("SOLID_FULL") == "1"

STEP = 1 if FULL else 4
"""From one wait at which something happens to the next; half of it where it is a cancel."""

LONG_S = 60.0
"""Longer than any deadline that an ending session has."""

TALKS: Script = (
    ("session.created", SAY_HELLO),
    ("conversation.item.done", ASK),
    ("response.done", Call.leave),
)
MOVES: Script = (
    *TALKS[:2],
    ("response.done", Call.lose),
    ("moved", ASK),
    ("response.done", Call.leave),
)


@frozen
class Story:
    """What happens when nothing else does."""

    script: Script
    settings: Mapping[str, Any] = field(factory=dict)
    in_app: bool = False
    moves: int = 0


STORIES = {
    "a client talks and leaves": Story(TALKS),
    "a session that is not kept": Story(TALKS, {"rehome": RehomeSettings(enabled=False)}),
    "an upstream dies": Story(MOVES, moves=1),
    "an upstream dies within an answer": Story(
        (*TALKS[:2], ("response.output_audio.delta", Call.lose), ("moved", Call.leave)), moves=1
    ),
    "a deployment is drained": Story((*TALKS[:2], ("response.done", Call.drain), *MOVES[3:]), moves=1),
    "all upstreams die": Story(
        (*TALKS[:2], ("response.done", Call.lose_all)), {"rehome": RehomeSettings(timeout_s=1.0)}
    ),
    "an app talks and leaves": Story(TALKS, in_app=True),
    "an app's upstream dies": Story(MOVES, in_app=True, moves=1),
}


@define(eq=False)
class Seen:
    """How a story went."""

    waits: Waits
    stage: Stage
    call: Call
    target: asyncio.Task[Any] = field(init=False)
    was_cancelled: bool = False
    complaints: list[dict[str, Any]] = field(factory=list)

    @property
    def error(self) -> BaseException | None:
        return None if self.target.cancelled() else self.target.exception()


Strike = Callable[[Seen], BaseException | None]


def nothing(_seen: Seen) -> None:
    """Nothing goes wrong."""


def cancel_all(seen: Seen) -> None:
    """What ``asyncio.run`` does on Ctrl-C."""
    cancel(seen)
    for task in tuple(seen.waits.tasks - {seen.target}):
        asyncio.get_running_loop().call_soon(task.cancel)


async def _told(story: Story, strike: Strike, at: int) -> Seen:
    loop, stage, waits = asyncio.get_running_loop(), Stage(), Waits()
    stage.open(**story.settings)
    before = asyncio.all_tasks()
    seen = Seen(waits, stage, (App if story.in_app else Call)(stage, story.script))
    waits.strikes.append((at, lambda: strike(seen)))
    loop.set_exception_handler(lambda _loop, context: seen.complaints.append(context))
    loop.set_task_factory(waits.make)
    async with stage.router:
        life = (
            seen.call.use() if isinstance(seen.call, App) else stage.router.serve(REQUEST, seen.call.accept)
        )
        seen.target = waits.begin(life)
        await asyncio.wait({seen.target}, timeout=LONG_S)
        assert seen.target.done(), "it hangs"
        await asyncio.sleep(LONG_S)
        assert stage.leases() == 0
        assert stage.router.snapshot().live_sessions == 0
        assert not stage.upstreams.live
        assert not waits.tasks
        loop.set_task_factory(None)
    seen.call.leave()  # one that was not let in has not ended
    await asyncio.sleep(1)
    assert asyncio.all_tasks() == before
    return seen


def told(story: Story, strike: Strike = nothing, at: int = 0) -> Seen:
    """Tell a story in which *strike* happens at the wait of that number, and look for what is left."""
    return run_jumping(_told(story, strike, at))


@pytest.mark.parametrize("name", STORIES)
def test_the_stories_are_told_to_their_end(name: str) -> None:
    seen = told(STORIES[name])
    assert seen.error is None
    assert seen.call.done == len(seen.call.script)
    assert seen.stage.counts(SessionRehomed) == STORIES[name].moves
    assert seen.complaints == []


@pytest.mark.parametrize("strike", [cancel, cancel_twice, cancel_all, lose, fail])
@pytest.mark.parametrize("name", STORIES)
def test_nothing_stays_wherever_it_happens(name: str, strike: Strike) -> None:
    """A cancel ends it as cancelled; an error is told to whoever waits, or to the log."""
    story = STORIES[name]
    for at in itertools.count(1, max(1, STEP // 2) if strike is cancel else STEP):
        try:
            seen = told(story, strike, at)
        except BaseException as error:
            error.add_note(f"at wait {at}")
            raise
        if seen.waits.count < at:
            break
        assert seen.target.cancelled() >= seen.was_cancelled, f"a cancel at wait {at} was swallowed"
        assert seen.stage.counts(SessionClosed) == 1 or (story.in_app and at == 1)
        assert all(isinstance(c.get("exception"), THEIR_OWN) for c in seen.complaints), seen.complaints
    figures.info("figure: H2 %s, %s: at each of %d waits, step %d", name, strike.__name__, at - 1, STEP)
