"""What of an event's contents may be logged."""

from __future__ import annotations

import math
from typing import Any

from realtime_lb.events import parse_event

__all__ = ["readable"]

_SECRET_KEYS = frozenset({"authorization", "headers", "client_secret", "api_key", "api-key", "access_token"})
"""Where the API's own objects hold credentials: an MCP tool's ``authorization`` and ``headers``, a session's
``client_secret``, and what people put beside them. They are hidden whole."""

_AS_THEY_ARE = frozenset({str, int, bool, type(None)})
"""Types of most values: to call `_shown` for each would cost an open one part in thirty."""

_DEEPEST = 32
"""Levels that are shown. OpenAI's events have about eight; renderers recurse."""


def readable(payload: bytes) -> object:
    """Return an event as plain Python values to be logged.

    Values under names that hold credentials read ``***``, numbers that JSON does not have become text, and
    what is nested deeper than 32 levels is left out. A payload that is no JSON object comes back as text.
    """
    event = parse_event(payload)
    if event is None:
        return payload.decode("utf-8", "replace")
    return _shown(event, _DEEPEST)


def _shown(value: object, levels: int) -> Any:
    if isinstance(value, dict):
        if levels == 0:
            return "..."
        return {
            name: "***"
            if one and name.lower() in _SECRET_KEYS
            else (one if type(one) in _AS_THEY_ARE else _shown(one, levels - 1))
            for name, one in value.items()
        }
    if isinstance(value, list):
        return "..." if levels == 0 else [_shown(one, levels - 1) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
