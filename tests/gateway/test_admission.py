"""Who gets in, by which door and which key; and who is told no, before the upgrade, with a true status."""

from ipaddress import ip_network
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict

from realtime_lb import RoutingSettings, Secret, ServerSettings
from realtime_lb.abc import Authenticator
from realtime_lb.errors import Unauthenticated
from realtime_lb.requests import Principal
from realtime_lb.server import listening
from tests.support import SESSION_CREATED, UPGRADE, Gateway, deployment, gateway, greet_and_echo, upstream

pytestmark = pytest.mark.usefixtures("each_lane")

KEY = "sk-master-0123456789"
LOCKED = ServerSettings(master_key=Secret(KEY))


async def knock(gate: Gateway, path: str, **options: Any) -> tuple[int, str | None]:
    """Return the status, and the error's code if there is one."""
    headers = {**UPGRADE, **options.pop("headers", {})}
    async with gate.http.get(gate.url + path, headers=headers, **options) as response:
        if response.status == 101:
            response.close()
            return 101, None
        return response.status, (await response.json())["error"]["code"]


@pytest.mark.parametrize(
    ("headers", "subprotocols"),
    [
        ({"Authorization": f"Bearer {KEY}"}, ()),
        ({"Authorization": f"bearer   {KEY}"}, ()),
        ({"api-key": KEY}, ()),
        ({}, ("realtime", f"openai-insecure-api-key.{KEY}", "openai-agents-sdk.0.20")),
    ],
)
async def test_a_key_may_come_by_header_or_subprotocol_and_is_never_echoed(
    headers: dict[str, str], subprotocols: tuple[str, ...]
) -> None:
    async with (
        upstream(greet_and_echo) as url,
        gateway(deployment("a", url), server=LOCKED) as gate,
        gate.open(headers=headers, protocols=subprotocols) as client,
    ):
        assert (await client.receive()).data == SESSION_CREATED
        assert client.protocol == ("realtime" if subprotocols else None)
        assert KEY not in str(client._response.headers)
    assert KEY not in str(gate.told.all)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer sk-wrong"},
        {"Authorization": KEY},
        {"Authorization": f"Basic {KEY}"},
        {"api-key": KEY + "x"},
        {"api-key": "\u00e9" * 50},
        {"Sec-WebSocket-Protocol": "realtime, openai-insecure-api-key."},
    ],
)
async def test_without_the_right_key_there_is_a_401_and_no_dial(headers: dict[str, str]) -> None:
    async with gateway(deployment("a", "http://127.0.0.1:1"), server=LOCKED) as gate:
        assert await knock(gate, "/v1/realtime?model=voice", headers=headers) == (401, "invalid_api_key")
        for page in ("/health", "/v1/models", "/model/info"):
            async with gate.http.get(gate.url + page, headers=headers) as response:
                assert response.status == 401
        for page in ("/health/liveliness", "/health/readiness"):
            async with gate.http.get(gate.url + page) as response:
                assert response.status == 200
    assert gate.told.all == []


@pytest.mark.parametrize(("allowed", "status"), [(True, 101), (False, 401)])
async def test_a_key_in_the_query_counts_only_where_that_is_switched_on(allowed: bool, status: int) -> None:
    server = ServerSettings(master_key=Secret(KEY), allow_query_key=allowed)
    async with upstream(greet_and_echo) as url, gateway(deployment("a", url), server=server) as gate:
        assert (await knock(gate, f"/v1/realtime?model=voice&api-key={KEY}"))[0] == status


@pytest.mark.parametrize(
    ("server", "origin", "status"),
    [
        (ServerSettings(), None, 101),
        (ServerSettings(), "https://evil.example", 403),
        (ServerSettings(), "null", 403),
        (ServerSettings(allowed_origins=frozenset({"https://app.example"})), "https://app.example", 101),
        (ServerSettings(allowed_origins=frozenset({"https://app.example"})), "https://app.example.evil", 403),
        (ServerSettings(allowed_origins=frozenset({"https://app.example"})), "http://app.example", 403),
        (ServerSettings(allowed_origins=frozenset({"https://app.example"})), "https://APP.example", 403),
        (LOCKED, "https://any.example", 101),
    ],
)
async def test_web_pages_need_a_key_or_a_place_on_the_list(
    server: ServerSettings, origin: str | None, status: int
) -> None:
    headers = {"Authorization": f"Bearer {KEY}"} | ({"Origin": origin} if origin else {})
    async with upstream(greet_and_echo) as url, gateway(deployment("a", url), server=server) as gate:
        assert (await knock(gate, "/v1/realtime?model=voice", headers=headers))[0] == status


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/v1/realtime?model=voice", (101, None)),
        ("/realtime?model=voice", (101, None)),
        ("/openai/v1/realtime?model=voice", (101, None)),
        ("/openai/realtime?deployment=voice", (101, None)),
        ("/openai/realtime?api-version=2025-04-01-preview&deployment=voice", (101, None)),
        ("/v1/realtime?intent=transcription&model=voice", (101, None)),
        ("/v1/realtime?model=nope", (404, "model_not_found")),
        ("/v1/realtime", (400, "missing_model")),
        ("/v1/realtime?intent=transcription", (400, "missing_model")),
        ("/v1/realtime?model=voice&intent=x", (400, "invalid_intent")),
        ("/v1/realtime?model=voice&model=other", (400, "duplicate_parameter")),
    ],
)
async def test_every_address_that_clients_know_leads_somewhere(
    path: str, answer: tuple[int, str | None]
) -> None:
    async with upstream(greet_and_echo) as url, gateway(deployment("a", url)) as gate:
        assert await knock(gate, path) == answer


async def test_a_request_without_a_model_gets_the_configured_default() -> None:
    routing = RoutingSettings(default_model="voice")
    async with upstream(greet_and_echo) as url, gateway(deployment("a", url), routing=routing) as gate:
        assert (await knock(gate, "/v1/realtime?intent=transcription"))[0] == 101


@pytest.mark.parametrize(
    "beta", [{"OpenAI-Beta": "realtime=v1"}, {"Sec-WebSocket-Protocol": "realtime, openai-beta.realtime-v1"}]
)
async def test_a_beta_client_may_be_placed_on_a_ga_upstream(beta: dict[str, str]) -> None:
    async with upstream(greet_and_echo) as url, gateway(deployment("a", url)) as gate:
        assert await knock(gate, "/v1/realtime?model=voice", headers=beta) == (101, None)


async def test_plain_http_is_told_to_upgrade_and_a_refused_upgrade_closes_the_connection() -> None:
    async with gateway(deployment("a", "http://127.0.0.1:1")) as gate:
        async with gate.http.get(gate.url + "/v1/realtime?model=voice") as response:
            assert response.status == 426
            assert response.headers["Connection"] == "close"
        assert (await knock(gate, "/v1/realtime?model=voice", headers={"Sec-WebSocket-Key": "short"}))[
            0
        ] == 426


@pytest.mark.parametrize(
    ("forwarded", "trusted", "logged"),
    [
        (None, (), "127.0.0.1"),
        ("203.0.113.9", (), "127.0.0.1"),
        ("203.0.113.9", ("127.0.0.0/8",), "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9, 10.0.0.7", ("127.0.0.0/8", "10.0.0.0/8"), "203.0.113.9"),
        ("10.0.0.7", ("127.0.0.0/8", "10.0.0.0/8"), "10.0.0.7"),
        ("garbage", ("127.0.0.0/8",), "garbage"),
        ("203.0.113.9, ::ffff:10.0.0.7", ("127.0.0.0/8", "10.0.0.0/8"), "203.0.113.9"),
        ("9" * 500, ("127.0.0.0/8",), "9" * 45),
    ],
)
async def test_the_log_names_the_client_that_trusted_proxies_vouch_for(
    forwarded: str | None, trusted: tuple[str, ...], logged: str
) -> None:
    server = ServerSettings(trusted_proxies=tuple(ip_network(network) for network in trusted))
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    async with (
        upstream(greet_and_echo) as url,
        gateway(deployment("a", url), server=server) as gate,
        gate.open(headers=headers) as client,
    ):
        await client.receive()
        await gate.told.until(lambda: bool(gate.told.opened))
        assert gate.told.opened[0].client_address == logged


class OneOfUs:
    """An authenticator of one's own."""

    async def authenticate(self, key: Secret | None) -> Principal:
        if key is None or not key.reveal().startswith("team-"):
            raise Unauthenticated
        return Principal(key.reveal().removeprefix("team-"))


async def test_an_authenticator_of_ones_own_decides_and_names_the_caller() -> None:
    own: Authenticator = OneOfUs()
    async with (
        upstream(greet_and_echo) as url,
        gateway(deployment("a", url)) as gate,
        listening(gate.router, authenticator=own) as address,
    ):
        path = address + "/v1/realtime?model=voice"
        async with gate.http.ws_connect(path, headers={"api-key": "team-red"}) as client:
            await client.receive()
            await gate.told.until(lambda: bool(gate.told.opened))
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            await gate.http.ws_connect(path, headers={"api-key": "stranger"})
    assert refusal.value.status == 401
    assert gate.told.opened[0].principal == "red"


async def test_model_lists_name_what_can_be_asked_for_and_no_secret() -> None:
    routing = RoutingSettings(group_aliases={"gpt-4o": "voice"})
    pool = (deployment("a", "http://127.0.0.1:1", order=1), deployment("b", "http://127.0.0.1:1"))
    async with gateway(*pool, routing=routing) as gate:
        pages = {}
        for page in ("/v1/models", "/model/info", "/health"):
            async with gate.http.get(gate.url + page) as response:
                pages[page] = await response.json()
    assert [model["id"] for model in pages["/v1/models"]["data"]] == ["voice", "gpt-4o"]
    assert [info["model_info"]["id"] for info in pages["/model/info"]["data"]] == ["a", "b"]
    assert pages["/health"]["healthy_count"] == 2
    assert "upstream-key" not in str(pages)


async def test_a_key_that_is_offered_as_the_only_subprotocol_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """aiohttp itself would log subprotocols that it does not know."""
    caplog.set_level("DEBUG")
    offered = {"Sec-WebSocket-Protocol": f"openai-insecure-api-key.{KEY}"}
    async with upstream(greet_and_echo) as url, gateway(deployment("a", url), server=LOCKED) as gate:
        assert (await knock(gate, "/v1/realtime?model=voice", headers=offered))[0] == 101
        wrong = {"Sec-WebSocket-Protocol": "openai-insecure-api-key.sk-almost"}
        assert (await knock(gate, "/v1/realtime?model=voice", headers=wrong))[0] == 401
    assert KEY not in caplog.text
    assert "sk-almost" not in caplog.text


async def test_subprotocols_may_come_in_several_lines() -> None:
    """RFC 6455, section 11.3.4."""
    headers = CIMultiDict(UPGRADE)
    headers.add("Sec-WebSocket-Protocol", "realtime")
    headers.add("Sec-WebSocket-Protocol", f"openai-insecure-api-key.{KEY}")
    async with (
        upstream(greet_and_echo) as url,
        gateway(deployment("a", url), server=LOCKED) as gate,
        gate.http.get(gate.url + "/v1/realtime?model=voice", headers=headers) as response,
    ):
        assert response.status == 101
        assert response.headers["Sec-WebSocket-Protocol"] == "realtime"
        response.close()


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("HEAD", UPGRADE, 405),
        ("POST", UPGRADE, 405),
        ("GET", {**UPGRADE, "Sec-WebSocket-Key": "\u00e9" * 24}, 426),
        ("GET", {**UPGRADE, "Sec-WebSocket-Version": "999"}, 426),
        ("GET", {**UPGRADE, "Upgrade": "notwebsocket"}, 426),
    ],
)
async def test_what_is_no_handshake_is_not_dialled(method: str, headers: dict[str, str], status: int) -> None:
    async with gateway(deployment("a", "http://127.0.0.1:1")) as gate:
        path = gate.url + "/v1/realtime?model=voice"
        async with gate.http.request(method, path, headers=headers) as response:
            assert response.status == status
    assert gate.told.all == []


async def test_nothing_is_compressed_though_a_client_offers_it() -> None:
    """A bomb of a megabyte would inflate to a gigabyte."""
    async with (
        upstream(greet_and_echo) as url,
        gateway(deployment("a", url)) as gate,
        gate.open(compress=15) as client,
    ):
        await client.receive()
        assert client.compress == 0


async def test_a_gateway_that_goes_away_lets_nobody_in() -> None:
    async with upstream(greet_and_echo) as url, gateway(deployment("a", url)) as gate:
        async with gate.http.get(gate.url + "/health/readiness") as answer:
            assert answer.status == 200
        await gate.router.aclose()
        assert await knock(gate, "/v1/realtime?model=voice") == (503, "shutting_down"), "on that connection"
        async with aiohttp.ClientSession() as another:
            with pytest.raises(aiohttp.ClientConnectorError):
                await another.get(gate.url + "/health/readiness")
