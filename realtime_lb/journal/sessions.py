"""Session objects as a client sees them: what of one a client may set, and where two differ."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from realtime_lb.events import value_at
from realtime_lb.typing import Dialect, JsonObject

__all__ = [
    "bytes_per_ms",
    "creates_responses",
    "differing",
    "interrupts",
    "small",
    "transcribes",
    "turn_detection",
    "update_event",
    "without",
]

_SERVERS_OWN = frozenset({"id", "object", "expires_at", "model", "client_secret", "type"})
_LEVELS = 8
"""Of a session that are looked into. OpenAI's has five; an upstream may nest as deep as it likes."""

_LONGEST_NAMES = 512
"""All of an object's, in characters, and one for each. An upstream may call fields what it likes."""

_GROUPS = frozenset({"audio", "input", "output"})
"""Objects of GA that an update reaches into; all others are replaced whole."""

_PCM_BYTES_PER_MS = 48.0
_G711_BYTES_PER_MS = 8.0


def small(value: Any, levels: int = _LEVELS) -> Any:
    """Return a session as it is kept for an hour, with its fields' names that others have, too."""
    if not levels or not isinstance(value, dict):
        return value
    names = tuple(value)
    if sum(map(len, names), len(names)) <= _LONGEST_NAMES:
        names = _shared(names)
    inner = [small(each, levels - 1) if isinstance(each, dict) else each for each in value.values()]
    return dict(zip(names, inner, strict=True))


@lru_cache(maxsize=64)
def _shared(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return *names* as they came first: one look-up for all, where `sys.intern` takes one for each."""
    return names


def turn_detection(session: JsonObject) -> JsonObject | None:
    """Return how the server finds the ends of turns; None where it does not."""
    found = session.get("turn_detection") or value_at(session, "audio", "input", "turn_detection")
    return found if isinstance(found, dict) else None


def creates_responses(session: JsonObject) -> bool:
    """Say whether the server answers the end of a turn by itself."""
    found = turn_detection(session)
    is_heard_only = session.get("type") == "transcription" or "transcription" in str(session.get("object"))
    return found is not None and found.get("create_response") is not False and not is_heard_only


def interrupts(session: JsonObject) -> bool:
    """Say whether the server ends an answer when the user begins to speak."""
    found = turn_detection(session)
    return found is not None and found.get("interrupt_response") is not False


def transcribes(session: JsonObject) -> bool:
    """Say whether the user's words are written down."""
    return bool(
        session.get("input_audio_transcription") or value_at(session, "audio", "input", "transcription")
    )


def bytes_per_ms(session: JsonObject, way: str) -> float:
    """Return how large a millisecond of sound is, ``input`` or ``output``."""
    given = session.get(f"{way}_audio_format") or value_at(session, "audio", way, "format") or {}
    name = given.get("type") if isinstance(given, dict) else given
    rate = given.get("rate") if isinstance(given, dict) else None
    if isinstance(name, str) and (name.startswith("g711") or name in {"audio/pcmu", "audio/pcma"}):
        return _G711_BYTES_PER_MS
    return rate * 2 / 1000 if isinstance(rate, int | float) and rate > 0 else _PCM_BYTES_PER_MS


def differing(wanted: JsonObject, given: JsonObject, levels: int = _LEVELS) -> JsonObject:
    """Return what to set so that *given* becomes *wanted*."""
    found: JsonObject = {}
    for name, value in wanted.items():
        there = given.get(name)
        if name in _SERVERS_OWN or there == value:
            continue
        if levels and name in _GROUPS and isinstance(value, dict):
            inner = differing(value, there if isinstance(there, dict) else {}, levels - 1)
            if inner:
                found[name] = inner
        else:
            found[name] = value
    return found


def without(update: JsonObject, param: str) -> JsonObject | None:
    """Return *update* without what a server refused as ``session.…``; None where that is not in it."""
    names = param.split("[", maxsplit=1)[0].removeprefix("session.").split(".")
    return _less(update, names)


def _less(value: JsonObject, names: list[str]) -> JsonObject | None:
    name, deeper = names[0], names[1:]
    if name not in value:
        return None
    inner = value[name]
    if deeper and name in _GROUPS and isinstance(inner, dict):
        less = _less(inner, deeper)
        return None if less is None else {**value, name: less}
    return {key: kept for key, kept in value.items() if key != name}


def update_event(update: JsonObject, shown: JsonObject, dialect: Dialect, event_id: str) -> JsonObject:
    """Return the client event that sets *update* in a session like *shown*."""
    if dialect is Dialect.GA:
        kind = shown.get("type")
        told = {"type": kind if isinstance(kind, str) else "realtime", **update}
        return {"type": "session.update", "event_id": event_id, "session": told}
    is_apart = "transcription" in str(shown.get("object"))
    name = "transcription_session.update" if is_apart else "session.update"
    return {"type": name, "event_id": event_id, "session": update}
