"""Frames at their due times: an open loop, which a slow proxy cannot slow down."""

from __future__ import annotations

import array
import heapq
import time
from collections.abc import Callable

from attrs import define, field

from benchmarks.rig.timers import Timer

__all__ = ["Pacer"]

MOST_AT_ONCE = 64


@define(slots=True, eq=False)
class Pacer:
    """Calls actions, each with its period, for as long as it runs.

    Attributes:
        tick_ns: How far apart its turns are at least: what falls due between two of them is called in a heap.
        lateness_ns: How far behind its due time each action was called. What is late here was late before the
            proxy had it, and is not in any latency; much of it says that the rig has too little CPU.
    """

    tick_ns: int = 0
    lateness_ns: array.array[int] = field(factory=lambda: array.array("q"))
    _due: list[tuple[int, int, int, Callable[[], None]]] = field(factory=list)
    _timer: Timer | None = None

    def add(self, period_ns: int, phase_ns: int, action: Callable[[], None]) -> None:
        """Call *action* every *period_ns*, first *phase_ns* from now."""
        first = time.monotonic_ns() + phase_ns
        # The number keeps two actions of one due time from being compared.
        heapq.heappush(self._due, (first, len(self._due), period_ns, action))

    def start(self) -> None:
        """Begin."""
        self._timer = Timer(self._send_what_is_due)
        self._send_what_is_due()

    def stop(self) -> None:
        """Call nothing any more."""
        if self._timer is not None:
            self._timer.close()
            self._timer = None

    def _send_what_is_due(self) -> None:
        due = self._due
        # A turn that does not end would leave no time to receive.
        for _ in range(MOST_AT_ONCE):
            when, number, period, action = due[0]
            now = time.monotonic_ns()
            if now < when:
                break
            self.lateness_ns.append(now - when)
            action()
            heapq.heapreplace(due, (when + period, number, period, action))
        if self._timer is not None:
            self._timer.set(max(due[0][0], time.monotonic_ns() + self.tick_ns))
