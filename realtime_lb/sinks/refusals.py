"""Which refused sessions the log tells of: they come in crowds, so the first of each second, and a number."""

from __future__ import annotations

from attrs import define, field

from realtime_lb.typing import Clock

__all__ = ["Crowd"]


@define(eq=False)
class Crowd:
    """Picks the refusals that are written. Those for different reasons do not hide each other.

    Attributes:
        most_per_s: How many of each reason are written in any one second.
        clock: Monotonic seconds.
    """

    most_per_s: int
    clock: Clock
    _second: int = -1
    _written: dict[str | None, int] = field(factory=dict)
    _passed_over: dict[str | None, int] = field(factory=dict)

    def takes(self, reason: str | None) -> bool:
        """Count one more refused for *reason*, and say whether it is written."""
        second = int(self.clock())
        if second != self._second:
            self._second = second
            self._written.clear()
        count = self._written[reason] = self._written.get(reason, 0) + 1
        if count > self.most_per_s:
            self._passed_over[reason] = self._passed_over.get(reason, 0) + 1
        return count <= self.most_per_s

    def passed_over(self, reason: str | None) -> int:
        """Return how many for *reason* were not written since this was last asked."""
        return self._passed_over.pop(reason, 0)
