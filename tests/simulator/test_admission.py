"""Who gets in, by the rules of either vendor, over real sockets."""

from __future__ import annotations

import ssl
from typing import Any

import aiohttp
import pytest
import trustme

from realtime_lb.simulator import Face, SimulatedSession, Simulator
from realtime_lb.typing import Dialect
from tests.simulator.talk import PREVIEW, Talk, call, talk

V1 = "/openai/v1/realtime"
DATED = "/openai/realtime?api-version=2025-04-01-preview&deployment="


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/realtime", "missing_model"),
        ("/v1/realtime?model=", "missing_model"),
        ("/v1/realtime?intent=realtime", "missing_model"),
        ("/v1/realtime?intent=chat&model=gpt-realtime", "invalid_intent"),
        ("/v1/realtime?intent=transcription&model=gpt-realtime", "invalid_model"),
        ("/v1/realtime?call_id=rtc_1&model=gpt-realtime", "invalid_model"),
        ("/v1/realtime?model=gpt-realtime-whisper", "invalid_model"),
        ("/v1/realtime?model=gpt-4o", "model_not_found"),
        ("/v1/realtime?model=gpt-4o-realtime-preview", "model_not_found"),
        ("/v1/realtime?model=gpt%20realtime", "model_not_found"),
    ],
)
async def test_openai_upgrades_first_and_refuses_then(path: str, code: str) -> None:
    async with Simulator(Face.OPENAI, calls={"rtc_1"}) as simulator, call(simulator, path) as client:
        event = await client.hear()
        assert (event["type"], event["error"]["code"]) == ("error", code)
        assert await client.closed() == (4000, f"invalid_request_error.{code}")
        assert simulator.sessions == ()


@pytest.mark.parametrize("key", ["Bearer wrong", "Bearer ", "Basic sk-sim"])
async def test_openai_closes_3000_on_a_bad_key(key: str) -> None:
    async with Simulator() as simulator, call(simulator, Authorization=key) as client:
        assert (await client.hear())["error"]["code"] == "invalid_api_key"
        assert await client.closed() == (3000, "invalid_request_error.invalid_api_key")


@pytest.mark.parametrize(
    "headers",
    [{"OpenAI-Beta": "realtime=v1"}, {"Sec-WebSocket-Protocol": "realtime, openai-beta.realtime-v1"}],
)
async def test_openai_no_longer_speaks_beta(headers: dict[str, str]) -> None:
    async with Simulator() as simulator, call(simulator, **headers) as client:
        assert (await client.hear())["error"]["code"] == "beta_api_shape_disabled"
        assert await client.closed() == (4000, "invalid_request_error.beta_api_shape_disabled")


async def test_a_browser_brings_its_key_as_a_subprotocol() -> None:
    async with Simulator() as simulator, aiohttp.ClientSession() as http:
        url = f"{simulator.base_url}/v1/realtime?model=gpt-realtime"
        protocols = ("realtime", "openai-insecure-api-key.sk-sim", "openai-project.p")
        async with http.ws_connect(url, protocols=protocols) as ws:
            assert ws.protocol == "realtime"
            assert (await ws.receive_json())["type"] == "session.created"
        (dial,) = simulator.dials
        assert dial.subprotocols == ("realtime", "openai-project.p")
        assert dial.credential_sources == ("subprotocol",)
        assert "sk-sim" not in repr(dial)


async def test_a_known_call_can_be_joined() -> None:
    async with Simulator(calls={"rtc_1"}) as simulator:
        async with call(simulator, "/v1/realtime?call_id=rtc_1") as client:
            await client.until("session.created")
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with call(simulator, "/v1/realtime?call_id=rtc_2"):
                pass
        assert refused.value.status == 404


async def refused(simulator: Simulator, path: str, **headers: str) -> tuple[int, Any]:
    """Ask for an upgrade by hand, so that the body can be read."""
    asking = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    async with (
        aiohttp.ClientSession() as http,
        http.get(simulator.base_url + path, headers=asking | headers) as response,
    ):
        return response.status, (await response.json())["error"]["code"]


@pytest.mark.parametrize(
    ("path", "headers", "answer"),
    [
        (f"{V1}?model=d", {}, (401, "401")),
        (f"{V1}?model=d", {"api-key": "wrong"}, (401, "401")),
        (f"{V1}?model=d", {"Authorization": "Bearer wrong"}, (401, "401")),
        (f"{V1}?model=d&api-key=wrong", {}, (401, "401")),
        (f"{V1}?model=d&api-version=2025-04-01-preview", {"api-key": "sk-sim"}, (401, "401")),
        (f"{V1}?model=other", {"api-key": "sk-sim"}, (404, "DeploymentNotFound")),
        (f"{V1}?model=whisper", {"api-key": "sk-sim"}, (400, "OpperationNotSupported")),
        (V1, {"api-key": "sk-sim"}, (400, "BadRequest")),
        (f"{V1}?model=d&intent=transcription", {"api-key": "sk-sim"}, (400, "BadRequest")),
        (f"{V1}?intent=chat", {"api-key": "sk-sim"}, (400, "invalid_intent")),
        (f"{V1}?call_id=rtc_9", {"api-key": "sk-sim"}, (404, "404")),
        (f"{DATED}d", {"Authorization": "Bearer sk-sim"}, (401, "401")),
        (f"{DATED}other", {"api-key": "sk-sim"}, (404, "DeploymentNotFound")),
        (f"{DATED}d&intent=chat", {"api-key": "sk-sim"}, (400, "invalid_intent")),
        (f"{DATED}other&intent=transcription", {"api-key": "sk-sim"}, (404, "DeploymentNotFound")),
        ("/openai/realtime?deployment=d", {"api-key": "sk-sim"}, (404, "404")),
        (
            "/openai/realtime?api-version=2024-10-01-preview&deployment=d",
            {"api-key": "sk-sim"},
            (400, "BadRequest"),
        ),
        ("/v1/realtime?model=d", {"api-key": "sk-sim"}, (404, "404")),
        (f"{V1}?model=d", {"api-key": "sk-sim"} | {f"X-Custom-{n}": "x" for n in range(11)}, (431, "431")),
    ],
)
async def test_azure_refuses_with_a_status(
    path: str, headers: dict[str, str], answer: tuple[int, str]
) -> None:
    async with Simulator(Face.AZURE, models={"d", "whisper"}) as simulator:
        assert await refused(simulator, path, **headers) == answer
        assert len(simulator.dials) == 1


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (f"{V1}?model=d", {"api-key": "sk-sim"}),
        (f"{V1}?model=d&api-key=sk-sim", {}),
        (f"{V1}?model=d", {"Authorization": "Bearer sk-sim"}),
        (f"{V1}?model=d", {"Authorization": "Bearer entra"}),
        (f"{V1}?model=d", {"api-key": "sk-sim"} | {f"X-Custom-{n}": "x" for n in range(10)}),
        (f"{V1}?call_id=rtc_1", {"api-key": "sk-sim"}),
        (PREVIEW, {"Authorization": "Bearer entra"}),
    ],
)
async def test_azure_takes_each_credential_it_documents(path: str, headers: dict[str, str]) -> None:
    async with (
        Simulator(Face.AZURE, entra_tokens={"entra"}, calls={"rtc_1"}) as simulator,
        aiohttp.ClientSession() as http,
        http.ws_connect(simulator.base_url + path, headers=headers) as ws,
    ):
        assert (await ws.receive_json())["type"] == "session.created"
        assert "api-key" not in simulator.dials[0].query


async def test_openai_answers_other_paths_and_plain_requests() -> None:
    async with Simulator(models={"mine"}) as simulator, aiohttp.ClientSession() as http:
        keys = {"Authorization": "Bearer sk-sim"}
        for path, status in [("/v2/realtime", 404), ("/v1/realtime?model=mine", 426)]:
            async with http.get(simulator.base_url + path, headers=keys) as response:
                assert response.status == status
        async with call(simulator, "/v1/realtime?model=mine") as client:
            created = (await client.until("session.created"))[-1]["session"]
            assert created["model"] == "mine"


async def test_it_serves_tls() -> None:
    authority = trustme.CA()
    served, trusting = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(served)
    authority.configure_trust(trusting)
    async with Simulator(ssl_context=served) as simulator, aiohttp.ClientSession() as http:
        url = f"{simulator.base_url}/v1/realtime?model=gpt-realtime"
        assert url.startswith("https://127.0.0.1:")
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await http.get(url)
        connector = aiohttp.TCPConnector(ssl=trusting)
        async with aiohttp.ClientSession(connector=connector) as trusted:
            headers = {"Authorization": "Bearer sk-sim"}
            async with trusted.ws_connect(url, headers=headers) as ws:
                assert (await ws.receive_json())["type"] == "session.created"


async def test_a_simulator_shows_its_live_and_its_past_sessions() -> None:
    async with talk() as (client, simulator):
        session_id = client.opening[0]["session"]["id"]
        (live,) = simulator.sessions
        assert isinstance(live, SimulatedSession)
        assert simulator.session(session_id) is live
        assert session_id in repr(live)
        await client.ws.close()
        await simulator.wait_until_empty()
        with pytest.raises(KeyError):
            simulator.session("sess_unknown")
        assert simulator.session(session_id).dial == simulator.dials[0]


async def test_a_simulator_that_does_not_run_says_so() -> None:
    simulator = Simulator(host="::1", port=1)
    with pytest.raises(RuntimeError, match="async with"):
        _ = simulator.sessions
    assert simulator.base_url == "http://[::1]:1"


async def test_a_simulator_that_stops_says_goodbye() -> None:
    async with aiohttp.ClientSession() as http:
        async with Simulator() as simulator:
            url = f"{simulator.base_url}/v1/realtime?model=gpt-realtime"
            ws = await http.ws_connect(url, headers={"Authorization": "Bearer sk-sim"})
            await ws.receive_json()
        assert (await Talk(ws, Dialect.GA).closed())[0] == 1001
