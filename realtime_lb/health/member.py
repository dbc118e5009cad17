"""One deployment's health: what verdicts do to its breaker, and how long each time out of use is."""

from __future__ import annotations

import math
import random

from attrs import define, field

from realtime_lb.health.breaker import Breaker, State, Trigger
from realtime_lb.health.slow_start import Ramp
from realtime_lb.health.tally import Streak, Window
from realtime_lb.settings import HealthSettings
from realtime_lb.verdicts import Meaning, Verdict

__all__ = ["NEUTRAL", "Member"]

NEUTRAL = frozenset({Meaning.CALLERS_FAULT, Meaning.BENIGN, Meaning.SESSION_ENDED})
"""What says nothing about the deployment."""

_PASSING = frozenset({State.COOLING, State.EXHAUSTED})
"""Being out for these is no failure, and one failed probe does not make it one."""

_MINUTE_S = 60.0


@define
class Member:
    """A deployment that has been dialled. Times are of the clock that its callers read.

    Attributes:
        settings: The limits.
        rng: Where the jitter of ejections comes from.
        breaker: Whether sessions may come.
        dials: What went wrong in a row when sessions were opened.
        talks: What went wrong in a row in open sessions. Apart from `dials`, so that a deployment which
            accepts every session and then fails it is not taken for a healthy one.
        recent: Results of late dials.
        minute: Failures of the last minute; kept only where they have a limit.
        ramp: Its way back, while it is on it.
        ejections: How often in a row it was ejected.
        ended_s: When the last of them was, or is, over.
        tried_s: When it was last dialled or heard of.
        still_opens: What it cools down for is a rate limit of responses: it would open sessions all the same.
    """

    settings: HealthSettings
    rng: random.Random
    breaker: Breaker = field(factory=Breaker)
    dials: Streak = field(factory=Streak)
    talks: Streak = field(factory=Streak)
    recent: Window = field(init=False)
    minute: Window = field(factory=lambda: Window(_MINUTE_S))
    ramp: Ramp | None = None
    ejections: int = 0
    ended_s: float = -math.inf
    tried_s: float = -math.inf
    still_opens: bool = False

    def __attrs_post_init__(self) -> None:
        self.recent = Window(self.settings.window_s)

    def plain(self, now_s: float) -> bool:
        """Whether there is nothing to remember when choosing."""
        return self.breaker.state is State.CLOSED and (self.ramp is None or self.ramp.over(now_s))

    @property
    def hard(self) -> bool:
        """Whether it has failed without any success for as long as takes to be ejected for that alone."""
        return self._dials_in_a_row() or self._talks_in_a_row()

    def take(self, verdict: Verdict, now_s: float, *, live: bool) -> None:
        """Take a verdict in.

        Args:
            verdict: What a dial or something in a session meant. A refused credential counts as a failure
                here; of a dial, it is not the deployment's own and must not come here.
            now_s: When.
            live: It is about an open session, not about a dial.
        """
        self.tried_s = now_s
        self.talks.forget(now_s, self.settings.ejection_max_s)
        match verdict.meaning:
            case Meaning.OK:
                self._went_well(now_s, live=live)
            case Meaning.RATE_LIMITED:
                self._limited(verdict, now_s, self.talks if live else self.dials)
            case Meaning.QUOTA_EXHAUSTED:
                until_s = now_s + self.settings.ejection_max_s
                self.breaker.on(Trigger.SPENT, now_s, until_s=until_s, reason=verdict.meaning)
            case meaning if meaning in NEUTRAL:
                if not live:  # it was the probe, and nobody knows more now than before
                    self.breaker.on(Trigger.FREED, now_s)
            case _:
                self._failed(verdict, now_s, live=live)

    def _went_well(self, now_s: float, *, live: bool) -> None:
        was_hard = self.hard
        (self.talks if live else self.dials).clear()
        if not live:
            self.recent.add(now_s, failed=False)
        if self.breaker.state is State.HALF_OPEN:
            # An exhausted quota lets sessions open and fails their responses; all else shows at the dial.
            # A response in a session that was there before proves no dial.
            if live == (self.breaker.origin is State.EXHAUSTED):
                self.come_back(now_s)
        elif was_hard and not self.hard:
            self.breaker.hurry(now_s)

    def come_back(self, now_s: float) -> None:
        """Close the breaker; start slowly after anything but a short cooldown, in which load hardly fell."""
        out_s = now_s - self.breaker.since_s
        passing = self.breaker.origin in _PASSING
        self.breaker.on(Trigger.PROVEN, now_s)
        self.recent.clear()
        self.minute.clear()
        # What went wrong in talks stays counted: a dial proves nothing of responses, and the next that fails
        # is one too many again.
        if not passing or out_s >= self.settings.slow_start_s:
            self.start_slowly(now_s)

    def start_slowly(self, now_s: float) -> None:
        """Begin the way back to the whole share of new sessions."""
        self.ramp = Ramp(now_s, self.settings.slow_start_s)

    def _limited(self, verdict: Verdict, now_s: float, streak: Streak) -> None:
        delay_s, cooling = verdict.delay_s, self.breaker.state is State.COOLING
        self.still_opens = streak is self.talks and (self.still_opens or not cooling)
        if delay_s is None:
            if self.breaker.state is State.COOLING and not self.breaker.due(now_s):
                return  # another session tells of the same limit
            shortest_s = self.settings.cooldown_s
            longest_s = max(shortest_s, self.settings.cooldown_max_s)
            delay_s = min(shortest_s * 2 ** min(streak.limited, 30), longest_s)
            streak.was_limited(now_s)
        self.breaker.on(Trigger.LIMITED, now_s, until_s=now_s + delay_s, reason=verdict.meaning)

    def _failed(self, verdict: Verdict, now_s: float, *, live: bool) -> None:
        streak = self.talks if live else self.dials
        lasting = verdict.meaning in {Meaning.UNREACHABLE, Meaning.WRONG_CONFIG}
        streak.failed(now_s, unanswered=lasting and not live)
        if not live:
            self.recent.add(now_s, failed=True)
        if self.settings.allowed_fails is not None:
            self.minute.add(now_s, failed=True)
        if self.breaker.state is State.HALF_OPEN and not live:
            self._probe_failed(verdict, now_s)
        elif self._too_many(now_s, live=live):
            self._eject(verdict, now_s)
        elif verdict.delay_s is not None and self.breaker.state is State.CLOSED:
            # It asks to be left alone, as a 503 with Retry-After does. That is no ejection to count.
            delay_s = min(verdict.delay_s, self.settings.ejection_max_s)
            self.breaker.on(Trigger.TRIPPED, now_s, until_s=now_s + delay_s, reason=verdict.meaning)

    def _probe_failed(self, verdict: Verdict, now_s: float) -> None:
        early = now_s < self.breaker.until_s  # its group was down: that it still is comes as no surprise
        passing = self.breaker.origin in _PASSING and not self._too_many(now_s, live=False)
        if early or passing:
            self.breaker.on(Trigger.FREED, now_s)
        else:
            self._eject(verdict, now_s)

    def _too_many(self, now_s: float, *, live: bool) -> bool:
        """Whether a failure just counted is one too many, among those of its own kind or among all."""
        settings = self.settings
        if settings.allowed_fails is not None and self.minute.failures > settings.allowed_fails:
            return True
        if live:
            return self._talks_in_a_row()
        share = self.recent.share(now_s)
        often = len(self.recent) >= settings.window_least and share >= settings.failure_share
        return often or self._dials_in_a_row()

    def _dials_in_a_row(self) -> bool:
        settings = self.settings
        unanswered = self.dials.unanswered >= settings.unreachable_limit
        return unanswered or self.dials.failures >= settings.failure_limit

    def _talks_in_a_row(self) -> bool:
        return self.talks.failures >= self.settings.failure_limit

    def _eject(self, verdict: Verdict, now_s: float) -> None:
        if self.breaker.state in {State.EJECTED, State.EXHAUSTED}:
            return  # told by a dial or a session that began before
        settings = self.settings
        self.ejections = self._ejections_before(now_s) + 1
        length_s = settings.ejection_s * self.ejections
        if verdict.meaning is Meaning.WRONG_CONFIG:
            length_s = settings.ejection_max_s  # it needs somebody to mend it
        length_s = min(max(length_s, verdict.delay_s or 0.0), settings.ejection_max_s)
        length_s *= 1 + settings.ejection_jitter * self.rng.random()
        self.ended_s = now_s + length_s
        self.breaker.on(Trigger.TRIPPED, now_s, until_s=self.ended_s, reason=verdict.meaning)

    def _ejections_before(self, now_s: float) -> int:
        """Return how many ejections still count: one less for each interval since the last (gRPC A50)."""
        count, base_s = self.ejections, self.settings.ejection_s
        if not count or base_s <= 0:
            return 0
        if self.breaker.origin is not State.EJECTED and now_s > self.ended_s:
            count -= min(count, int((now_s - self.ended_s) // base_s))
        longest = math.ceil(self.settings.ejection_max_s / base_s)
        return min(count, longest - 1)  # more would make it no longer, and take longer to forget
