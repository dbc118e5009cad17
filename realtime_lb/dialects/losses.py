"""What a session has lost on its way up, each told once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

__all__ = ["Losses", "OnLoss"]

OnLoss: TypeAlias = Callable[[str, str], None]
"""Told the event's type and the dotted place of a field that was left out. Must not block or raise."""

MOST = 64
"""Fields that are told of in one session: a client that makes names up must not fill the log."""

_LONGEST = 200
_INDEX = re.compile(r"\[\d+\]")


class Losses:
    """Tells of each field once.

    Args:
        tell: Who is told.
    """

    __slots__ = ("_tell", "_told")

    def __init__(self, tell: OnLoss) -> None:
        self._tell = tell
        self._told: list[str] = []

    def note(self, event_type: str, place: str) -> None:
        """Say that *place* was left out of an event."""
        if len(self._told) >= MOST:
            return
        place = _INDEX.sub("[]", place[:_LONGEST])
        if place not in self._told:
            self._told.append(place)
            self._tell(event_type, place)
