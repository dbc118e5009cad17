"""Whatever is somebody else's code may raise: the call goes on where it can, and nothing of it stays."""

import asyncio
import logging
import random
from collections.abc import Iterator
from typing import Any

import pytest

from realtime_lb.providers import OpenAICompatible
from realtime_lb.records import SessionClosed, SessionRehomed
from realtime_lb.strategies import STRATEGIES
from realtime_lb.testing import run_jumping
from tests.solid.calls import REQUEST, App, Call, Stage
from tests.solid.test_every_wait import LONG_S, MOVES
from tests.solid.waits import Mishap


class Raises(logging.Handler):
    """A handler that breaks."""

    def emit(self, record: logging.LogRecord) -> None:
        raise Mishap


@pytest.fixture
def broken_log() -> Iterator[None]:
    logger, handler = logging.getLogger("realtime_lb"), Raises()
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)


class Adapter(OpenAICompatible):
    """An adapter that raises in one of its methods, from the so many-th call on."""

    def __init__(self, method: str, good: int) -> None:
        super().__init__()
        self._good = good
        inner = getattr(self, method)

        def broken(*arguments: Any) -> Any:
            self._good -= 1
            if self._good < 0 and self.is_armed:
                raise Mishap
            return inner(*arguments)

        setattr(self, method, broken)

    is_armed = False
    """It is not asked while it is set up, nor when it is looked at afterwards."""


class Picky:
    """A strategy that raises, from the so many-th pick on."""

    def __init__(self, good: int) -> None:
        self._good = good
        self._inner = STRATEGIES["round-robin"](random.Random(1))

    def pick(self, candidates: Any, request: Any) -> Any:
        self._good -= 1
        if self._good < 0:
            raise Mishap
        return self._inner.pick(candidates, request)


async def _told(stage: Stage, call: Call, adapter: Adapter | None = None) -> asyncio.Task[Any]:
    before = asyncio.all_tasks()
    async with stage.router:
        life = call.use() if isinstance(call, App) else stage.router.serve(REQUEST, call.accept)
        target = asyncio.create_task(life)
        await asyncio.wait({target}, timeout=LONG_S)
        assert target.done(), "it hangs"
        await asyncio.sleep(LONG_S)
        if adapter is not None:
            adapter.is_armed = False
        assert (stage.leases(), stage.router.snapshot().live_sessions) == (0, 0)
        assert not stage.upstreams.live
    call.leave()
    await asyncio.sleep(1)
    assert asyncio.all_tasks() <= before
    return target


async def _goes_on(*, in_app: bool = False, **hooks: Any) -> None:
    stage = Stage()
    stage.open(**hooks)
    call = (App if in_app else Call)(stage, MOVES)
    target = await _told(stage, call)
    assert target.exception() is None
    assert call.done == len(MOVES)
    assert (stage.counts(SessionRehomed), stage.counts(SessionClosed)) == (1, 1)


def broken(*_: object) -> None:
    raise Mishap


def test_sinks_that_raise_lose_their_records() -> None:
    run_jumping(_goes_on(sinks=[broken]))


@pytest.mark.usefixtures("broken_log")
def test_a_log_that_raises_stops_nobody() -> None:
    run_jumping(_goes_on(sinks=[broken]))


def test_an_app_that_raises_when_it_is_told_of_a_move_goes_on() -> None:
    async def scene() -> None:
        stage = Stage()
        stage.open()
        call = App(stage, MOVES, on_rehomed=broken)
        target = await _told(stage, call)
        assert target.exception() is None
        assert call.done == len(MOVES)

    run_jumping(scene())


@pytest.mark.parametrize("good", range(4))
@pytest.mark.parametrize("method", ["dial", "credentials", "accepts", "dialect", "quirks", "classify"])
def test_of_an_adapter_that_raises_nothing_stays(method: str, good: int) -> None:
    async def scene() -> None:
        stage, adapter = Stage(), Adapter(method, good)
        stage.open(providers=[adapter])
        adapter.is_armed = True
        target = await _told(stage, Call(stage, MOVES), adapter)
        assert not target.cancelled()
        target.exception()
        assert stage.counts(SessionClosed) == 1

    run_jumping(scene())


@pytest.mark.parametrize("good", range(3))
def test_of_a_strategy_that_raises_nothing_stays(good: int) -> None:
    async def scene() -> None:
        stage = Stage()
        stage.open(strategy=Picky(good))
        target = await _told(stage, Call(stage, MOVES))
        target.exception()
        assert stage.counts(SessionClosed) == 1

    run_jumping(scene())


class Closing(OpenAICompatible):
    """An adapter that notes that it is closed, and may raise then."""

    def __init__(self, name: str, *, raises: bool) -> None:
        super().__init__()
        self.name = name  # type: ignore[misc]  # two of a kind
        self.is_closed, self._raises = False, raises

    async def aclose(self) -> None:
        self.is_closed = True
        if self._raises:
            raise Mishap


def test_an_adapter_that_cannot_be_closed_keeps_nothing_else_open() -> None:
    async def scene() -> None:
        adapters = [Closing(str(number), raises=number in {0, 2}) for number in range(4)]
        stage = Stage()
        stage.open(providers=adapters)
        with pytest.raises(Mishap):
            await stage.router.aclose()
        assert all(adapter.is_closed for adapter in adapters)

    run_jumping(scene())
