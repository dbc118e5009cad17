"""How busy a candidate is for its weight, and how one of the best is drawn: what most strategies share."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from realtime_lb.abc import Candidate

__all__ = ["least", "loads", "weights", "willing"]


def weights(candidates: Sequence[Candidate]) -> list[float]:
    """Return each candidate's weight: 1 where none is set, 0 for who is to come last."""
    given = [c.deployment.weight for c in candidates]
    return [1.0 if weight is None else weight if weight > 0 else 0.0 for weight in given]


def willing(candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    """Return those of a positive weight, or all where there is none: weight 0 serves when nobody else can."""
    chosen = [c for c, weight in zip(candidates, weights(candidates), strict=True) if weight > 0]
    return chosen or candidates


def loads(candidates: Sequence[Candidate]) -> list[float]:
    """Return (live sessions + 1) / weight for each: infinite for weight 0.

    Counting the session that is about to be placed is what lets an idle deployment of weight 9 come before
    an idle one of weight 1, as HAProxy's ``leastconn`` has it.
    """
    return [
        c.live_sessions + 1.0
        if (weight := c.deployment.weight) is None
        else (c.live_sessions + 1) / weight
        if weight > 0
        else math.inf
        for c in candidates
    ]


def least(candidates: Sequence[Candidate], scores: Sequence[float], rng: random.Random) -> Candidate:
    """Return the candidate of the lowest score, drawn at random where several have it.

    Where all scores are infinite, the fewest live sessions count.
    """
    lowest = min(scores)
    if lowest == math.inf:
        scores = [float(c.live_sessions) for c in candidates]
        lowest = min(scores)
    if scores.count(lowest) == 1:
        return candidates[scores.index(lowest)]
    return rng.choice([c for c, score in zip(candidates, scores, strict=True) if score == lowest])
