"""Load, latency and headroom in one score: the strategy to use unless there is a reason for another."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from operator import attrgetter

from realtime_lb.abc import Candidate, Pick
from realtime_lb.requests import SessionRequest
from realtime_lb.strategies.loads import least, weights
from realtime_lb.strategies.scores import Scores
from realtime_lb.strategies.waits import usual_waits

__all__ = ["BALLAST", "BAND", "ENOUGH_HEADROOM", "SHORTEST_WAIT_S", "Adaptive"]

BALLAST = 0.25
"""This share of the busiest's load is added to everybody's. Without it an endpoint that fails at once, and so
is always empty, would look a hundred times better than one that carries a hundred sessions. With it, empty is
at most five times as good as busy: a wait of more than `BAND` x 2.3 times the shortest outweighs it."""

BAND = 1.25
"""Waits up to so many times the shortest are as good as it, so that noise does not move sessions."""

SHORTEST_WAIT_S = 0.01
"""Nobody notices less, and twice as little is not twice as good."""

ENOUGH_HEADROOM = 0.5
"""While so much of a quota is left, it does not matter how much. Below, the score grows with the square."""

LEAST_HEADROOM = 0.01
"""Treats an exhausted quota as this, so that the least bad of a wholly exhausted group can still be told."""

_SCARCEST = (ENOUGH_HEADROOM / LEAST_HEADROOM) ** 2

_RATES = (attrgetter("rpm"), attrgetter("tpm"))


class Adaptive:
    """The next session goes to the lowest score: load x latency x scarcity.

    - *load* = (live sessions + 1) / weight + `BALLAST` x the highest of the group. Alone it gives what
      ``least-busy`` does, since the same is added to all.
    - *latency* = max(1, expected wait / (`BAND` x the shortest one of the group)) squared, where
      the expected wait is `Candidate.usual_event_s` + `Candidate.usual_audio_s`; what is not known is as good
      as the best that is. A failure has been recorded as a long wait. These are averages: a peak grows with
      how many sessions there are to show one, and would send too many to the smallest. The square keeps an
      overload small where no weight tells of it.
    - *scarcity* = max(1, `ENOUGH_HEADROOM` / headroom) squared.

    Load x latency is the cost of Finagle's peak-EWMA balancer, which has it per request, of peaks, and
    without the band and the square; here it is over times that a caller waits, since a session's length is no
    latency. Every candidate is looked at; ties are broken at random.

    Where no candidate has a ``weight`` and all have an ``rpm``, else a ``tpm``, these are the weights.
    Weight 0 takes a session only where nobody else can.

    Args:
        rng: Where its randomness comes from; seed it to repeat its choices.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def pick(self, candidates: Sequence[Candidate], _request: SessionRequest, /) -> Pick:
        values = _scores(candidates)
        return Pick(candidate=least(candidates, values, self._rng), scores=Scores(candidates, values))


def _scores(candidates: Sequence[Candidate]) -> list[float]:
    shares, expected = _shares(candidates), usual_waits(candidates)
    loads = [
        (c.live_sessions + 1) / share if share else math.inf
        for c, share in zip(candidates, shares, strict=True)
    ]
    carried, borne = loads, expected
    if 0 in shares:  # who is not to carry anything is no measure for the others
        carried = [load for load in loads if load < math.inf]
        borne = [wait for wait, share in zip(expected, shares, strict=True) if share]
    ballast = BALLAST * max(carried)
    bearable = BAND * max(min(borne), SHORTEST_WAIT_S)
    # In one expression, with products for squares: a call or a power costs as much as all the rest.
    return [
        (load + ballast)
        * ((late := wait / bearable) * late if wait > bearable else 1.0)
        * (
            1.0
            if (headroom := c.headroom) >= ENOUGH_HEADROOM
            else (scarcity := ENOUGH_HEADROOM / headroom) * scarcity
            if headroom > LEAST_HEADROOM
            else _SCARCEST
        )
        for c, load, wait in zip(candidates, loads, expected, strict=True)
    ]


def _shares(candidates: Sequence[Candidate]) -> list[float]:
    """Return the weights, or what stands in for them; not all of them are 0."""
    if [c.deployment.weight for c in candidates].count(None) == len(candidates):
        for rate in _RATES:
            if rate(candidates[0].deployment) and all(given := [rate(c.deployment) for c in candidates]):
                return given
        return [1.0] * len(candidates)
    shares = weights(candidates)
    return shares if any(shares) else [1.0] * len(candidates)
