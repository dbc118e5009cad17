"""What a Realtime server says no with."""

from __future__ import annotations

from attrs import field, frozen

from realtime_lb.typing import JsonObject

__all__ = ["EventRefused", "invalid_value", "missing_parameter", "unknown_parameter", "wrong_type"]


@frozen
class EventRefused(Exception):  # named for what happened, like the rest of the house
    """A client event cannot be obeyed. The session lives on, and nothing of the event was applied.

    Attributes:
        message: OpenAI's words, as far as they are known.
        code: ``error.code``; a few of OpenAI's errors have none.
        param: The field at fault, such as ``session.voice``.
        kind: ``error.type``.
    """

    message: str
    code: str | None = field(default=None, kw_only=True)
    param: str | None = field(default=None, kw_only=True)
    kind: str = field(default="invalid_request_error", kw_only=True)

    def as_error(self, event_id: str | None) -> JsonObject:
        """Return the ``error`` object that names the client's *event_id* as the culprit."""
        return {
            "type": self.kind,
            "code": self.code,
            "message": self.message,
            "param": self.param,
            "event_id": event_id,
        }


def unknown_parameter(param: str) -> EventRefused:
    """Return the refusal of a field that does not exist."""
    return EventRefused(f"Unknown parameter: '{param}'.", code="unknown_parameter", param=param)


def missing_parameter(param: str) -> EventRefused:
    """Return the refusal of an object without a field that it needs."""
    return EventRefused(
        f"Missing required parameter: '{param}'.", code="missing_required_parameter", param=param
    )


def wrong_type(param: str, expected: str, value: object) -> EventRefused:
    """Return the refusal of a value of another JSON type than *expected*."""
    found = _JSON_NAMES.get(type(value), "an object")
    return EventRefused(
        f"Invalid type for '{param}': expected {expected}, but got {found} instead.",
        code="invalid_type",
        param=param,
    )


def invalid_value(param: str, why: str) -> EventRefused:
    """Return the refusal of a value of the right type that is not allowed."""
    return EventRefused(why, code="invalid_value", param=param)


_JSON_NAMES = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    list: "an array",
    dict: "an object",
    type(None): "null",
}
