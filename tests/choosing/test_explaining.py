"""Every pick can say why, without being changed by the question."""

import asyncio

import pytest

from realtime_lb import RealtimeRouter, RoutingSettings
from realtime_lb.errors import HandshakeRefused, RealtimeError, UnknownModel
from realtime_lb.records import HealthChanged, HealthState, SessionOpened
from realtime_lb.settings import HealthSettings
from tests.choosing.nodes import Stage, deployment, failing, play


def test_an_explanation_names_everybody_and_why_they_are_out() -> None:
    async def scene(stage: Stage) -> None:
        async with stage.router.connect("voice"):
            told = stage.router.explain("voice")
        why = {c.deployment: c.excluded for c in told.candidates}
        assert why == {"full": "full", "second": "order", "best": "", "limited": "cooldown"}
        assert told.picked == "best"
        assert told.model_group == "voice"
        assert told.strategy == "least-busy"
        scores = {c.deployment: c.score for c in told.candidates}
        assert scores == {"full": None, "second": None, "best": 1.0, "limited": None}
        limited = next(c for c in told.candidates if c.deployment == "limited")
        assert limited.standing.state is HealthState.COOLDOWN
        assert limited.standing.left_s == pytest.approx(20)
        assert told.fallbacks == ("spare",)

    play(
        scene,
        deployment("limited", order=0),
        deployment("full", order=1, max_sessions=1),
        deployment("second", order=3),
        deployment("best", order=2),
        deployment("spare", model_group="spare"),
        routing=RoutingSettings(strategy="least-busy", fallbacks={"voice": ("spare",)}),
        answers={"limited": failing(lambda: HandshakeRefused(429, retry_after_s=20))},
    )


def test_asking_does_not_change_what_comes_next() -> None:
    """The same seed gives the same picks, whether or not somebody looks on."""

    def picks(*, asked: bool) -> list[str]:
        found: list[str] = []

        async def scene(stage: Stage) -> None:
            for _ in range(20):
                if asked:
                    expected = stage.router.explain("voice").picked
                async with stage.router.connect("voice"):
                    pass
                await asyncio.sleep(0)
                opened = [r for r in stage.told if isinstance(r, SessionOpened)]
                found.append(opened[-1].deployment)
                if asked:
                    assert opened[-1].deployment == expected

        play(scene, *map(deployment, "abc"), routing=RoutingSettings(strategy="simple-shuffle"))
        return found

    assert picks(asked=True) == picks(asked=False)


def test_a_model_that_nobody_has_cannot_be_explained() -> None:
    async def scene(stage: Stage) -> None:
        with pytest.raises(UnknownModel):
            stage.router.explain("other")

    play(scene, deployment("a"))


def test_an_explanation_says_what_a_client_would_be_told() -> None:
    async def scene(stage: Stage) -> None:
        async with stage.router.connect("voice"):
            told = stage.router.explain("voice")
        assert told.picked is None
        assert "session limit" in told.refusal

    play(scene, deployment("a", max_sessions=1))


def test_one_record_tells_of_each_change_of_health() -> None:
    """Out once, back once: however many sessions saw it."""

    async def scene(stage: Stage) -> None:
        node = stage.nodes["a"]
        for _ in range(10):
            await _opened(stage.router)
        node.answer = lambda: 0.0
        await asyncio.sleep(31)
        for _ in range(10):
            await _opened(stage.router)
        changes = [r for r in stage.told if isinstance(r, HealthChanged)]
        assert [(c.deployment, c.standing.state) for c in changes] == [
            ("a", HealthState.COOLDOWN),
            ("a", HealthState.ELIGIBLE),
        ]
        assert changes[0].model_group == "voice"
        assert "429" in changes[0].detail

    play(
        scene,
        deployment("a", order=1),
        deployment("b", order=2),
        health=HealthSettings(slow_start_s=0),
        answers={"a": failing(lambda: HandshakeRefused(429, retry_after_s=30))},
    )


async def _opened(router: RealtimeRouter) -> None:
    try:
        async with router.connect("voice"):
            pass
    except RealtimeError:
        pass


def test_live_sessions_are_listed_the_oldest_first() -> None:
    async def scene(stage: Stage) -> None:
        async with stage.router.connect("voice"):
            await asyncio.sleep(2)
            async with stage.router.connect("voice"):
                await asyncio.sleep(1)
                sessions = stage.router.sessions()
        assert [(s.deployment, s.age_s) for s in sessions] == [("a", 3.0), ("a", 1.0)]
        assert stage.router.sessions() == ()

    play(scene, deployment("a"))
