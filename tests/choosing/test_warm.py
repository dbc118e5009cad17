"""Connections that are open before anybody asks: who gets them, and what keeps them fresh."""

import asyncio

from realtime_lb import RoutingSettings
from realtime_lb.errors import DialError, HandshakeRefused
from realtime_lb.records import SessionOpened
from realtime_lb.settings import HealthSettings
from tests.choosing.nodes import Stage, deployment, in_time, play

DAY_S = 86_400.0


def outcomes(stage: Stage) -> list[str]:
    return [a.outcome for r in stage.told if isinstance(r, SessionOpened) for a in r.attempts]


def test_an_open_does_not_wait_for_a_dial_that_was_made_before() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(3)
        assert stage.leases() == {"a": 2}
        began_s = stage.now()
        async with stage.router.connect("voice") as session:
            assert stage.now() == began_s
            assert (await session.recv())["type"] == "session.created"
            await asyncio.sleep(2)
            assert stage.leases() == {"a": 3}
        assert outcomes(stage) == ["warm"]

    play(scene, deployment("a", warm=2), answers={"a": in_time(0.5)})


def test_what_was_dialled_otherwise_is_not_used() -> None:
    """A header to forward, or another intent, makes another handshake."""

    async def scene(stage: Stage) -> None:
        await asyncio.sleep(3)
        headers = {"OpenAI-Safety-Identifier": "someone"}
        async with stage.router.connect("voice", headers=headers):
            pass
        async with stage.router.connect("voice", intent="transcription"):
            pass
        assert outcomes(stage) == ["accepted", "accepted"]

    play(scene, deployment("a", warm=1), answers={"a": in_time(0.5)})


def test_one_that_ages_is_replaced_and_one_that_ends_as_well() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(1)
        assert stage.nodes["a"].dials == 1
        await asyncio.sleep(60)
        assert (stage.nodes["a"].dials, stage.nodes["a"].open_now) == (2, 1)
        await stage.nodes["a"].live[0].close(1011)
        await asyncio.sleep(2)
        assert (stage.nodes["a"].dials, stage.nodes["a"].open_now) == (3, 1)
        assert stage.leases() == {"a": 1}

    play(
        scene,
        deployment("a", warm=1),
        routing=RoutingSettings(warm_max_age_s=60),
        answers={"a": in_time(0.5)},
    )


def test_a_warm_connection_counts_against_the_cap_and_can_still_be_had() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(3)
        assert stage.leases() == {"a": 2}
        async with stage.router.connect("voice"), stage.router.connect("voice"):
            await asyncio.sleep(3)
            assert stage.leases() == {"a": 2}
            assert stage.nodes["a"].dials == 2
        assert outcomes(stage) == ["warm", "warm"]

    play(scene, deployment("a", warm=2, max_sessions=2), answers={"a": in_time(0.5)})


def test_a_pool_whose_upstream_was_down_for_a_day_is_filled_when_it_is_back() -> None:
    """It waits no longer for that than a minute, and no less: not even after thousands of dials in vain."""
    is_down = True

    def answer() -> float | DialError:
        return HandshakeRefused(503) if is_down else 0.5

    async def scene(stage: Stage) -> None:
        nonlocal is_down
        await asyncio.sleep(DAY_S)
        is_down, dials = False, stage.nodes["a"].dials
        await asyncio.sleep(2 * 61)
        assert stage.leases() == {"a": 2}
        assert dials <= DAY_S / 60 + 10

    play(scene, deployment("a", warm=2), health=HealthSettings(enabled=False), answers={"a": answer})
