"""How good each deployment has been: latencies, and what is left of its quota."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from attrs import define, evolve, field

from realtime_lb.abc import Candidate
from realtime_lb.deployments import Deployment
from realtime_lb.health.latency import FAILURE_S, NEGLIGIBLE_S, History, Mean, PeakEwma, Penalty, cost_s
from realtime_lb.health.quota import Quota
from realtime_lb.typing import Clock, JsonObject
from realtime_lb.verdicts import Verdict

__all__ = ["Signals"]

STILL_S = 0.1
"""For so long a candidate stays as it was seen unless something happens to it: of what fades by time, a
hundredth is gone then. In a rush, where many choose among many, only what has changed is worked out."""


class Signals:
    """Remembers what sessions showed of the deployments that serve them.

    Args:
        clock: Monotonic seconds.
        prices: US dollars per minute of talk, by deployment id; without those whose price is not known.
    """

    def __init__(self, clock: Clock, prices: Mapping[str, float]) -> None:
        self._clock = clock
        self._prices = prices
        self._known: dict[str, _Known] = {}

    def reload(self, prices: Mapping[str, float], forgotten: Iterable[str]) -> None:
        """Go by other *prices* from now on, and forget all of deployments that are none any more."""
        self._prices = prices
        for deployment_id in forgotten:
            self._known.pop(deployment_id, None)

    def candidate(self, deployment: Deployment, live_sessions: int) -> Candidate:
        """Return what a strategy may know of *deployment* now."""
        known = self._known.get(deployment.id)
        if known is None:
            price = self._prices.get(deployment.id)
            return Candidate(deployment=deployment, live_sessions=live_sessions, price_per_minute=price)
        now_s, seen = self._clock(), known.seen
        if seen is None or now_s - known.seen_s >= STILL_S or seen.deployment is not deployment:
            seen, known.seen_s = self._seen(known, deployment, live_sessions, now_s), now_s
        elif seen.live_sessions != live_sessions:
            seen = evolve(seen, live_sessions=live_sessions)
        known.seen = seen
        return seen

    def _seen(self, known: _Known, deployment: Deployment, live_sessions: int, now_s: float) -> Candidate:
        return Candidate(
            deployment=deployment,
            live_sessions=live_sessions,
            first_event_s=known.first_event_s(now_s),
            first_audio_s=known.answers.value(now_s),
            usual_event_s=known.usual_event_s(now_s),
            usual_audio_s=known.usual_answers.value(now_s),
            headroom=known.quota.headroom(deployment.rpm, deployment.tpm, now_s),
            price_per_minute=self._prices.get(deployment.id),
        )

    def opened(self, deployment_id: str, first_event_s: float) -> None:
        """Note how long an accepted dial took to its first event."""
        known, now_s = self._of(deployment_id), self._clock()
        known.opens.record(first_event_s, now_s)
        known.usual_opens.record(first_event_s, now_s)
        known.dials.add(first_event_s, now_s)
        known.penalty.end_row()
        known.overtaken.end_row()

    def answered(self, deployment_id: str, first_audio_s: float) -> None:
        """Note how long the first audio or token took after the end of a turn."""
        known, now_s = self._of(deployment_id), self._clock()
        known.answers.record(first_audio_s, now_s)
        known.usual_answers.record(first_audio_s, now_s)

    def failed(self, deployment_id: str, verdict: Verdict) -> None:
        """Note a verdict that speaks against the deployment, as a long time; leave out one that does not."""
        if (wait_s := cost_s(verdict)) is not None:
            self._of(deployment_id).penalty.add(wait_s, self._clock())

    def outpaced(self, deployment_id: str, waited_s: float) -> None:
        """Note a dial that another one overtook: it had taken *waited_s* and was not done.

        Its true time is unknown, so it raises the expectation but is no part of what is usual. For the
        percentile it is one that took at least as long: were it left out, the percentile would be of those
        alone that were fast enough not to be overtaken, and fall from hedge to hedge.
        """
        known, now_s = self._of(deployment_id), self._clock()
        known.overtaken.add(waited_s, now_s)
        known.usual_opens.record(waited_s, now_s)
        known.dials.add(min(waited_s, known.dials.percentile(now_s) or waited_s), now_s)

    def abandoned(self, deployment_id: str, waited_s: float) -> None:
        """Note a dial that nobody waits for any more: it says something if it had taken long for its kind."""
        if waited_s > (self.hedge_after_s(deployment_id) or FAILURE_S):
            self._of(deployment_id).overtaken.add(waited_s, self._clock())

    def used(self, deployment_id: str, tokens: int) -> None:
        """Note one response, and the tokens that it was billed for."""
        self._of(deployment_id).quota.used(tokens, self._clock())

    def limited(self, deployment_id: str, rate_limits: Sequence[JsonObject]) -> None:
        """Note what a ``rate_limits.updated`` event says is left. Never raises, whatever that holds."""
        self._of(deployment_id).quota.limited(rate_limits, self._clock())

    def hedge_after_s(self, deployment_id: str) -> float | None:
        """Return the 95th percentile of recent accepted dials; None where there were fewer than 20."""
        known = self._known.get(deployment_id)
        return None if known is None else known.dials.percentile(self._clock())

    def _of(self, deployment_id: str) -> _Known:
        """Return what is known of a deployment, to be changed."""
        known = self._known.get(deployment_id) or self._known.setdefault(deployment_id, _Known())
        known.seen = None
        return known


@define
class _Known:
    """All that is remembered of one deployment, and what was last seen of it."""

    opens: PeakEwma = field(factory=PeakEwma)
    answers: PeakEwma = field(factory=PeakEwma)
    usual_opens: Mean = field(factory=Mean)
    usual_answers: Mean = field(factory=Mean)
    penalty: Penalty = field(factory=Penalty)
    overtaken: Penalty = field(factory=Penalty)
    dials: History = field(factory=History)
    quota: Quota = field(factory=Quota)
    seen: Candidate | None = None
    seen_s: float = 0.0

    def first_event_s(self, now_s: float) -> float | None:
        """Return how long an open may take: the recent peak, or as a failure or an overtaken dial counts."""
        penalty_s = max(self.penalty.value(now_s), self.overtaken.value(now_s))
        return _longer(self.opens.value(now_s), penalty_s)

    def usual_event_s(self, now_s: float) -> float | None:
        """Return how long an open takes on average, or as a failure counts."""
        return _longer(self.usual_opens.value(now_s), self.penalty.value(now_s))


def _longer(known_s: float | None, penalty_s: float) -> float | None:
    if known_s is None:
        return penalty_s if penalty_s >= NEGLIGIBLE_S else None
    return max(known_s, penalty_s)
