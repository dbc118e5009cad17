"""The headers of an upstream handshake: which may be there, whose they are, and what may be in them."""

from __future__ import annotations

import re

from realtime_lb.deployments import Deployment
from realtime_lb.errors import CredentialUnavailable, InvalidRequest
from realtime_lb.providers.problems import misconfigured
from realtime_lb.requests import SessionRequest
from realtime_lb.typing import Dialect, Secret

__all__ = ["BETA_SWITCH", "FORWARDED", "account_headers", "bearer", "credential", "handshake_headers"]

FORWARDED = frozenset({"OpenAI-Safety-Identifier"})
"""Client headers that go upstream. OpenAI: the safety identifier belongs to one connection, so that every
upstream of a session needs it again. The door filters too; this is the second lock."""

BETA_SWITCH = "OpenAI-Beta"
"""Chooses the 2024 event dialect. OpenAI has switched that off and closes a session that asks for it."""

_OURS = frozenset({"host", "connection", "upgrade", "keep-alive", "te", "trailer", "transfer-encoding"}) | {
    "content-length",
    "proxy-connection",
}
"""Headers that make the handshake (RFC 6455, section 4.1) or belong to one hop (RFC 9110, section 7.6.1)."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110, section 5.6.2."""

_ILLEGAL_IN_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
"""RFC 9110, section 5.5, plus what has no UTF-8 form."""


def handshake_headers(
    deployment: Deployment, request: SessionRequest, dialect: Dialect
) -> dict[str, str | Secret]:
    """Return what goes with the handshake beside the credential.

    What the operator wrote wins over what the client sent.

    Args:
        deployment: Whose ``extra_headers`` to send.
        request: Whose ``forwarded_headers`` to pass on, as far as `FORWARDED` has them.
        dialect: GA never sends `BETA_SWITCH`, not even where ``extra_headers`` has it.

    Raises:
        ConfigError: ``extra_headers`` has a header that is the handshake's own, or one that is not legal.
        InvalidRequest: A forwarded header is not legal.
    """
    extra = _extra_headers(deployment, dialect)
    taken = {name.lower() for name in extra}
    forwarded = _forwarded_headers(request)
    return {**{name: value for name, value in forwarded.items() if name.lower() not in taken}, **extra}


def account_headers(deployment: Deployment) -> dict[str, str]:
    """Return whose account at OpenAI pays (OpenAI: authentication reference).

    Raises:
        ConfigError: A value holds what no header may hold.
    """
    named = {
        "organization": ("OpenAI-Organization", deployment.organization),
        "project": ("OpenAI-Project", deployment.project),
    }
    headers = {}
    for attribute, (header, value) in named.items():
        if value and _ILLEGAL_IN_VALUE.search(value):
            raise misconfigured(deployment, attribute, "has a line break or control character")
        if value:
            headers[header] = value
    return headers


def bearer(deployment: Deployment, token: Secret) -> dict[str, Secret]:
    """Return ``Authorization: Bearer`` with *token*. Raises as `credential` does."""
    return credential(deployment, "Authorization", "Bearer ", token)


def credential(deployment: Deployment, header: str, scheme: str, key: Secret) -> dict[str, Secret]:
    """Return the one header that proves who we are.

    Raises:
        CredentialUnavailable: *key* is empty or holds what no header can, most often the newline at the
            end of the file that it was read from.
    """
    if not key or _ILLEGAL_IN_VALUE.search(key.reveal()):
        raise CredentialUnavailable(
            f"The credential of deployment {deployment.id!r} is empty or cannot be sent in a header",
            hint="look for a line break at its end",
        )
    return {header: Secret(scheme + key.reveal())}


def _forwarded_headers(request: SessionRequest) -> dict[str, str]:
    sent = {name.lower(): value for name, value in request.forwarded_headers.items()}
    forwarded = {name: sent[name.lower()] for name in FORWARDED if name.lower() in sent}
    for name, value in forwarded.items():
        if _ILLEGAL_IN_VALUE.search(value):
            raise InvalidRequest(f"The header {name} holds a character that no header may hold")
    return forwarded


def _extra_headers(deployment: Deployment, dialect: Dialect) -> dict[str, str | Secret]:
    headers: dict[str, str | Secret] = {}
    for name, value in deployment.extra_headers.items():
        if not _TOKEN.fullmatch(name):
            raise misconfigured(deployment, "extra_headers", "has a name that is not a header's")
        if name.lower() in _OURS or name.lower().startswith("sec-websocket-"):
            raise misconfigured(
                deployment, "extra_headers", f"must not set {name}, which belongs to the handshake"
            )
        if _ILLEGAL_IN_VALUE.search(value.reveal()):
            raise misconfigured(
                deployment, "extra_headers", f"has a line break or control character in {name}"
            )
        if name.lower() != BETA_SWITCH.lower() or dialect is Dialect.BETA:
            headers[name] = value
    return headers
