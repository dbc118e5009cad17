"""``/health`` and ``/model/info`` tell which deployments are out of use, why, and for how long."""

from collections.abc import Sequence
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.support import Gateway, deployment, gateway, greet_and_echo, http_server, upstream


async def page(gate: Gateway, path: str) -> Any:
    async with gate.http.get(gate.url + path) as response:
        return await response.json()


def ids(endpoints: Sequence[dict[str, Any]]) -> list[str]:
    return [endpoint["model_id"] for endpoint in endpoints]


@pytest.mark.parametrize(
    ("status", "headers", "state", "reason", "at_most_s"),
    [
        (429, {"Retry-After": "60"}, "cooldown", "rate_limited", 60.0),
        (401, {}, "parked", "bad_credential", None),
    ],
)
async def test_who_refused_is_unhealthy_and_the_others_are_not(
    status: int, headers: dict[str, str], state: str, reason: str, at_most_s: float | None
) -> None:
    async def refuse(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    async with (
        upstream(greet_and_echo) as good,
        http_server(refuse) as bad,
        gateway(deployment("bad", bad, order=1), deployment("good", good, order=2)) as gate,
    ):
        before = await page(gate, "/health")
        async with gate.open() as client:
            await client.receive()
        health = await page(gate, "/health")
        infos = {i["model_info"]["id"]: i["model_info"] for i in (await page(gate, "/model/info"))["data"]}
    assert (before["healthy_count"], before["unhealthy_endpoints"]) == (2, [])
    assert (health["healthy_count"], health["unhealthy_count"]) == (1, 1)
    assert ids(health["healthy_endpoints"]) == ["good"]
    (out,) = health["unhealthy_endpoints"]
    assert set(health["healthy_endpoints"][0]) | {"state", "reason", "left_s"} == set(out)
    for told in (out, infos["bad"]):
        assert (told["state"], told["reason"]) == (state, reason)
        assert (told["left_s"] is None) if at_most_s is None else (0 < told["left_s"] <= at_most_s)
    assert (infos["good"]["state"], infos["good"]["reason"]) == ("eligible", "ok")


async def test_who_fails_again_and_again_is_ejected_for_a_while() -> None:
    async with (
        upstream(greet_and_echo) as good,
        gateway(
            deployment("bad", "http://127.0.0.1:1/v1", order=1), deployment("good", good, order=2)
        ) as gate,
    ):
        for _ in range(3):
            async with gate.open() as client:
                assert (await client.receive()).type is aiohttp.WSMsgType.TEXT
        health = await page(gate, "/health")
    (out,) = health["unhealthy_endpoints"]
    assert (out["model_id"], out["state"], out["reason"]) == ("bad", "ejected", "unreachable")
    assert out["left_s"] > 0
