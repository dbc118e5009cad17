"""Finding out that a peer has begun a message and does not finish it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from realtime_lb.frames import Close

__all__ = ["UNFINISHED", "Assembly"]

UNFINISHED = Close(1008, "a message took too long")

LOOKS = 6
"""In the time that a message may take, which is kept to that part of it: one of 30 s ends after 25 to 30."""

TOGETHER = 20
"""Looks fall on this part of the time between two. So those of many idle connections come in one turn of the
loop: to be woken for each costs ten times as much as the look."""


def _never() -> bool:
    """Say that nothing is under way."""
    return False


def _nothing() -> None:
    """Nobody wants to know."""


class Assembly:
    """Gives up a peer whose message is under way for too long, however steadily its bytes come.

    One timer a connection, set a few times in that time: no frame touches it.

    Args:
        limit_s: How long a message may take from its first byte to its last.
        is_under_way: Looks whether part of a message has come, and not all of it.
        on_late: Called once, when it has been for too long.
    """

    __slots__ = ("_is_under_way", "_limit_s", "_on_late", "_seen", "_timer")

    def __init__(self, limit_s: float, is_under_way: Callable[[], bool], on_late: Callable[[], None]) -> None:
        self._limit_s = limit_s
        self._is_under_way = is_under_way
        self._on_late = on_late
        self._seen = 0
        self._look_again()

    def _look_again(self) -> None:
        loop, period_s = asyncio.get_running_loop(), self._limit_s / LOOKS
        grain_s = period_s / TOGETHER
        at_s = (loop.time() + period_s) // grain_s * grain_s
        self._timer = loop.call_at(at_s, self._look)

    def _look(self) -> None:
        """At the first look a message may have begun right after the one before."""
        self._seen = self._seen + 1 if self._is_under_way() else 0
        if self._seen == LOOKS:
            self._on_late()
        else:
            self._look_again()

    def restart(self) -> None:
        """Take in that a message was finished, or that it was us who did not read on."""
        self._seen = 0

    def stop(self) -> None:
        """Look no more, and refer to nobody. Idempotent."""
        self._timer.cancel()
        self._is_under_way, self._on_late = _never, _nothing
