"""What an operator is told, on a port of its own: where a session would go, and which are live."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from realtime_lb import RoutingSettings, Secret, ServerSettings
from realtime_lb.abc import Candidate, Pick
from realtime_lb.requests import Principal, SessionRequest
from realtime_lb.router import RealtimeRouter
from realtime_lb.server import create_admin_app, listening_admin
from realtime_lb.settings import Settings
from tests.support import Gateway, deployment, gateway, greet_and_echo, http_server, upstream

KEY = "sk-master-0123456789"
LOCKED = ServerSettings(master_key=Secret(KEY))
NOWHERE = "http://127.0.0.1:1"
ROUTES = ("/admin/explain?model=voice", "/admin/sessions")


@asynccontextmanager
async def asking(gate: Gateway, path: str, **options: Any) -> AsyncIterator[aiohttp.ClientResponse]:
    async with (
        listening_admin(gate.router) as admin,
        gate.http.get(admin + path, **options) as response,
    ):
        yield response


async def test_it_tells_where_the_next_session_goes_and_why_nobody_else_gets_it() -> None:
    async with (
        upstream(greet_and_echo) as url,
        gateway(
            deployment("full", url, order=1, max_sessions=1),
            deployment("best", url, order=2),
            deployment("later", url, order=3),
            deployment("spare", url, model_group="spare"),
            routing=RoutingSettings(fallbacks={"voice": ("spare",)}),
        ) as gate,
        gate.open() as client,
    ):
        await client.receive()
        async with asking(gate, "/admin/explain?model=voice") as response:
            told = await response.json()
    assert (told["picked"], told["model_group"], told["fallbacks"]) == ("best", "voice", ["spare"])
    assert {c["deployment"]: c["excluded"] for c in told["candidates"]} == {
        "full": "full",
        "best": "",
        "later": "order",
    }
    full = told["candidates"][0]
    assert (full["live_sessions"], full["max_sessions"], full["score"]) == (1, 1, None)
    assert full["standing"] == {"state": "eligible", "reason": "ok", "left_s": None, "last_resort": False}


async def test_an_upstream_that_said_to_wait_is_shown_with_the_time_that_is_left() -> None:
    async def refuse(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=429, headers={"Retry-After": "60"})

    async with (
        http_server(refuse) as url,
        gateway(deployment("a", url)) as gate,
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await gate.open()
        async with asking(gate, "/admin/explain?model=voice") as response:
            told = await response.json()
    standing = told["candidates"][0]["standing"]
    assert (standing["state"], standing["reason"]) == ("cooldown", "rate_limited")
    assert 0 < standing["left_s"] <= 60
    assert told["picked"] is None
    assert told["refusal"]


async def test_tags_and_affinity_count_as_they_do_at_the_door() -> None:
    pool = (deployment("eu", NOWHERE, tags=("eu",)), deployment("us", NOWHERE, tags=("us",)))
    async with gateway(*pool, routing=RoutingSettings(tag_filtering=True)) as gate:
        async with asking(gate, "/admin/explain?model=voice&tags=us,&affinity=x") as response:
            told = await response.json()
        async with asking(gate, "/admin/explain?model=voice&affinity=" + 257 * "x") as response:
            refused = response.status, (await response.json())["error"]["code"]
    assert told["picked"] == "us"
    assert told["lower_is_better"] is False, "the numbers are those of the affinity"
    assert [c["excluded"] for c in told["candidates"]] == ["tags", ""]
    assert refused == (400, "invalid_affinity")


async def test_live_sessions_are_listed_with_their_callers() -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    async with (
        upstream(greet_and_echo) as url,
        gateway(deployment("a", url), server=LOCKED) as gate,
        gate.open(headers=headers) as client,
    ):
        await client.receive()
        async with asking(gate, "/admin/sessions", headers=headers) as response:
            text = await response.text()
    (session,) = json.loads(text)["sessions"]
    assert (session["deployment"], session["model_group"]) == ("a", "voice")
    assert session["client_address"] == "127.0.0.1"
    assert session["usage"]["responses"] == 0
    assert KEY not in text
    assert "upstream-key" not in text


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer sk-wrong"}])
async def test_where_there_is_a_master_key_it_is_needed(route: str, headers: dict[str, str]) -> None:
    async with gateway(deployment("a", NOWHERE), server=LOCKED) as gate:
        async with asking(gate, route, headers=headers) as response:
            assert response.status == 401
            assert (await response.json())["error"]["code"] == "invalid_api_key"
        async with asking(gate, route, headers={"api-key": KEY}) as response:
            assert response.status == 200


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example:4001"}])
async def test_without_a_key_no_web_page_reads_it(route: str, headers: dict[str, str]) -> None:
    """Neither from a page of another origin, nor from one whose name has come to mean this machine."""
    async with gateway(deployment("a", NOWHERE)) as gate:
        async with asking(gate, route, headers=headers) as response:
            assert response.status == 403
        for host in ("127.0.0.1", "[::1]:4001", "localhost:4001"):
            async with asking(gate, route, headers={"Host": host}) as response:
                assert response.status == 200


async def test_a_model_that_nobody_has_is_a_404_in_the_usual_shape() -> None:
    async with gateway(deployment("a", NOWHERE)) as gate:
        async with asking(gate, "/admin/explain?model=nope") as response:
            assert response.status == 404
            assert (await response.json())["error"]["code"] == "model_not_found"
        async with asking(gate, "/admin/explain") as response:
            assert response.status == 400


async def test_the_public_port_knows_nothing_of_it() -> None:
    async with gateway(deployment("a", NOWHERE)) as gate:
        for route in ROUTES:
            async with gate.http.get(gate.url + route) as response:
                assert response.status == 404


async def test_closing_it_leaves_the_router_open() -> None:
    async with upstream(greet_and_echo) as url, gateway(deployment("a", url)) as gate:
        async with listening_admin(gate.router):
            pass
        async with gate.open() as client:
            await client.receive()


class Boundless:
    """A strategy whose scores no JSON number can say."""

    def pick(self, candidates: Any, request: SessionRequest, /) -> Pick:
        first: Candidate = candidates[0]
        scores = {c.deployment.id: float(c.deployment.id) for c in candidates}
        return Pick(candidate=first, scores=scores, lower_is_better=True)


async def test_numbers_that_json_does_not_have_are_null() -> None:
    pool = tuple(deployment(name, NOWHERE) for name in ("nan", "inf", "-inf", "1.5"))
    async with (
        RealtimeRouter(Settings(deployments=pool), strategy=Boundless(), sinks=()) as router,
        listening_admin(router) as admin,
        aiohttp.ClientSession() as http,
        http.get(admin + ROUTES[0]) as response,
    ):
        told = json.loads(await response.text(), parse_constant=pytest.fail)
    assert [c["score"] for c in told["candidates"]] == [None, None, None, 1.5]


class Ops:
    async def authenticate(self, _key: Secret | None) -> Principal:
        return Principal("ops")


async def test_an_authenticator_of_ones_own_decides_here_too() -> None:
    async with gateway(deployment("a", NOWHERE), server=LOCKED) as gate:
        app = create_admin_app(gate.router, Ops())
        assert sorted(r.resource.canonical for r in app.router.routes() if r.resource) == [
            "/admin/explain", "/admin/explain", "/admin/sessions", "/admin/sessions",
        ]  # fmt: skip
        async with (
            listening_admin(gate.router, authenticator=Ops()) as admin,
            gate.http.get(admin + ROUTES[1]) as response,
        ):
            assert response.status == 200
