"""What goes upstream of eighty headers that a client may send: one, and nothing that is hidden in it."""

import asyncio
import logging
import re

import pytest

from realtime_lb import HealthSettings
from tests.solid.raw import UPGRADE, request, talk
from tests.solid.test_hosts import Heard
from tests.support import deployment, gateway, http_server

pytestmark = pytest.mark.usefixtures("each_lane")

OFF = HealthSettings(enabled=False)
SAFETY = "OpenAI-Safety-Identifier"
HANDSHAKE = {
    "Host", "Upgrade", "Connection", "Sec-WebSocket-Version", "Sec-WebSocket-Key", "Authorization",
}  # fmt: skip

log = logging.getLogger("figures")

CLIENTS = """
Authorization api-key X-Api-Key Ocp-Apim-Subscription-Key Proxy-Authorization Proxy-Authenticate
WWW-Authenticate Cookie Cookie2 Set-Cookie X-CSRF-Token X-Auth-Token X-Amz-Security-Token X-Goog-Api-Key
OpenAI-Organization OpenAI-Project OpenAI-Beta OpenAI-Version openai_safety_identifier OpenAI_Organization
OpenAI-Safety-Identifier-2 X-OpenAI-Safety-Identifier X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto
X-Forwarded-Port X-Forwarded-Prefix X-Forwarded-Server X-Forwarded-Client-Cert Forwarded Via X-Real-IP
X-Client-IP True-Client-IP CF-Connecting-IP X-Cluster-Client-IP X-Envoy-External-Address X-Original-URL
X-Original-Host X-Rewrite-URL X-HTTP-Method-Override X-Host Front-End-Https From Referer User-Agent
Accept Accept-Encoding Accept-Language Accept-Charset Cache-Control Pragma DNT Range If-None-Match
If-Modified-Since Max-Forwards TE Trailer Keep-Alive Proxy-Connection HTTP2-Settings Early-Data Content-Type
Origin-Agent-Cluster Sec-Fetch-Mode Sec-Fetch-Site Sec-CH-UA Sec-WebSocket-Extensions
Sec-WebSocket-Protocol Sec-WebSocket-Accept Sec-GPC Priority Traceparent Tracestate X-Request-ID
X-Correlation-ID X-Stainless-Lang X-Custom x-session-affinity x-litellm-tags x-litellm-api-key Location
""".split()  # noqa: SIM905  # eighty lines would say no more


async def handshakes(*heads: bytes) -> list[dict[str, str]]:
    """What the upstream is sent of *heads*."""
    heard = Heard()
    async with http_server(heard.answer) as url, gateway(deployment("a", url), health=OFF) as gate:
        await asyncio.gather(*(talk(gate.url, head) for head in heads))
    return [dict(asked.headers) for asked in heard.handshakes]


async def test_of_eighty_headers_one_goes_upstream() -> None:
    """Not those either that the client has named for this hop alone, nor those that it gives twice."""
    lines = [f"{name}: from-client" for name in CLIENTS]
    lines += [
        "Connection: X-Custom, Authorization",
        "Authorization: Bearer from-client",
        f"{SAFETY}: user-42",
    ]
    assert len(CLIENTS) >= 80
    (sent,) = await handshakes(request("GET /v1/realtime?model=voice HTTP/1.1", *UPGRADE, *lines))
    assert set(sent) == HANDSHAKE | {SAFETY}
    assert (sent[SAFETY], sent["Authorization"]) == ("user-42", "Bearer upstream-key")
    assert "from-client" not in str(sent)
    log.info("figure: E7 %d client headers, 1 sent on, credential replaced", len(CLIENTS) + 3)


HIDDEN = [
    "a\r\nX-Evil: 1",
    "a\nX-Evil: 1",
    "a\rX-Evil: 1",
    "a\r\n X-Evil: 1",
    "a\r\n\tX-Evil: 1",
    "a\r\n\r\nGET / HTTP/1.1\r\nX-Evil: 1",
    "a\x00X-Evil: 1",
    "a\x1b[31mX-Evil: 1",
    "a\x0bX-Evil: 1",
    "a\x85X-Evil: 1",
    "a\u2028X-Evil: 1".encode().decode("latin-1"),
    "a%0d%0aX-Evil: 1",
    "a\\r\\nX-Evil: 1",
    "a\u010a\u010d".encode().decode("latin-1"),
    "x" * 257,
    "x" * 1_000_000,
]


async def test_nothing_hidden_in_a_header_or_a_name_becomes_a_header_upstream() -> None:
    """In the one header that goes up, in those that do not, in the subprotocols and in the query."""
    places = (SAFETY, "User-Agent", "Sec-WebSocket-Protocol", "x-session-affinity", "OpenAI-Beta", "X-Evil2")
    heads = [
        request("GET /v1/realtime?model=voice HTTP/1.1", *UPGRADE, f"{place}: {value}")
        for place in places
        for value in HIDDEN
    ]
    for name in ("model", "call_id"):
        for text in ("%0d%0aX-Evil:1", "%0aX-Evil:1", "%00", "%1b[31m", "%e2%80%a8", "x" * 7000):
            heads.append(request(f"GET /v1/realtime?model=voice&{name}={text} HTTP/1.1", *UPGRADE))
            heads.append(request(f"GET /v1/realtime?{name}={text} HTTP/1.1", *UPGRADE))
    sent = await handshakes(*heads)
    assert len(sent) > 20, "some are harmless, and go up"
    for headers in sent:
        assert HANDSHAKE <= set(headers) <= HANDSHAKE | {SAFETY}
        assert headers["Authorization"] == "Bearer upstream-key"
        assert not re.search(r"[\x00-\x1f\x7f]", headers.get(SAFETY, ""))
    log.info("figure: E8 %d requests with hidden headers, 0 of them upstream", len(heads))
