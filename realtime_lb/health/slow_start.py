"""Slow start: a deployment that comes back gets its share of new sessions back little by little.

It comes back with no live sessions. Any strategy that looks at those would send it every new one, and it
would fail again under a load that it never had before. HAProxy's ``slowstart`` raises the weight; that does
not help where a count of zero beats any weight. So what is raised here is the *rate of admissions*: with each
session that is placed in its group, a deployment in slow start gains a part of a credit, and it may be picked
when it has a whole one.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define

from realtime_lb.deployments import Deployment

__all__ = ["FIRST_SHARE", "Ramp", "fair_shares"]

FIRST_SHARE = 0.1
"""Envoy's default for the weight that slow start begins with (``min_weight_percent``)."""

MOST_CREDIT = 2.0
"""What is not used at once is not lost, but is no reason for a burst either."""


@define
class Ramp:
    """One deployment's way back.

    Attributes:
        since_s: When it came back.
        span_s: How long it takes to get its whole share.
        credit: How many sessions it may take now.
    """

    since_s: float
    span_s: float
    credit: float = 0.0

    def over(self, now_s: float) -> bool:
        """Whether it has got its whole share."""
        return now_s - self.since_s >= self.span_s

    def level(self, now_s: float) -> float:
        """Return the part of its share that it gets now: from `FIRST_SHARE` straight up to 1."""
        if self.over(now_s):
            return 1.0
        return FIRST_SHARE + (1.0 - FIRST_SHARE) * (now_s - self.since_s) / self.span_s

    def left_s(self, now_s: float) -> float:
        """Return how long it is until it has."""
        return max(0.0, self.since_s + self.span_s - now_s)

    def earn(self, now_s: float, share: float) -> None:
        """Take part in one admission to the group, of which *share* is fair."""
        self.credit = min(MOST_CREDIT, self.credit + self.level(now_s) * share)

    def spend(self) -> None:
        """Take one session."""
        self.credit = max(0.0, self.credit - 1.0)

    @property
    def ready(self) -> bool:
        """Whether it may take a session."""
        return self.credit >= 1.0


def fair_shares(deployments: Iterable[Deployment]) -> dict[str, float]:
    """Return which part of new sessions each of *deployments* would get by weight, by id.

    Those of another tier do not count: they get sessions only where a deployment's own tier has no room.
    """
    tiers: dict[int | None, list[Deployment]] = {}
    for deployment in deployments:
        tiers.setdefault(deployment.order, []).append(deployment)
    shares: dict[str, float] = {}
    for tier in tiers.values():
        total = sum(map(_weight, tier))
        shares |= {d.id: _weight(d) / total if total > 0 else 1.0 / len(tier) for d in tier}
    return shares


def _weight(deployment: Deployment) -> float:
    return 1.0 if deployment.weight is None else max(0.0, deployment.weight)
