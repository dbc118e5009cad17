"""Which of the client's events a server's event answers."""

from __future__ import annotations

from typing import Any

from realtime_lb.journal import sessions
from realtime_lb.journal.responses import Running
from realtime_lb.journal.tail import Said, Tail
from realtime_lb.journal.words import canonical_item
from realtime_lb.typing import JsonObject

__all__ = [
    "ALREADY_ANSWERING",
    "as_sent",
    "cancels",
    "creates",
    "hearing",
    "number_or",
    "order_of",
    "refused",
]

_NO_DETAIL: JsonObject = {}

ALREADY_ANSWERING = "conversation_already_has_active_response"

_REFUSED_KINDS = {
    "response_cancel_not_active": "response.cancel",
    ALREADY_ANSWERING: "response.create",
    "input_audio_buffer_commit_empty": "input_audio_buffer.commit",
}
"""What an ``error`` refuses that does not say so itself, by its code."""


def hearing(session: JsonObject) -> object:
    """Return how a server listens in such a session. If that changes, it begins anew."""
    detection = sessions.turn_detection(session) or _NO_DETAIL
    told = {name: value for name, value in detection.items() if value is not None}
    return told, sessions.bytes_per_ms(session, "input")


def order_of(response: JsonObject, tail: Tail, *, is_due: bool) -> Said | None:
    """Return which order a response answers: the oldest, unless what it was marked with says another.

    Args:
        response: As it was announced.
        tail: Holds the orders.
        is_due: The server owes one that nobody ordered.
    """
    orders = list(tail.waiting("response.create"))
    marked = response.get("metadata")
    for order in orders if marked else ():
        if _params(order).get("metadata") == marked:
            return order
    unmarked = [order for order in orders if not _params(order).get("metadata")]
    return unmarked[0] if unmarked and not is_due else None


def _params(said: Said) -> JsonObject:
    """Return what a ``response.create`` asks for."""
    params = said.event.get("response")
    return params if isinstance(params, dict) else _NO_DETAIL


def cancels(said: Said, running: Running) -> bool:
    """Say whether an event of the client's is to end a response."""
    wanted = said.event.get("response_id")
    return wanted == running.id if wanted is not None else not running.is_aside


def creates(said: Said, item: JsonObject) -> bool:
    """Say whether an event of the client's may have made an item."""
    sent = said.event.get("item")
    if not isinstance(sent, dict):
        return False
    if sent.get("id") is not None:
        return bool(sent["id"] == item.get("id"))
    return all(sent.get(name) == item.get(name) for name in ("type", "role", "call_id") if name in sent)


def as_sent(said: Said) -> JsonObject:
    """Return what a client said of an item, which holds the sound and pictures that servers do not repeat."""
    sent = canonical_item(said.event["item"])
    return {name: sent[name] for name in ("content", "output", "arguments") if name in sent}


def refused(tail: Tail, error: JsonObject) -> Said | None:
    """Return what of *tail* an ``error`` refuses, if that can be told."""
    event_id, code = error.get("event_id"), error.get("code")
    if event_id is not None:
        return next((said for said in tail.waiting() if said.event_id == event_id), None)
    if isinstance(code, str) and code in _REFUSED_KINDS:
        return tail.first(_REFUSED_KINDS[code])
    if error.get("type") == "invalid_request_error":
        return next((said for said in tail.waiting() if said.event_id is None), None)
    return None


def number_or(value: Any, otherwise: float) -> float:
    """Return a number that an event may hold, or what stands in for it."""
    return float(value) if isinstance(value, int | float) else otherwise
