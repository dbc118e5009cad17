"""From an HTTP request to a wish: what the client wants, and the key that it shows."""

from __future__ import annotations

from ipaddress import ip_address

from aiohttp import web

from realtime_lb.dialects import asks_for_beta
from realtime_lb.errors import InvalidRequest
from realtime_lb.requests import Principal, SessionRequest
from realtime_lb.settings import ServerSettings
from realtime_lb.typing import Dialect, Secret

__all__ = ["key_of", "session_request"]

FORWARDED_HEADERS = ("OpenAI-Safety-Identifier",)
"""All that goes upstream of what a client sends. OpenAI ties it to the end user, so each dial repeats it."""

KEY_SUBPROTOCOL = "openai-insecure-api-key."
"""How browsers, which cannot set headers, show a key (openai-node, realtime/websocket.ts)."""

_AZURE_PREVIEW_PATH = "/openai/realtime"


def session_request(request: web.Request, principal: Principal, server: ServerSettings) -> SessionRequest:
    """Return what *request* asks for.

    Raises:
        InvalidRequest: A parameter is given twice, or its value makes no sense.
    """
    on_preview = request.path.endswith(_AZURE_PREVIEW_PATH) and "api-version" in request.query
    beta_header, subprotocols = request.headers.get("OpenAI-Beta", ""), _subprotocols(request)
    asks = asks_for_beta(beta_header=beta_header, subprotocols=subprotocols)
    intent = _parameter(request, "intent")
    if intent not in {None, "realtime", "transcription"}:
        raise InvalidRequest("intent must be 'realtime' or 'transcription'", code="invalid_intent")
    return SessionRequest(
        model=_parameter(request, "deployment") or _parameter(request, "model"),
        intent=intent,
        call_id=_parameter(request, "call_id"),
        dialect=Dialect.BETA if asks or on_preview else Dialect.GA,
        dialect_is_guess=on_preview and not asks,
        principal=principal,
        forwarded_headers={name: value for name in FORWARDED_HEADERS if (value := request.headers.get(name))},
        client_address=_client_address(request, server),
    )


def key_of(request: web.Request, server: ServerSettings) -> Secret | None:
    """Return the key that the client shows, by whatever way it may."""
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and bearer.strip():
        return Secret(bearer.strip())
    if header := request.headers.get("api-key"):
        return Secret(header)
    for offered in _subprotocols(request):
        if offered.startswith(KEY_SUBPROTOCOL):
            return Secret(offered.removeprefix(KEY_SUBPROTOCOL))
    if server.allow_query_key and (query := request.query.get("api-key")):
        return Secret(query)
    return None


def _client_address(request: web.Request, server: ServerSettings) -> str | None:
    """Return where the client called from: the last address that is no trusted proxy's."""
    address = request.remote
    hops = [hop.strip() for hop in ",".join(request.headers.getall("X-Forwarded-For", ())).split(",")]
    while address is not None and hops and hops[-1] and _is_trusted(address, server):
        address = hops.pop()
    return None if address is None else address[:45]  # no IPv6 address is longer


def _is_trusted(address: str, server: ServerSettings) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed  # how a dual-stack socket shows IPv4
    return any(parsed in network for network in server.trusted_proxies)


def _subprotocols(request: web.Request) -> tuple[str, ...]:
    lines = request.headers.getall("Sec-WebSocket-Protocol", ())
    return tuple(offer.strip() for offer in ",".join(lines).split(",") if offer)


def _parameter(request: web.Request, name: str) -> str | None:
    values = request.query.getall(name, [])
    if len(values) > 1:
        raise InvalidRequest(f"{name!r} is given {len(values)} times", code="duplicate_parameter")
    return values[0] if values and values[0] else None
