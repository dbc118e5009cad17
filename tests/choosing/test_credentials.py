"""Credentials that are refused: fetched anew where that may help, left alone where it cannot."""

import asyncio
from collections.abc import Iterator

import pytest
from attrs import evolve

from realtime_lb.deployments import Deployment, EntraId
from realtime_lb.errors import (
    AllUpstreamsFailed,
    CredentialUnavailable,
    DialError,
    GroupDown,
    HandshakeRefused,
    UpstreamUnreachable,
)
from realtime_lb.providers import Azure
from realtime_lb.providers.entra import EntraTokens
from realtime_lb.records import HealthState, SessionOpened
from realtime_lb.typing import Secret
from tests.choosing.nodes import Stage, deployment, failing, play
from tests.providers.test_entra import Directory, azure

APPLICATION = EntraId(tenant_id="t", client_id="c", client_secret=Secret("s-1"))


async def test_a_refused_token_is_dropped_and_another_fetched() -> None:
    """Azure-identity keeps tokens inside its credential, so that goes, too; it is closed with the rest."""
    directory = Directory()
    adapter = Azure(EntraTokens(directory))
    await adapter.credentials(azure(APPLICATION))
    assert adapter.forget_credentials(azure(APPLICATION))
    await adapter.credentials(azure(APPLICATION))
    assert len(directory.opened) == 2
    assert [credential.closed for credential in directory.opened] == [0, 0]
    await adapter.aclose()
    assert [credential.closed for credential in directory.opened] == [1, 1]


def test_a_key_is_all_there_is() -> None:
    keyed = Deployment(id="d", model_group="v", model="m", provider="azure", api_key=Secret("k"))
    fixed = Deployment(id="d", model_group="v", model="m", provider="azure", azure_ad_token=Secret("t"))
    assert not Azure().forget_credentials(keyed)
    assert not Azure().forget_credentials(fixed)


def test_a_token_that_was_revoked_is_replaced_within_the_same_dial() -> None:
    """The client waits a little longer; nobody is ejected, nobody else is dialled."""

    async def token() -> str:
        issued.append(f"token-{len(issued)}")
        return issued[-1]

    issued: list[str] = []

    async def scene(stage: Stage) -> None:
        answers: Iterator[float | DialError] = iter([HandshakeRefused(401), 0.0])
        stage.nodes["a"].answer = lambda: next(answers)
        async with stage.router.connect("voice"):
            pass
        await asyncio.sleep(0)
        (opened,) = (r for r in stage.told if isinstance(r, SessionOpened))
        assert [(a.deployment, a.outcome) for a in opened.attempts] == [("a", "accepted")]
        assert issued == ["token-0", "token-1"]

    entra = Deployment(
        id="a",
        model_group="voice",
        model="m",
        provider="azure",
        api_base="https://a.test",
        token_provider=token,
        order=1,
    )
    play(scene, entra, deployment("b", order=2))


def test_a_key_that_is_refused_parks_every_deployment_that_uses_it() -> None:
    async def scene(stage: Stage) -> None:
        async with stage.router.connect("voice"):
            pass
        states = {d.id: d.standing.state for d in stage.router.snapshot().deployments}
        assert states == {
            "a": HealthState.PARKED,
            "same-key": HealthState.PARKED,
            "b": HealthState.ELIGIBLE,
        }
        await asyncio.sleep(3600)
        for _ in range(10):
            async with stage.router.connect("voice"):
                pass
        assert stage.nodes["a"].dials == 1

    shared = Secret("key-of-both")
    play(
        scene,
        evolve(deployment("a", order=1), api_key=shared),
        evolve(deployment("same-key", model_group="other"), api_key=shared, api_base="http://a.test/v1"),
        deployment("b", order=2),
        answers={"a": failing(lambda: HandshakeRefused(401))},
    )


def test_a_group_without_any_good_key_says_so_at_once_and_finds_a_mended_one() -> None:
    async def scene(stage: Stage) -> None:
        for _ in range(2):  # the second one is the probe
            with pytest.raises(AllUpstreamsFailed):
                async with stage.router.connect("voice"):
                    pass
        with pytest.raises(GroupDown):
            async with stage.router.connect("voice"):
                pass
        for node in stage.nodes.values():
            node.answer = lambda: 0.0
        await asyncio.sleep(1)
        async with stage.router.connect("voice"):
            pass

    play(
        scene,
        deployment("a"),
        deployment("b"),
        answers={"a": failing(lambda: HandshakeRefused(401)), "b": failing(lambda: HandshakeRefused(401))},
    )


def test_a_credential_that_cannot_be_had_is_a_failure_of_its_deployment_alone() -> None:
    async def no_token() -> str:
        raise CredentialUnavailable("the directory is away")

    async def scene(stage: Stage) -> None:
        async with stage.router.connect("voice"):
            pass
        await asyncio.sleep(0)
        (opened,) = (r for r in stage.told if isinstance(r, SessionOpened))
        assert [a.deployment for a in opened.attempts] == ["a", "b"]

    entra = Deployment(
        id="a",
        model_group="voice",
        model="m",
        provider="azure",
        api_base="https://a.test",
        token_provider=no_token,
        order=1,
    )
    play(scene, entra, deployment("b", order=2))


def refused_later(stage: Stage) -> None:
    stage.nodes["a"].answer = lambda: HandshakeRefused(401)


async def dials_at(stage: Stage, *moments_s: float) -> list[int]:
    """How often *a* was dialled by each of these seconds from now."""
    begin_s, dials = stage.now(), []
    for moment_s in moments_s:
        await asyncio.sleep(begin_s + moment_s - stage.now())
        dials.append(stage.nodes["a"].dials)
    return dials


def test_a_refused_key_is_shown_once_more_where_sessions_would_have_to_leave_it() -> None:
    async def scene(stage: Stage) -> None:
        async with stage.router.connect("voice"):
            refused_later(stage)
            async with stage.router.connect("voice"):
                assert await dials_at(stage, 0, 4.9, 5.1, 3600) == [2, 2, 3, 3]

    play(scene, deployment("a", order=1), deployment("b", order=2))


def test_looks_that_say_nothing_come_less_and_less_often_and_end_with_the_sessions() -> None:
    async def scene(stage: Stage) -> None:
        async with stage.router.connect("voice"):
            refused_later(stage)
            async with stage.router.connect("voice"):
                stage.nodes["a"].answer = lambda: UpstreamUnreachable("no")
                looks = await dials_at(stage, 5.1, 14.9, 15.1, 34.9, 35.1, 3600)
                assert looks[:5] == [3, 3, 4, 4, 5]
                assert looks[5] == pytest.approx(5 + 3565 / 60, abs=2)
        await asyncio.sleep(3600)
        assert stage.nodes["a"].dials == looks[5]

    play(scene, deployment("a", order=1), deployment("b", order=2))


def test_a_token_that_cannot_be_had_was_refused_by_nobody() -> None:
    async def token() -> str:
        if stage_is_set:
            raise CredentialUnavailable("the directory is away")
        return "token"

    stage_is_set: list[bool] = []

    async def scene(stage: Stage) -> None:
        async with stage.router.connect("voice"):
            stage_is_set.append(True)
            async with stage.router.connect("voice"):
                assert await dials_at(stage, 0, 60) == [1, 1]
                assert stage.leases() == {"a": 1, "b": 1}

    entra = evolve(deployment("a", order=1), api_key=None, token_provider=token, provider="azure")
    play(scene, entra, deployment("b", order=2))


def test_nobody_is_dialled_for_a_live_session_where_all_have_the_same_refused_key() -> None:
    async def scene(stage: Stage) -> None:
        async with stage.router.connect("voice"):
            refused_later(stage)
            with pytest.raises(AllUpstreamsFailed):
                async with stage.router.connect("voice"):
                    pass
            before, looked, after = await dials_at(stage, 0, 5.1, 600)
            assert (looked, after) == (before + 1, before + 1)

    twin = evolve(deployment("twin"), api_key=Secret("key-of-a"), api_base="http://a.test/v1")
    play(scene, deployment("a"), twin)
