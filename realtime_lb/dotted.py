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
    name, dot, rest = path.partition(".")
    if not dot:
        return {key: value for key, value in event.items() if key != name}
    return {**event, name: without(event[name], rest)}


def put(event: JsonObject, path: str, value: Any) -> JsonObject:
    """Return a copy with *value* at *path*, and with the objects that lead there."""
    name, dot, rest = path.partition(".")
    if not dot:
        return {**event, name: value}
    inner = event.get(name)
    return {**event, name: put(inner if isinstance(inner, dict) else {}, rest, value)}


def moved(event: JsonObject, source: str, target: str) -> JsonObject:
    """Return a copy with what stands at *source* at *target*; *event* itself where nothing does."""
    value = at(event, source)
    return event if value is ABSENT else put(without(event, source), target, value)
