"""What is asked for: by a client of us, and by us of an upstream."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from attrs import evolve, field, frozen

from realtime_lb.deployments import Tls
from realtime_lb.typing import Dialect, Secret, read_only

__all__ = ["ANONYMOUS", "DialRequest", "Principal", "SessionRequest", "new_session_id"]


def new_session_id() -> str:
    """Return a fresh id for one downstream conversation."""
    return f"rlb_{secrets.token_hex(12)}"


@frozen
class Principal:
    """Who is calling.

    Attributes:
        name: Shown in logs; never a key.
    """

    name: str


ANONYMOUS = Principal("anonymous")


@frozen(kw_only=True)
class SessionRequest:
    """One client's wish for a session.

    Attributes:
        model: The model group, an alias of one, or a name that a wildcard matches. None: the configured
            default.
        intent: ``transcription`` for a session without responses; then no model goes upstream.
        call_id: An existing WebRTC or SIP call to attach to; then no model goes upstream.
        dialect: The event language that the client speaks.
        dialect_is_guess: It did not say so itself; the first event that shows otherwise decides.
        principal: Who is calling.
        forwarded_headers: Headers of the client's that go upstream. The door has filtered them.
        client_address: Where it called from, for the log.
        affinity: Requests with the same text here go to the same deployment while it has room.
        tags: Labels that deployments are to have, where tag filtering is on.
        id: Names the session in logs.
    """

    model: str | None = None
    intent: str | None = None
    call_id: str | None = None
    dialect: Dialect = Dialect.GA
    dialect_is_guess: bool = False
    principal: Principal = ANONYMOUS
    forwarded_headers: Mapping[str, str] = field(factory=dict, converter=read_only, hash=False)
    client_address: str | None = None
    affinity: str | None = None
    tags: tuple[str, ...] = ()
    id: str = field(factory=new_session_id)

    def spoken_as(self, dialect: Dialect) -> SessionRequest:
        """Return the same request of a client that is known to speak *dialect*."""
        return evolve(self, dialect=dialect, dialect_is_guess=False)


@frozen(kw_only=True)
class DialRequest:
    """One upstream websocket to open.

    Attributes:
        url: ``ws://`` or ``wss://``; holds no credential.
        headers: Sent with the handshake. Those that prove who we are, are `Secret`.
        subprotocols: Offered to the upstream, in order.
        tls: How its certificate is checked.
    """

    url: str
    headers: Mapping[str, str | Secret] = field(factory=dict, converter=read_only, hash=False)
    subprotocols: tuple[str, ...] = ()
    tls: Tls = Tls()

    def with_headers(self, headers: Mapping[str, str | Secret]) -> DialRequest:
        """Return the same dial with *headers* added; on a clash, these win."""
        if not headers:
            return self
        theirs = {name.lower() for name in headers}
        kept = {name: value for name, value in self.headers.items() if name.lower() not in theirs}
        return evolve(self, headers={**kept, **headers})
