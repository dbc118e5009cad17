"""Standing before a protocol on a transport, and reading in its stead."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

__all__ = ["NOBODY", "StandIn"]

NOBODY = asyncio.BufferedProtocol()
"""Takes the place of a protocol with a buffer. uvloop's TLS refers to such a one, and its transport to that,
until another with a buffer follows: all of a session, in a circle."""

_P = TypeVar("_P", bound=asyncio.BaseProtocol)


class StandIn(asyncio.BufferedProtocol, Generic[_P]):
    """All but reading is the protocol's, the end of the connection too.

    Args:
        protocol: Before whom it stands.

    Attributes:
        protocol: As above.
    """

    def __init__(self, protocol: _P) -> None:
        self.protocol = protocol

    def pause_writing(self) -> None:
        self.protocol.pause_writing()

    def resume_writing(self) -> None:
        self.protocol.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        self.protocol.connection_lost(error)
