"""Telling the log what happens all the time, but not all the time."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define

from realtime_lb.typing import Clock

__all__ = ["Seldom"]

EVERY_S = 10.0


@define(eq=False)
class Seldom:
    """Says a thing at once, and again no sooner than `EVERY_S` later, with how often it has happened since.

    Attributes:
        say: Takes a line.
        clock: Monotonic seconds.
    """

    say: Callable[[str], object]
    clock: Clock
    _unsaid: int = 0
    _next_at_s: float = float("-inf")

    def tell(self, what: str) -> None:
        """Take in that *what* has happened."""
        now_s = self.clock()
        if now_s < self._next_at_s:
            self._unsaid += 1
            return
        more = f" ({self._unsaid} more since it was last said)" if self._unsaid else ""
        self._unsaid, self._next_at_s = 0, now_s + EVERY_S
        self.say(f"{what}{more}")
