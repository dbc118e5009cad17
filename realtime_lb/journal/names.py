"""Ids that a client and its new upstream know differently, and how each is told its own."""

from __future__ import annotations

import json

from realtime_lb.typing import JsonObject

__all__ = ["Names", "written"]


def written(event: JsonObject) -> bytes:
    """Return an event as text."""
    return json.dumps(event, separators=(",", ":")).encode()


class Names:
    """Replaces ids in events that are otherwise left as they are, sound included."""

    __slots__ = ("_down", "_up")

    def __init__(self) -> None:
        self._down: dict[bytes, bytes] = {}
        self._up: dict[bytes, bytes] = {}

    def rename(self, theirs: str, ours: str) -> None:
        """Have the client know as *ours* what the upstream calls *theirs*."""
        if theirs != ours:
            new, old = _token(theirs), _token(ours)
            self._down[new], self._up[old] = old, new

    def forget(self, theirs: str) -> None:
        """Undo `rename`."""
        ours = self._down.pop(_token(theirs), None)
        if ours is not None:
            self._up.pop(ours, None)

    def shown(self, theirs: str) -> str:
        """Return what the client calls something of the upstream's."""
        ours = self._down.get(_token(theirs))
        return theirs if ours is None else str(json.loads(ours))

    def down(self, payload: bytes | memoryview) -> bytes | memoryview:
        """Return an upstream's event with the client's ids; *payload* itself where none is replaced."""
        return _replaced(payload, self._down)

    def up(self, payload: bytes | memoryview) -> bytes | memoryview:
        """Return a client's event with the upstream's ids; *payload* itself where none is replaced."""
        return _replaced(payload, self._up)


def _replaced(payload: bytes | memoryview, names: dict[bytes, bytes]) -> bytes | memoryview:
    if not names:
        return payload
    named = bytes(payload)
    for old, new in names.items():
        named = named.replace(old, new)
    return payload if named == payload else named


def _token(name: str) -> bytes:
    """Return an id as it stands in JSON. Nothing but a whole string can be equal to it there."""
    return json.dumps(name).encode()
