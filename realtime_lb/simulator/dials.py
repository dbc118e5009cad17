"""A handshake as it was seen, with its credentials set apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import field, frozen

from realtime_lb.typing import Secret, read_only

__all__ = ["Credential", "Dial", "read_dial"]

_KEY_PROTOCOLS = {"openai-insecure-api-key.": "subprotocol", "xai-client-secret.": "xai-subprotocol"}
"""What a browser puts its key behind → where that counts as found: OpenAI's way and xAI's."""

_SECRET_HEADERS = frozenset({"authorization", "api-key", "cookie", "sec-websocket-protocol"})
_ORDINARY_HEADERS = _SECRET_HEADERS | {
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "date",
    "host",
    "origin",
    "pragma",
    "upgrade",
    "user-agent",
}
"""What any websocket client sends, with every ``sec-websocket-*``; all others are custom."""


@frozen
class Credential:
    """A credential that came with a handshake.

    Attributes:
        source: ``bearer``, ``api-key``, ``query``, ``subprotocol`` or ``xai-subprotocol``.
        secret: The key or token.
    """

    source: str
    secret: Secret


@frozen(kw_only=True)
class Dial:
    """One handshake.

    Attributes:
        number: Counted from 1.
        path: The path of the URL.
        query: Its parameters, without ``api-key``.
        headers: By lower-case name, without those that hold credentials.
        subprotocols: As offered, without the one that holds a key.
        credentials: All that came with it.
    """

    number: int
    path: str
    query: Mapping[str, str] = field(factory=dict, converter=read_only, hash=False)
    headers: Mapping[str, str] = field(factory=dict, converter=read_only, hash=False)
    subprotocols: tuple[str, ...] = ()
    credentials: tuple[Credential, ...] = field(default=(), repr=False)

    @property
    def credential_sources(self) -> tuple[str, ...]:
        """Where credentials were found."""
        return tuple(credential.source for credential in self.credentials)

    @property
    def custom_headers(self) -> tuple[str, ...]:
        """Names of headers that not every websocket client sends."""
        return tuple(
            name
            for name in self.headers
            if name not in _ORDINARY_HEADERS and not name.startswith("sec-websocket-")
        )

    def secret(self, *sources: str) -> Secret | None:
        """Return the first credential from one of *sources*."""
        return next((c.secret for c in self.credentials if c.source in sources), None)


def read_dial(number: int, path: str, query: Mapping[str, str], headers: Iterable[tuple[str, str]]) -> Dial:
    """Return a handshake with its credentials set apart."""
    named = {name.lower(): value for name, value in headers}
    offered = [word.strip() for word in named.get("sec-websocket-protocol", "").split(",") if word.strip()]
    return Dial(
        number=number,
        path=path,
        query={name: value for name, value in query.items() if name != "api-key"},
        headers={name: value for name, value in named.items() if name not in _SECRET_HEADERS},
        subprotocols=tuple(word for word in offered if not word.startswith(tuple(_KEY_PROTOCOLS))),
        credentials=tuple(_credentials(named, query, offered)),
    )


def _credentials(
    headers: Mapping[str, str], query: Mapping[str, str], offered: Iterable[str]
) -> Iterable[Credential]:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        yield Credential("bearer", Secret(token.strip()))
    if headers.get("api-key"):
        yield Credential("api-key", Secret(headers["api-key"]))
    if query.get("api-key"):
        yield Credential("query", Secret(query["api-key"]))
    for word in offered:
        for prefix, source in _KEY_PROTOCOLS.items():
            if word.startswith(prefix):
                yield Credential(source, Secret(word.removeprefix(prefix)))
