"""When a whole group cannot serve: the groups behind it, tags, and what a client is told in the end."""

import asyncio
import itertools

import pytest

from realtime_lb import RoutingSettings
from realtime_lb.errors import (
    AllUpstreamsFailed,
    DialError,
    HandshakeRefused,
    InvalidRequest,
    RealtimeError,
    UnknownModel,
    UpstreamUnreachable,
)
from realtime_lb.records import PanicChanged, SessionClosed, SessionOpened
from realtime_lb.settings import HealthSettings
from realtime_lb.verdicts import Meaning
from tests.choosing.nodes import Stage, deployment, failing, play

REFUSED = failing(lambda: UpstreamUnreachable("no"))
NO_HEALTH = HealthSettings(enabled=False)


def where(stage: Stage) -> list[tuple[str, str]]:
    return [(r.model_group, r.deployment) for r in stage.told if isinstance(r, SessionOpened)]


def test_a_group_that_fails_is_followed_by_its_fallbacks_in_order() -> None:
    async def scene(stage: Stage) -> None:
        async with stage.router.connect("voice"):
            pass
        await asyncio.sleep(0)
        assert where(stage) == [("last", "c")]

    play(
        scene,
        deployment("a"),
        deployment("b", model_group="second"),
        deployment("c", model_group="last"),
        routing=RoutingSettings(fallbacks={"voice": ("second", "last")}),
        answers={"a": REFUSED, "b": REFUSED},
    )


def test_default_fallbacks_are_for_groups_without_their_own() -> None:
    async def scene(stage: Stage) -> None:
        async with stage.router.connect("voice"):
            pass
        with pytest.raises(AllUpstreamsFailed):
            async with stage.router.connect("lonely"):
                pass
        await asyncio.sleep(0)
        assert where(stage) == [("spare", "b")]

    play(
        scene,
        deployment("a"),
        deployment("b", model_group="spare"),
        deployment("c", model_group="lonely"),
        routing=RoutingSettings(default_fallbacks=("spare",), fallbacks={"lonely": ("lonely",)}),
        answers={"a": REFUSED, "c": REFUSED},
    )


def test_groups_that_fall_back_on_each_other_are_tried_once_each() -> None:
    async def scene(stage: Stage) -> None:
        with pytest.raises(AllUpstreamsFailed) as told:
            async with stage.router.connect("voice"):
                pass
        assert len(told.value.failures) == 2
        assert "'voice'" in str(told.value)

    play(
        scene,
        deployment("a"),
        deployment("b", model_group="spare"),
        routing=RoutingSettings(fallbacks={"voice": ("spare",), "spare": ("voice",)}),
        answers={"a": REFUSED, "b": REFUSED},
    )


def test_a_name_that_nobody_has_does_not_fall_back() -> None:
    async def scene(stage: Stage) -> None:
        with pytest.raises(UnknownModel):
            async with stage.router.connect("other"):
                pass

    play(scene, deployment("a"), routing=RoutingSettings(default_fallbacks=("voice",)))


def test_the_closing_record_tells_every_dial_with_its_verdict() -> None:
    async def scene(stage: Stage) -> None:
        async with stage.router.connect("voice"):
            pass
        await asyncio.sleep(0.1)
        (record,) = (r for r in stage.told if isinstance(r, SessionClosed))
        assert [(a.deployment, a.outcome, a.verdict) for a in record.attempts] == [
            ("a", "http_429", Meaning.RATE_LIMITED),
            ("b", "upstream_unreachable", Meaning.UNREACHABLE),
            ("c", "accepted", Meaning.OK),
        ]

    play(
        scene,
        *(deployment(name, order=order) for order, name in enumerate("abc")),
        answers={"a": failing(lambda: HandshakeRefused(429)), "b": REFUSED},
    )


def test_further_moves_are_on_a_budget_that_a_storm_uses_up() -> None:
    """Everything refuses at once: each open has its dial and its free move, few have more."""

    async def scene(stage: Stage) -> None:
        async def calls() -> None:
            with pytest.raises(AllUpstreamsFailed):
                async with stage.router.connect("voice"):
                    pass

        await asyncio.gather(*(calls() for _ in range(100)))
        dials = sum(node.dials for node in stage.nodes.values())
        assert 200 <= dials <= 210

    play(
        scene,
        *map(deployment, "abcde"),
        routing=RoutingSettings(tries=5),
        health=NO_HEALTH,
        answers=dict.fromkeys("abcde", REFUSED),
    )


def test_tags_say_which_deployments_are_meant() -> None:
    async def scene(stage: Stage) -> None:
        for tags in ((), ("paid",), ("paid", "eu")):
            async with stage.router.connect("voice", tags=tags):
                pass
        with pytest.raises(InvalidRequest) as told:
            async with stage.router.connect("tagged", tags=("nobody",)):
                pass
        assert told.value.code == "no_deployment_for_tags"
        assert [deployment for _, deployment in where(stage)] == ["free", "paid", "paid"]

    play(
        scene,
        deployment("free", tags=("default",)),
        deployment("paid", tags=("paid",)),
        deployment("only", model_group="tagged", tags=("some",)),
        routing=RoutingSettings(tag_filtering=True),
    )


def test_sessions_that_belong_together_go_together_while_there_is_room() -> None:
    async def scene(stage: Stage) -> None:
        async def call(affinity: str) -> None:
            async with stage.router.connect("voice", affinity=affinity):
                await asyncio.sleep(1)

        for number in range(20):
            await call(f"room-{number % 2}")
        seen = [name for _, name in where(stage)]
        assert len(set(seen[0::2])) == 1
        assert len(set(seen[1::2])) == 1

    play(scene, *map(deployment, "abcdef"))


def test_when_only_ill_ones_have_room_the_least_bad_is_used_and_that_is_said() -> None:
    """Half of the dials to each fail: both are ejected, none is hopeless, and clients are still served."""
    turns = itertools.cycle((True, False))

    def flaky() -> float | DialError:
        return 0.0 if next(turns) else UpstreamUnreachable("no")

    async def scene(stage: Stage) -> None:
        served = 0
        for _ in range(200):
            try:
                async with stage.router.connect("voice"):
                    served += 1
            except RealtimeError:
                pass
            await asyncio.sleep(0.1)
        assert served == 200
        panics = [record.panic for record in stage.told if isinstance(record, PanicChanged)]
        assert panics[0]
        assert all(before != after for before, after in itertools.pairwise(panics))

    play(scene, deployment("a"), deployment("b"), answers={"a": flaky, "b": flaky})


def test_a_group_that_was_down_is_in_use_again_within_a_second_of_its_return() -> None:
    async def scene(stage: Stage) -> None:
        async def knocks() -> bool:
            try:
                async with stage.router.connect("voice"):
                    return True
            except RealtimeError:
                return False

        for _ in range(100):
            assert not await knocks()
            await asyncio.sleep(0.1)
        for node in stage.nodes.values():
            node.answer = lambda: 0.0
        back_at_s = stage.now()
        for _ in range(1_000):
            if await knocks():
                break
            await asyncio.sleep(0.005)
        assert stage.now() - back_at_s <= 1.01
        assert all([await knocks() for _ in range(50)])

    play(scene, *map(deployment, "abc"), answers=dict.fromkeys("abc", REFUSED))
