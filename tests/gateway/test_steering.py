"""What a client's headers say of where it wants to go, as the door reads it."""

from typing import Any

import pytest

from realtime_lb import RoutingSettings
from tests.support import UPGRADE, Gateway, deployment, gateway, greet_and_echo, upstream

CALLERS = 12


async def placed(gate: Gateway, headers: dict[str, str]) -> str:
    """Open a session with *headers*, and return where it went."""
    before = len(gate.told.opened)
    async with gate.open(headers=headers) as client:
        await client.receive()
        await gate.told.until(lambda: len(gate.told.opened) > before)
    return gate.told.opened[-1].deployment


async def refused(gate: Gateway, headers: Any) -> tuple[int, str]:
    """Return the status and the code of a refusal."""
    async with gate.http.get(
        gate.url + "/v1/realtime?model=voice", headers=[*UPGRADE.items(), *headers]
    ) as response:
        return response.status, (await response.json())["error"]["code"]


async def test_one_affinity_goes_to_one_deployment_and_several_to_several() -> None:
    async with (
        upstream(greet_and_echo) as url,
        gateway(*(deployment(name, url) for name in "abc")) as gate,
    ):
        places = [
            {await placed(gate, {"x-session-affinity": f"caller-{n}"}) for _ in range(3)}
            for n in range(CALLERS)
        ]
        asked = [gate.router.explain("voice", affinity=f"caller-{n}").picked for n in range(CALLERS)]
    assert [len(place) for place in places] == [1] * CALLERS
    assert [place.pop() for place in places] == asked
    assert len(set(asked)) > 1


@pytest.mark.parametrize(
    ("tags", "place"),
    [("eu", "eu"), ("us", "us"), (" , eu ,", "eu"), (",", "plain"), ("x" * 256 + ",us", "us")],
)
async def test_tags_leave_the_deployments_that_have_one(tags: str, place: str) -> None:
    async with (
        upstream(greet_and_echo) as url,
        gateway(
            deployment("eu", url, tags=("eu",)),
            deployment("us", url, tags=("us",)),
            deployment("plain", url, tags=("default",)),
            routing=RoutingSettings(tag_filtering=True),
        ) as gate,
    ):
        assert await placed(gate, {"x-litellm-tags": tags}) == place


async def test_as_much_as_is_allowed_is_taken() -> None:
    headers = {"x-session-affinity": "a" * 256, "x-litellm-tags": ",".join(["t" * 100] * 50)}
    async with upstream(greet_and_echo) as url, gateway(deployment("a", url)) as gate:
        assert await placed(gate, headers) == "a"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ([("x-session-affinity", "a" * 257)], "invalid_affinity"),
        ([("x-session-affinity", "a"), ("x-session-affinity", "b")], "duplicate_parameter"),
        ([("x-litellm-tags", "t" * 257)], "invalid_tags"),
        ([("x-litellm-tags", ",".join("t" * 51))], "invalid_tags"),
        ([("x-litellm-tags", ",".join("t" * 30)), ("x-litellm-tags", ",".join("u" * 30))], "invalid_tags"),
    ],
)
async def test_more_than_is_allowed_is_refused_before_any_dial(
    headers: list[tuple[str, str]], code: str
) -> None:
    async with gateway(deployment("a", "http://127.0.0.1:1")) as gate:
        assert await refused(gate, headers) == (400, code)
    assert gate.told.all == []
