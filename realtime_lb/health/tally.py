"""What is counted of a deployment: failures in a row, and their share of late."""

from __future__ import annotations

import math
from collections import deque

from attrs import define, field

__all__ = ["Streak", "Window"]


@define
class Streak:
    """What has gone wrong in a row, of dials or of what follows them.

    Attributes:
        failures: Failures of any kind since the last success.
        unanswered: Those among them that came to no session for reasons that do not pass by themselves.
        limited: Rate limits that named no delay.
        last_s: When the last of all these was.
    """

    failures: int = 0
    unanswered: int = 0
    limited: int = 0
    last_s: float = -math.inf

    def failed(self, now_s: float, *, unanswered: bool) -> None:
        """Count one failure."""
        self.failures += 1
        self.unanswered += unanswered
        self.last_s = now_s

    def was_limited(self, now_s: float) -> None:
        """Count one rate limit that named no delay."""
        self.limited += 1
        self.last_s = now_s

    def clear(self) -> None:
        """Start anew: something went well."""
        self.failures = self.unanswered = self.limited = 0

    def forget(self, now_s: float, after_s: float) -> None:
        """Start anew if the last of it was *after_s* or more ago: what lies so far apart is no row."""
        if now_s - self.last_s >= after_s:
            self.clear()


@define
class Window:
    """Results of the last `span_s` seconds, each counted as long as it is in there and no longer.

    At most `most` are kept, the latest: their share says as much, and memory has a bound at any rate.
    """

    span_s: float
    most: int = 4096
    failures: int = 0
    _results: deque[tuple[float, bool]] = field(factory=deque)

    def add(self, now_s: float, *, failed: bool) -> None:
        """Count one result."""
        self._results.append((now_s, failed))
        self.failures += failed
        self.forget(now_s)

    def forget(self, now_s: float) -> None:
        """Drop what has grown too old."""
        while self._results and (
            now_s - self._results[0][0] >= self.span_s or len(self._results) > self.most
        ):
            self.failures -= self._results.popleft()[1]

    def clear(self) -> None:
        """Drop everything."""
        self._results.clear()
        self.failures = 0

    def __len__(self) -> int:
        return len(self._results)

    def share(self, now_s: float) -> float:
        """Return the share of failures; 0 where there are no results."""
        self.forget(now_s)
        return self.failures / len(self) if self._results else 0.0
