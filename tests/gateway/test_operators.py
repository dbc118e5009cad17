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
ORDERS = ("/admin/drain?deployment=a", "/admin/readmit?deployment=a")


@asynccontextmanager
async def ordering(gate: Gateway, path: str, **options: Any) -> AsyncIterator[aiohttp.ClientResponse]:
    async with (
        listening_admin(gate.router) as admin,
        gate.http.post(admin + path, **options) as response,
    ):
        yield response


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
        for method, route in [*(("GET", route) for route in ROUTES), *(("POST", order) for order in ORDERS)]:
            async with gate.http.request(method, gate.url + route) as response:
                assert response.status == 404


def excluded(gate: Gateway) -> dict[str, str]:
    return {c.deployment: c.excluded for c in gate.router.explain("voice").candidates}


async def test_a_deployment_is_drained_and_readmitted_and_the_answer_says_what_becomes_of_its_sessions() -> (
    None
):
    """Of two sessions one is relayed unread, and cannot be moved."""
    async with (
        upstream(greet_and_echo) as url,
        gateway(
            deployment("a", url, order=1, max_sessions=1),
            deployment("b", url, order=2, model_group="other", opaque=True),
        ) as gate,
        gate.open() as client,
        gate.open("/v1/realtime?model=other") as unread,
    ):
        await client.receive()
        await unread.receive()
        told = {}
        for name in ("a", "b"):
            async with ordering(gate, f"/admin/drain?deployment={name}") as response:
                assert response.status == 200
                told[name] = await response.json()
        assert told == {
            "a": {"deployment": "a", "moving": 1, "staying": 0},
            "b": {"deployment": "b", "moving": 0, "staying": 1},
        }
        assert excluded(gate) == {"a": "drained"}
        async with ordering(gate, "/admin/readmit?deployment=a") as response:
            assert (response.status, await response.json()) == (200, {"deployment": "a"})
        assert excluded(gate) == {"a": "full"}


@pytest.mark.parametrize("order", ORDERS)
async def test_an_order_needs_the_key_and_is_never_a_get(order: str) -> None:
    async with gateway(deployment("a", NOWHERE), server=LOCKED) as gate:
        for headers in ({}, {"Authorization": "Bearer sk-wrong"}):
            async with ordering(gate, order, headers=headers) as response:
                assert response.status == 401
        async with asking(gate, order, headers={"api-key": KEY}) as response:
            assert response.status == 405
        assert excluded(gate) == {"a": ""}
        async with ordering(gate, order, headers={"api-key": KEY}) as response:
            assert response.status == 200


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example:4001"}])
@pytest.mark.parametrize("order", ORDERS)
async def test_without_a_key_no_web_page_orders_anything(order: str, headers: dict[str, str]) -> None:
    async with gateway(deployment("a", NOWHERE)) as gate:
        async with ordering(gate, order, headers=headers) as response:
            assert (response.status, (await response.json())["error"]["code"]) == (403, "origin_not_allowed")
        assert excluded(gate) == {"a": ""}


async def test_a_web_page_that_may_open_sessions_may_not_order_anything_without_a_key() -> None:
    headers = {"Origin": "https://app.example"}
    server = ServerSettings(allowed_origins=frozenset(headers.values()))
    async with gateway(deployment("a", NOWHERE), server=server) as gate:
        async with asking(gate, ROUTES[0], headers=headers) as response:
            assert response.status == 200
        async with ordering(gate, ORDERS[0], headers=headers) as response:
            assert response.status == 403


@pytest.mark.parametrize("path", ["/admin/drain", "/admin/readmit"])
async def test_a_deployment_that_is_not_there_is_told_beside_those_that_are(path: str) -> None:
    async with gateway(deployment("a", NOWHERE), deployment("b", NOWHERE)) as gate:
        async with ordering(gate, f"{path}?deployment=nope") as response:
            assert response.status == 404
            text = await response.text()
        error = json.loads(text)["error"]
        assert error["code"] == "deployment_not_found"
        assert error["message"] == "The deployment 'nope' does not exist (known deployments: a, b)"
        assert "upstream-key" not in text
        assert NOWHERE not in text
        async with ordering(gate, path) as response:
            assert (response.status, (await response.json())["error"]["code"]) == (400, "missing_deployment")


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
            "/admin/drain", "/admin/explain", "/admin/explain", "/admin/readmit",
            "/admin/sessions", "/admin/sessions",
            "/health/liveliness", "/health/liveliness", "/health/liveness", "/health/liveness",
            "/health/readiness", "/health/readiness",
        ]  # fmt: skip
        async with (
            listening_admin(gate.router, authenticator=Ops()) as admin,
            gate.http.get(admin + ROUTES[1]) as response,
        ):
            assert response.status == 200
