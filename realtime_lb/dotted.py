"""Dotted places in decoded events. Nothing is changed in place."""

from __future__ import annotations

from typing import Any

from realtime_lb.typing import JsonObject

__all__ = ["ABSENT", "at", "moved", "put", "without"]

ABSENT: Any = object()
"""What stands where nothing stands."""


def at(value: Any, path: str) -> Any:
    """Return what stands at *path*, or `ABSENT`."""
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return ABSENT
        value = value[name]
    return value


def without(event: JsonObject, path: str) -> JsonObject:
    """Return a copy without the field at *path*, which is there; objects emptied by that stay."""
    *names, last = path.split(".")
    copy = inner = dict(event)
    for name in names:
        inner[name] = dict(inner[name])
        inner = inner[name]
    del inner[last]
    return copy


def put(event: JsonObject, path: str, value: Any) -> JsonObject:
    """Return a copy with *value* at *path*, and with the objects that lead there."""
    *names, last = path.split(".")
    copy = inner = dict(event)
    for name in names:
        there = inner.get(name)
        inner[name] = dict(there) if isinstance(there, dict) else {}
        inner = inner[name]
    inner[last] = value
    return copy


def moved(event: JsonObject, source: str, target: str) -> JsonObject:
    """Return a copy with what stands at *source* at *target*; *event* itself where nothing does."""
    value = at(event, source)
    return event if value is ABSENT else put(without(event, source), target, value)
