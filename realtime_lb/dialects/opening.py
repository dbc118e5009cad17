"""How a session opens: ``session.created`` first, then ``conversation.created`` for who expects it."""

from __future__ import annotations

import uuid
from typing import Any

from realtime_lb.dialects.bodies import REALTIME
from realtime_lb.dialects.parties import Parties
from realtime_lb.typing import Dialect, JsonObject

__all__ = ["Opening", "also"]

_CONVERSATION = "conversation.created"


class Opening:
    """Brings the first two events into order, and makes the second up where it is missed.

    A beta client may wait for the conversation that each beta session begins with (openai-realtime-api-beta),
    and gets exactly one. A GA client gets what the upstream sends, behind ``session.created``.

    Args:
        parties: Who speaks to whom.
    """

    __slots__ = ("_early", "_is_open", "_parties", "_told")

    def __init__(self, parties: Parties) -> None:
        self._parties = parties
        self._is_open = False
        self._told = False
        self._early: list[JsonObject] = []

    def session(self, event: JsonObject, kind: str) -> list[JsonObject]:
        """Return what follows from the session's event, itself included."""
        says = [event, *self._early]
        if not self._is_open and event["type"].endswith("session.created"):
            self._is_open = True
            says += self._made_up(event, kind)
        self._early = []
        return says

    def conversation(self, event: JsonObject) -> list[JsonObject]:
        """Return what follows from an upstream's ``conversation.created``."""
        if self._told:
            return [] if self._parties.client is Dialect.BETA else [event]
        self._told = True
        if self._is_open:
            return [event]
        self._early.append(event)
        return []

    def _made_up(self, event: JsonObject, kind: str) -> list[JsonObject]:
        parties = self._parties
        expects = parties.client is Dialect.BETA and kind == REALTIME
        comes = parties.upstream is Dialect.BETA
        if opens_with := parties.quirks.opens_with:
            comes = _CONVERSATION in opens_with
        if not expects or comes or self._told:
            return []
        self._told = True
        name = str(event["session"].get("id", "")).removeprefix("sess_")
        conversation = {"id": f"conv_{name}", "object": "realtime.conversation"}
        return [also(event, _CONVERSATION, conversation=conversation)]


def also(event: JsonObject, name: str, **fields: Any) -> JsonObject:
    """Return an event that follows from *event*, with an id that nobody else can have."""
    cause = event.get("event_id")
    event_id = f"{cause}.{name}" if isinstance(cause, str) else f"event_rlb_{uuid.uuid4().hex}"
    return {"type": name, "event_id": event_id, **fields}
