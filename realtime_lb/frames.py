"""Websocket messages and endings, as the relay passes them on."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TypeAlias

from attrs import define, evolve, field, frozen

from realtime_lb.typing import JsonObject

__all__ = ["Close", "Frame", "OnFrame", "Opcode"]

UNREAD = "?"
"""Stands for a type that nobody has looked for yet. No event is called so."""

REASON_LIMIT_BYTES = 123
"""A control frame holds 125 bytes, two of which are the code (RFC 6455, section 5.5)."""

_NEVER_SENT = frozenset({1004, 1005, 1006, 1015})
"""Codes that stand for "nothing was said"; RFC 6455, section 7.4.1 forbids them on the wire."""


class Opcode(enum.IntEnum):
    """What a frame's payload is (RFC 6455, section 11.8)."""

    TEXT = 1
    BINARY = 2


@define  # a frozen class takes twice as long to make, and one is made for every message
class Frame:
    """One whole websocket message. Nobody changes one.

    Attributes:
        opcode: Text or binary.
        payload: The message's bytes, undecoded. Valid only during the ``on_frame`` call that delivers
            it; who keeps it longer calls `kept`.
        type_read: The event's type, once `events.type_of` has read it: a tap and a translator want it both.
        costs: What `events.costs_much` has found out, which they ask of the same frame, too. Before, there is
            no such attribute: hardly a frame is asked of.
        event: What `events.event_of` has parsed, for all who ask. Nobody changes it. As with `costs`, there
            is none before.
    """

    opcode: Opcode
    payload: bytes | memoryview
    type_read: str | None = field(default=UNREAD, init=False, eq=False, repr=False)
    costs: bool = field(init=False, eq=False, repr=False)
    event: JsonObject | None = field(init=False, eq=False, repr=False)

    def kept(self) -> Frame:
        """Return a frame that may be kept: itself when it owns its bytes, else a copy."""
        return self if isinstance(self.payload, bytes) else evolve(self, payload=bytes(self.payload))


OnFrame: TypeAlias = Callable[[Frame], object]


@frozen
class Close:
    """How a connection ended.

    Attributes:
        code: The close code. 1005: closed without one. 1006: lost without a closing handshake.
        reason: The peer's words, at most 123 bytes of UTF-8.
    """

    code: int
    reason: str = ""

    def sendable(self, *, unsaid: int) -> Close:
        """Return the ending to pass on to the other peer.

        Args:
            unsaid: The code to say where this one must not be sent (1004 to 1006, 1015, reserved or out
                of range); its reason is then dropped, for it was about the code.
        """
        if self.code in _NEVER_SENT or not (1000 <= self.code <= 1014 or 3000 <= self.code <= 4999):
            return Close(unsaid)
        return Close(self.code, shorten_reason(self.reason))


def shorten_reason(reason: str) -> str:
    """Cut *reason* to what a close frame can hold, never inside a character."""
    return reason.encode("utf-8", "replace")[:REASON_LIMIT_BYTES].decode("utf-8", "ignore")
