"""An upstream is gone in the middle of a call: the client hears nothing of that, and is answered."""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from realtime_lb.records import RehomeCause
from realtime_lb.simulator import Simulator
from realtime_lb.typing import Dialect
from tests.rehoming.caller import Caller, check_equal, house


def _closed(simulator: Simulator, code: int) -> None:
    simulator.close_all(code)


UPSTREAMS = ("OpenAI GA", "Azure v1", "Azure preview")

ENDS: dict[str, Callable[[Simulator], Any]] = {
    "cut": Simulator.cut,
    **{f"closed with {code}": partial(_closed, code=code) for code in (1000, 1001, 1011, 1012, 1013)},
}


async def begin(caller: Caller) -> None:
    """Something to remember: settings, a text turn, a spoken turn."""
    await caller.configure(instructions="Be brief.")
    await caller.write("Hello there", id="msg_hello")
    await caller.ask()
    await caller.speak(loud_ms=600, silent_ms=400)
    await caller.next("response.done")
    await caller.until(lambda: not caller.view.promised_words)


async def go_on(caller: Caller) -> None:
    """Another turn of each kind."""
    await caller.write("Still there?", id="msg_later")
    assert (await caller.ask())["status"] == "completed"
    before = caller.view.counts["response.done"]
    await caller.speak(loud_ms=600, silent_ms=400)
    await caller.until(lambda: caller.view.counts["response.done"] > before)
    await caller.until(lambda: not caller.view.promised_words)
    caller.view.nothing_is_open()


@pytest.mark.parametrize("client", Dialect)
@pytest.mark.parametrize(("first", "second"), list(itertools.product(UPSTREAMS, repeat=2)))
async def test_a_call_goes_on_elsewhere_whatever_is_spoken_there(
    client: Dialect, first: str, second: str
) -> None:
    async with house(first, second) as stage, stage.caller(client) as caller:
        await begin(caller)
        name, _ = stage.where()
        stage.simulators[name].cut()
        moved = await stage.moved()
        await go_on(caller)
        there, session = stage.where()
        assert (moved.cause, moved.from_deployment, moved.to_deployment) == (RehomeCause.LOST, name, there)
        assert there == stage.other(name)
        assert (moved.items, moved.lost) == (4, ())
        check_equal(caller, session)
        assert session.settings.instructions == "Be brief."
        assert session.settings.transcription is not None
        assert caller.view.errors == {}


@pytest.mark.parametrize("end", ENDS)
async def test_it_goes_on_however_the_upstream_ended(end: str) -> None:
    async with house("OpenAI GA", "Azure preview") as stage, stage.caller() as caller:
        await begin(caller)
        ENDS[end](stage.simulators["OpenAI GA 0"])
        await stage.moved()
        await go_on(caller)
        check_equal(caller, stage.where()[1])
