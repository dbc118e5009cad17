"""A client's part of the websocket handshake, as a request of aiohttp's (RFC 6455, section 4.1)."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping

import aiohttp
from yarl import URL

from realtime_lb.requests import DialRequest
from realtime_lb.typing import Secret

__all__ = ["accept_key", "check_answer", "new_key", "over_http", "upgrade_headers"]

_WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, section 1.3."""

_HTTP_SCHEMES = {"ws": "http", "wss": "https"}


def new_key() -> str:
    """Return what a server is to answer to with `accept_key`, so that we know it has understood."""
    return base64.b64encode(os.urandom(16)).decode()


def accept_key(key: str) -> str:
    """Return what a server answers to a client's ``Sec-WebSocket-Key`` (RFC 6455, section 4.2.2)."""
    digest = hashlib.sha1(key.encode() + _WEBSOCKET_GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def over_http(url: URL) -> URL:
    """Return *url* as the HTTP request that opens it; a proxy knows no ``ws://``.

    Raises:
        ValueError: It is no websocket address.
    """
    if url.scheme not in _HTTP_SCHEMES:
        raise ValueError(f"not a websocket scheme: {url.scheme!r}")
    return url.with_scheme(_HTTP_SCHEMES[url.scheme])


def upgrade_headers(dial: DialRequest, key: str) -> Mapping[str, str]:
    """Return all headers of *dial* as they go over the wire, asking for an upgrade."""
    headers = {
        name: value.reveal() if isinstance(value, Secret) else value for name, value in dial.headers.items()
    }
    headers["Upgrade"] = "websocket"
    headers["Connection"] = "Upgrade"
    headers["Sec-WebSocket-Version"] = "13"
    headers["Sec-WebSocket-Key"] = key
    if dial.subprotocols:
        headers["Sec-WebSocket-Protocol"] = ",".join(dial.subprotocols)
    return headers


def check_answer(response: aiohttp.ClientResponse, key: str) -> None:
    """Have the server's word that it speaks websocket.

    Raises:
        aiohttp.WSServerHandshakeError: It has not given it.
    """
    headers = response.headers
    if (
        response.status != 101
        or headers.get("Upgrade", "").lower() != "websocket"
        or headers.get("Connection", "").lower() != "upgrade"
        or headers.get("Sec-WebSocket-Accept", "") != accept_key(key)
    ):
        raise aiohttp.WSServerHandshakeError(
            response.request_info, response.history, status=response.status, headers=headers
        )
