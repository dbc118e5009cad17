"""What every `ProviderAdapter` must do: run this check over your own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from attrs import evolve

from realtime_lb.abc import ProviderAdapter
from realtime_lb.deployments import Deployment
from realtime_lb.errors import RealtimeError, RequestRefused
from realtime_lb.requests import DialRequest, SessionRequest
from realtime_lb.typing import Dialect, JsonObject, Secret

__all__ = ["HOSTILE_NAMES", "check_provider"]

HOSTILE_NAMES = (
    "m&model=other",
    "m#fragment",
    "m?x=y",
    "m/../../v1/files",
    "../admin",
    "//other.example/",
    "m@other.example",
    "m%26model=other",
    "m;x=y",
    "m+plus and space",
    "m\r\nX-Injected: 1",
    "m\x00null",
    "módèl-☎",
    "half\ud800",
    "*",
    "m" * 10_000,
)
"""Names that a client may send where a wildcard deployment passes names on."""

_CLIENT_ONLY = {
    "Authorization": "Bearer the-clients-own-key",
    "api-key": "the-clients-own-key",
    "Cookie": "session=the-clients-own-key",
    "Host": "other.example",
    "Origin": "https://page.example",
    "Sec-WebSocket-Protocol": "realtime, openai-insecure-api-key.the-clients-own-key",
    "OpenAI-Beta": "realtime=v1, the-clients-own-key",
    "X-Anything": "the-clients-own-key",
}

_HANDSHAKE = frozenset({"host", "connection", "upgrade", "content-length", "transfer-encoding"})
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_IN_A_URL = re.compile(r"[!-~]+")


async def check_provider(adapter: ProviderAdapter, deployment: Deployment) -> None:
    """Check one adapter with one deployment of its kind.

    Args:
        adapter: The adapter.
        deployment: Set up so that `ProviderAdapter.credentials` can succeed without a network, such as with a
            made-up ``api_key`` or ``token_provider``.

    Raises:
        AssertionError: Names the promise that is not kept.
    """
    request = SessionRequest(model=deployment.model_group)
    assert _TOKEN.fullmatch(adapter.name), f"name {adapter.name!r} cannot stand before the / of a model"
    assert isinstance(adapter.dialect(deployment), Dialect), "dialect() must return a Dialect"
    dial = adapter.dial(deployment, request)
    assert dial == adapter.dial(deployment, request), "dial() is not pure: two calls returned two dials"
    unnamed = adapter.dial(deployment, SessionRequest(model="what-a-client-asks-for"))
    assert unnamed == dial, "the client's name for the model must not go upstream: deployment.model does"
    assert dial.tls == deployment.tls, "dial() must pass the deployment's tls on"
    _check_url(dial.url)
    _check_headers(dial.headers)
    assert all(_TOKEN.fullmatch(p) for p in dial.subprotocols), "a subprotocol is not an HTTP token"
    _check_first_events(adapter)
    _check_names(adapter, deployment, urlsplit(dial.url))
    _check_forwarding(adapter, deployment)
    await _check_credentials(adapter, deployment, dial)


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    assert _IN_A_URL.fullmatch(url), "the URL holds a character that must be percent-encoded"
    assert parts.scheme in {"ws", "wss"}, f"the URL's scheme is {parts.scheme!r}, not ws or wss"
    assert parts.hostname, "the URL has no host"
    assert "@" not in parts.netloc, "the URL holds credentials before its host"
    assert "#" not in url, "the URL has a fragment, which a websocket's must not (RFC 6455, section 3)"


def _check_headers(headers: Mapping[str, str | Secret]) -> None:
    lowered = [name.lower() for name in headers]
    assert len(set(lowered)) == len(lowered), "a header is there twice, in two letter cases"
    for name, value in headers.items():
        text = value.reveal() if isinstance(value, Secret) else value
        assert _TOKEN.fullmatch(name), f"{name!r} is not a header's name (RFC 9110, section 5.6.2)"
        assert not _CONTROL.search(text), f"the header {name} holds a line break or control character"
        ours = name.lower() in _HANDSHAKE or name.lower().startswith("sec-websocket-")
        assert not ours, f"the header {name} belongs to the handshake, which the transport makes"


def _check_first_events(adapter: ProviderAdapter) -> None:
    error: JsonObject = {"type": "error", "error": {}}
    verdicts = (adapter.accepts(error), adapter.accepts({}))
    assert all(isinstance(v, bool) for v in verdicts), "accepts() must return a bool, for any event"
    assert verdicts[0] is False, "accepts() must not take an upstream that opens with an error"
    assert error == {"type": "error", "error": {}}, "accepts() must not change the event: others read it, too"


def _check_names(adapter: ProviderAdapter, deployment: Deployment, usual: SplitResult) -> None:
    """No name moves the address or adds a parameter: it is escaped, or the request refused."""
    for name in HOSTILE_NAMES:
        named = evolve(deployment, model=name)
        wishes = (
            (named, SessionRequest(), usual),
            (deployment, SessionRequest(model=name), usual),
            (deployment, SessionRequest(call_id=name), _split(adapter, deployment, call_id="rtc_1")),
            (deployment, SessionRequest(intent=name), None),
        )
        for at, request, expected in wishes:
            parts = _dialled(adapter, at, request)
            if parts is None or expected is None:
                continue
            assert parts[:2] == expected[:2], f"the name {name[:40]!r} changed the URL's scheme or host"
            assert _shape(parts) == _shape(expected), f"the name {name[:40]!r} changed the path or the query"


def _split(adapter: ProviderAdapter, deployment: Deployment, *, call_id: str) -> SplitResult | None:
    return _dialled(adapter, deployment, SessionRequest(call_id=call_id))


def _dialled(adapter: ProviderAdapter, deployment: Deployment, request: SessionRequest) -> SplitResult | None:
    try:
        dial = adapter.dial(deployment, request)
    except RequestRefused:
        return None
    _check_url(dial.url)
    return urlsplit(dial.url)


def _shape(parts: SplitResult) -> tuple[int, bool, list[str]]:
    """Return how deep the path is, whether it climbs, and which parameters there are."""
    segments = [unquote(segment) for segment in parts.path.split("/")]
    names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True, separator="&")]
    return len(segments), any(segment in {".", ".."} for segment in segments), names


def _check_forwarding(adapter: ProviderAdapter, deployment: Deployment) -> None:
    dial = adapter.dial(deployment, SessionRequest(forwarded_headers=_CLIENT_ONLY))
    for name, value in dial.headers.items():
        text = value.reveal() if isinstance(value, Secret) else value
        assert text not in _CLIENT_ONLY.values(), f"the client's header {name} must not go upstream"
    for name in ("OpenAI-Safety-Identifier", "X-Anything"):
        for value in ("a\r\nX-Injected: 1", "a\x00"):
            request = SessionRequest(forwarded_headers={name: value})
            try:
                dial = adapter.dial(deployment, request)
            except RequestRefused:
                continue
            _check_headers(dial.headers)


async def _check_credentials(adapter: ProviderAdapter, deployment: Deployment, dial: DialRequest) -> None:
    credentials = await adapter.credentials(deployment)
    for name, value in credentials.items():
        assert isinstance(value, Secret), f"credentials() must wrap the header {name} in Secret"
    _check_headers(credentials)
    _check_headers(dial.with_headers(credentials).headers)
    proofs = [*credentials.values(), *deployment.extra_headers.values()]
    proofs += [key for key in (deployment.api_key, deployment.azure_ad_token) if key]
    url = unquote(dial.url)
    for proof in proofs:
        key = proof.reveal().removeprefix("Bearer ")
        assert len(key) < 8 or key not in url, "the URL holds a credential, and URLs end up in logs"
    bare = evolve(deployment, api_key=None, azure_ad_token=None, token_provider=None, entra=None)
    try:
        adapter.dial(bare, SessionRequest())
    except RealtimeError:
        raise AssertionError("dial() needs a credential; only credentials() may") from None
