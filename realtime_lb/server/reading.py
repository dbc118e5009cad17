"""From an HTTP request to a wish: what the client wants, and the key that it shows."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from aiohttp import web

from realtime_lb.dialects import asks_for_beta
from realtime_lb.errors import InvalidRequest
from realtime_lb.requests import Principal, SessionRequest
from realtime_lb.settings import ServerSettings
from realtime_lb.typing import Dialect, Secret

__all__ = ["affinity_of", "key_of", "parameter", "session_request", "tags_of"]

FORWARDED_HEADERS = ("OpenAI-Safety-Identifier",)
"""All that goes upstream of what a client sends. OpenAI ties it to the end user, so each dial repeats it."""

KEY_SUBPROTOCOL = "openai-insecure-api-key."
"""How browsers, which cannot set headers, show a key (openai-node, realtime/websocket.ts)."""

AFFINITY_HEADER = "x-session-affinity"
TAGS_HEADER = "x-litellm-tags"  # LiteLLM's name for it

MAX_TEXT = 256
"""Characters of an affinity or a tag: room for a URL or two UUIDs. Every pick hashes or compares them."""

MAX_TAGS = 50

_AZURE_PREVIEW_PATH = "/openai/realtime"


def session_request(request: web.Request, principal: Principal, server: ServerSettings) -> SessionRequest:
    """Return what *request* asks for.

    Raises:
        InvalidRequest: A parameter or header is given twice, is too long, or its value makes no sense.
    """
    on_preview = request.path.endswith(_AZURE_PREVIEW_PATH) and "api-version" in request.query
    beta_header, subprotocols = request.headers.get("OpenAI-Beta", ""), _subprotocols(request)
    asks = asks_for_beta(beta_header=beta_header, subprotocols=subprotocols)
    intent = parameter(request, "intent")
    if intent not in {None, "realtime", "transcription"}:
        raise InvalidRequest("intent must be 'realtime' or 'transcription'", code="invalid_intent")
    return SessionRequest(
        model=parameter(request, "deployment") or parameter(request, "model"),
        intent=intent,
        call_id=parameter(request, "call_id"),
        dialect=Dialect.BETA if asks or on_preview else Dialect.GA,
        dialect_is_guess=on_preview and not asks,
        principal=principal,
        forwarded_headers=_forwarded(request),
        client_address=_client_address(request, server),
        affinity=affinity_of(request.headers.getall(AFFINITY_HEADER, ())),
        tags=tags_of(request.headers.getall(TAGS_HEADER, ())),
    )


def affinity_of(given: Sequence[str]) -> str | None:
    """Return the affinity that *given* names, the values of its header or parameter; None without one.

    Raises:
        InvalidRequest: It is given twice, or is longer than `MAX_TEXT`.
    """
    if len(given) > 1:
        raise InvalidRequest(f"the session affinity is given {len(given)} times", code="duplicate_parameter")
    text = given[0].strip() if given else ""
    if len(text) > MAX_TEXT:
        raise InvalidRequest(
            f"the session affinity is longer than {MAX_TEXT} characters",
            code="invalid_affinity",
            hint="send a hash of it",
        )
    return text or None


def tags_of(given: Sequence[str]) -> tuple[str, ...]:
    """Return the tags that *given* names, the comma separated values of a header or parameter.

    Raises:
        InvalidRequest: There are more than `MAX_TAGS`, or one is longer than `MAX_TEXT`.
    """
    tags = tuple(tag for part in ",".join(given).split(",") if (tag := part.strip()))
    if len(tags) > MAX_TAGS or any(len(tag) > MAX_TEXT for tag in tags):
        raise InvalidRequest(
            f"no more than {MAX_TAGS} tags of {MAX_TEXT} characters may be named", code="invalid_tags"
        )
    return tags


def key_of(request: web.Request, server: ServerSettings) -> Secret | None:
    """Return the key that the client shows, by whatever way it may.

    What is shown twice in one way is no key: a proxy in front may have looked at the other.
    """
    scheme, _, bearer = _only(request.headers.getall("Authorization", ())).partition(" ")
    if scheme.lower() == "bearer" and bearer.strip():
        return Secret(bearer.strip())
    if header := _only(request.headers.getall("api-key", ())):
        return Secret(header)
    offered = [offer for offer in _subprotocols(request) if offer.startswith(KEY_SUBPROTOCOL)]
    if offered:
        return Secret(_only(offered).removeprefix(KEY_SUBPROTOCOL))
    if server.allow_query_key and (query := _only(request.query.getall("api-key", ()))):
        return Secret(query)
    return None


def _only(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else ""


def _client_address(request: web.Request, server: ServerSettings) -> str | None:
    """Return where the client called from: the last address that is no trusted proxy's."""
    address = request.remote
    told = request.headers.getall("X-Forwarded-For", ()) if server.trusted_proxies else ()
    hops = [_without_port(hop) for hop in ",".join(told).split(",")]
    while address is not None and hops and hops[-1] and _is_trusted(address, server):
        address = hops.pop()
    return None if address is None else address[:45]  # no IPv6 address is longer


def _without_port(hop: str) -> str:
    """Return the address of ``203.0.113.9:4711`` or ``[2001:db8::1]:4711``, as Azure's gateways write it."""
    hop = hop.strip()
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    address, _, port = hop.partition(":")
    return hop if ":" in port else address


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


def parameter(request: web.Request, name: str) -> str | None:
    """Return the one value of *name* in the query; None where it is absent or empty.

    Raises:
        InvalidRequest: It is given twice.
    """
    values = request.query.getall(name, [])
    if len(values) > 1:
        raise InvalidRequest(f"{name!r} is given {len(values)} times", code="duplicate_parameter")
    return values[0] if values and values[0] else None


def _forwarded(request: web.Request) -> dict[str, str]:
    """Return the headers that go upstream; a client's nonsense there would be our handshake's."""
    given = {name: value for name in FORWARDED_HEADERS if (value := request.headers.get(name))}
    for name, value in given.items():
        if len(value) > MAX_TEXT:
            raise InvalidRequest(f"{name} is longer than {MAX_TEXT} characters", code="invalid_header")
    return given
