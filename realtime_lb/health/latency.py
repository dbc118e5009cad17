"""How long to expect to wait: recent peaks that fade by time, and failures as long waits.

The average of a latency hides the endpoint that stalls, and a moving average over *samples* forgets nothing
while nobody asks. So, as in Finagle's peak-EWMA (``com.twitter.finagle.loadbalancer.PeakEwma``), a value
rises at once and falls by time. Finagle lets it fall to zero, which suits thousands of requests a second;
here it falls to what is usual for the deployment, since one that is picked once a minute would otherwise look
fast for no other reason than that.

How long a failure keeps a deployment away: a penalty p falls to x after `TAU_S` x ln(p / x). So 5 s are down
to 1 s after 16 s, and 300 s after 57 s, well before the delay that they stand for is over. A recovered
deployment is never kept out for longer than its cooldown and about a minute.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque

from attrs import define, field

from realtime_lb.verdicts import Meaning, Verdict

__all__ = ["History", "PeakEwma", "Penalty", "cost_s"]

TAU_S = 10.0
"""What lies above the usual falls to 37 % of itself in this time (Finagle's ``decayTime`` default)."""

WINDOW_S = 120.0
"""The usual value is the lowest of so long a time. Long enough to span a bad minute, after which an endpoint
is found again at once; short enough to learn soon that it has become slower for good."""

SLICES = 10
"""The window moves on by this part of itself."""

MEMORY_S = 300.0
"""After so long without news a value begins to fade: whoever has been left alone for it is tried again."""

FADE_S = 60.0
"""It fades for so long, and is then unknown. Fading slowly lets a slow endpoint back in a session at a time;
were it forgotten at once, it would get all of the next ones."""

FADE_TAU_S = 20.0
"""How fast it fades: to 5 % in `FADE_S`."""

MEAN_TAU_S = 20.0
"""What a measurement counts for in an average falls to 37 % in this time: a few answers of each deployment,
and soon enough to see an overload before many more sessions have been sent into it."""

MEAN_FADE_S = 60.0
"""How fast an average falls once there has been silence for `MEAN_TAU_S`: what was ten times as slow, and has
had no session since, is tried again after about two minutes."""

OUTLIER = 4.0
"""So many times the average is no noise: lognormal waits with a spread of 0.35 exceed it once in 50,000."""

FAILURE_S = 5.0
"""A failure counts as such a wait: what a dial may take (`RoutingSettings.dial_timeout_s`)."""

SHORTEST_PENALTY_S = 1.0
"""A rate limit that asks for no delay has cost somebody a session all the same."""

LONGEST_PENALTY_S = 300.0
"""The longest delay that is believed, as `HealthSettings.ejection_max_s`."""

NEGLIGIBLE_S = 0.5
"""A penalty that has fallen below this, where nothing else is known, is no longer taken for a latency."""

HISTORY_DIALS = 100
HISTORY_S = 600.0
LEAST_DIALS = 20
"""Of fewer, a 95th percentile is their maximum, or close to it."""

PERCENTILE = 0.95

_SPEAKS_AGAINST = frozenset(
    {
        Meaning.UNREACHABLE,
        Meaning.TRANSIENT,
        Meaning.RATE_LIMITED,
        Meaning.BAD_CREDENTIAL,
        Meaning.QUOTA_EXHAUSTED,
        Meaning.WRONG_CONFIG,
    }
)


def cost_s(verdict: Verdict) -> float | None:
    """Return the wait, in seconds, that *verdict* counts as; None if it does not speak against anybody."""
    if verdict.meaning not in _SPEAKS_AGAINST:
        return None
    delay_s = verdict.delay_s
    if verdict.meaning is not Meaning.RATE_LIMITED or delay_s is None or not math.isfinite(delay_s):
        return FAILURE_S
    return min(max(delay_s, SHORTEST_PENALTY_S), LONGEST_PENALTY_S)


@define
class PeakEwma:
    """A latency that rises at once and falls by time, to the lowest of the last `WINDOW_S`.

    Between two records it only falls. All times are seconds of one monotonic clock.
    """

    _peak_s: float = field(default=0.0, init=False)
    _usual_s: float = field(default=0.0, init=False)
    _at_s: float | None = field(default=None, init=False)
    _lows: deque[tuple[int, float]] = field(factory=lambda: deque(maxlen=SLICES + 1), init=False)

    def record(self, value_s: float, now_s: float) -> None:
        """Take one measurement in."""
        self._note_low(value_s, int(now_s // (WINDOW_S / SLICES)))
        self._usual_s = min(low for _, low in self._lows)
        if self._at_s is None or value_s >= self._peak_s:
            self._peak_s = value_s
        else:
            kept = math.exp((self._at_s - now_s) / TAU_S)
            self._peak_s = value_s + (self._peak_s - value_s) * kept
        self._at_s = now_s

    def value(self, now_s: float) -> float | None:
        """Return what to expect now, in seconds; None where nothing is known, or only of long ago."""
        if self._at_s is None:
            return None
        age_s = now_s - self._at_s
        value_s = self._usual_s + (self._peak_s - self._usual_s) * math.exp(-age_s / TAU_S)
        if age_s <= MEMORY_S:
            return value_s
        if age_s >= MEMORY_S + FADE_S:
            return None
        return value_s * math.exp((MEMORY_S - age_s) / FADE_TAU_S)

    def _note_low(self, value_s: float, part: int) -> None:
        while self._lows and self._lows[0][0] < part - SLICES:
            self._lows.popleft()
        if self._lows and self._lows[-1][0] == part:
            value_s = min(value_s, self._lows.pop()[1])
        self._lows.append((part, value_s))


@define
class Mean:
    """A latency's average, in which a measurement counts the less the older it is.

    A peak grows with the number of measurements, so by peaks whoever serves most sessions looks slowest, and
    the smallest of a group gets more than it can carry. An average only gets steadier. What is far above it
    is no noise, though, and counts at once, as a peak does.
    """

    _sum_s: float = field(default=0.0, init=False)
    _weight: float = field(default=0.0, init=False)
    _at_s: float = field(default=0.0, init=False)
    _peak_s: float = field(default=0.0, init=False)
    _peak_at_s: float = field(default=0.0, init=False)

    def record(self, value_s: float, now_s: float) -> None:
        """Take one measurement in."""
        if self._weight and value_s > OUTLIER * self._sum_s / self._weight:
            self._peak_s, self._peak_at_s = max(value_s, self._left_s(now_s)), now_s
        kept = math.exp((self._at_s - now_s) / MEAN_TAU_S)
        self._sum_s = self._sum_s * kept + value_s
        self._weight = self._weight * kept + 1.0
        self._at_s = now_s

    def value(self, now_s: float) -> float | None:
        """Return what to expect now, in seconds; None where nothing is known, or only of long ago."""
        silent_s = now_s - self._at_s
        if not self._weight or silent_s >= MEMORY_S + FADE_S:
            return None
        average_s = max(self._sum_s / self._weight, self._left_s(now_s))
        return average_s * math.exp(-max(silent_s - MEAN_TAU_S, 0.0) / MEAN_FADE_S)

    def _left_s(self, now_s: float) -> float:
        """Return what is left of the last one that was far above."""
        return self._peak_s * math.exp((self._peak_at_s - now_s) / TAU_S)


@define
class Penalty:
    """What failures count as: a wait that falls by time to nothing.

    An endpoint that has been failing for a minute is likely to fail for another one, so a failure counts as
    no less than the time since the first of its row, up to `LONGEST_PENALTY_S`. That is what exponential
    backoff comes to, but a burst of failures is one. A row ends with a success, or with `MEMORY_S` of
    silence.
    """

    _peak_s: float = field(default=0.0, init=False)
    _at_s: float = field(default=0.0, init=False)
    _since_s: float | None = field(default=None, init=False)

    def add(self, wait_s: float, now_s: float) -> None:
        """Note a failure, or a dial given up, that counts as *wait_s*."""
        if self._since_s is None or now_s - self._at_s > MEMORY_S:
            self._since_s = now_s
        failing_s = min(now_s - self._since_s, LONGEST_PENALTY_S)
        self._peak_s = max(wait_s, failing_s, self.value(now_s))
        self._at_s = now_s

    def end_row(self) -> None:
        """Note a success. What has been noted keeps falling at its own pace: one success is no proof."""
        self._since_s = None

    def value(self, now_s: float) -> float:
        """Return what is left of it, in seconds."""
        return self._peak_s * math.exp((self._at_s - now_s) / TAU_S)


@define
class History:
    """The recent accepted dials, for a percentile: each open asks for one, so they are kept in order."""

    _dials: deque[tuple[float, float]] = field(factory=deque, init=False)
    _in_order_s: list[float] = field(factory=list, init=False)

    def add(self, value_s: float, now_s: float) -> None:
        """Note a dial that took *value_s*."""
        if len(self._dials) == HISTORY_DIALS:
            self._forget_one()
        self._dials.append((now_s, value_s))
        insort(self._in_order_s, value_s)

    def _forget_one(self) -> None:
        _, value_s = self._dials.popleft()
        del self._in_order_s[bisect_left(self._in_order_s, value_s)]

    def percentile(self, now_s: float) -> float | None:
        """Return the 95th percentile of the last `HISTORY_S`; None of fewer than `LEAST_DIALS`.

        By nearest rank, upward: a time that one of the dials took, and that 95 % of them did not exceed.
        """
        while self._dials and self._dials[0][0] < now_s - HISTORY_S:
            self._forget_one()
        count = len(self._in_order_s)
        return None if count < LEAST_DIALS else self._in_order_s[math.ceil(PERCENTILE * count) - 1]
