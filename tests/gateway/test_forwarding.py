"""What an upstream sees of a client: its safety identifier, and nothing else."""

import pytest
from aiohttp import web

from realtime_lb import Deployment, Secret, ServerSettings
from tests.support import SESSION_CREATED, deployment, gateway, http_server

pytestmark = pytest.mark.usefixtures("each_lane")

CLIENTS_HEADERS = {
    "Authorization": "Bearer sk-client",
    "api-key": "sk-client",
    "OpenAI-Organization": "org-client",
    "OpenAI-Project": "proj-client",
    "Cookie": "session=client",
    "X-Forwarded-For": "203.0.113.9",
    "User-Agent": "client/1",
    "X-Stainless-Lang": "python",
    "X-Custom": "client",
    "x-session-affinity": "client-7",
    "x-litellm-tags": "client,eu",
    "OpenAI-Safety-Identifier": "user-42",
}


class Seen:
    """Answers a handshake and keeps it."""

    def __init__(self) -> None:
        self.path = ""
        self.headers: dict[str, str] = {}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.path = str(request.rel_url)
        self.headers = dict(request.headers)
        websocket = web.WebSocketResponse(protocols=("realtime",))
        await websocket.prepare(request)
        await websocket.send_str(SESSION_CREATED)
        await websocket.receive()
        return websocket


HANDSHAKE = {
    "Host", "Upgrade", "Connection", "Sec-WebSocket-Version", "Sec-WebSocket-Key", "Authorization",
}  # fmt: skip


async def test_only_the_safety_identifier_of_a_clients_headers_goes_upstream() -> None:
    seen = Seen()
    async with (
        http_server(seen.answer) as url,
        gateway(deployment("a", url)) as gate,
        gate.open(headers=CLIENTS_HEADERS, protocols=("realtime", "openai-insecure-api-key.x")) as client,
    ):
        await client.receive()
    assert set(seen.headers) == HANDSHAKE | {"OpenAI-Safety-Identifier"}
    assert seen.headers["OpenAI-Safety-Identifier"] == "user-42"
    assert seen.headers["Authorization"] == "Bearer upstream-key"
    assert "client" not in str(seen.headers)


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("model=voice", "/v1/realtime?model=gpt-realtime"),
        ("model=voice&intent=transcription", "/v1/realtime?intent=transcription"),
        ("model=voice&call_id=rtc_1", "/v1/realtime?call_id=rtc_1"),
        ("model=voice&api-version=2024-10-01-preview&deployment=", "/v1/realtime?model=gpt-realtime"),
        ("model=voice&foo=bar&temperature=2", "/v1/realtime?model=gpt-realtime"),
    ],
)
async def test_the_upstreams_address_is_made_from_the_configuration(query: str, path: str) -> None:
    seen = Seen()
    async with http_server(seen.answer) as url:
        pool = Deployment(
            id="a",
            model_group="voice",
            model="gpt-realtime",
            provider="openai",
            api_base=url,
            api_key=Secret("k"),
            organization="org-ours",
            extra_headers={"X-Team": Secret("ours")},
        )
        async with (
            gateway(pool, server=ServerSettings()) as gate,
            gate.open(f"/v1/realtime?{query}") as client,
        ):
            await client.receive()
    assert seen.path == path
    assert (seen.headers["OpenAI-Organization"], seen.headers["X-Team"]) == ("org-ours", "ours")
