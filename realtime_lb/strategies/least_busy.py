"""Weighted least connections, where a connection is a live session."""

from __future__ import annotations

import random
from collections.abc import Sequence

from realtime_lb.abc import Candidate, Pick
from realtime_lb.requests import SessionRequest

__all__ = ["LeastBusy"]


class LeastBusy:
    """The next session goes where it makes for the lowest load: (live sessions + 1) / weight.

    Counting the session that is about to be placed is what lets an idle deployment of weight 9 come before
    an idle one of weight 1, as HAProxy's ``leastconn`` has it. Every candidate is looked at, since their
    counts are exact here; ties are broken at random. Weight 0 takes a session only where nobody else can.

    Args:
        rng: Where its randomness comes from; seed it to repeat its choices.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def pick(self, candidates: Sequence[Candidate], _request: SessionRequest, /) -> Pick:
        loads = {c.deployment.id: _load(c) for c in candidates}
        lowest = min(loads.values())
        chosen = self._rng.choice([c for c in candidates if loads[c.deployment.id] == lowest])
        return Pick(candidate=chosen, scores=loads)


def _load(candidate: Candidate) -> float:
    weight = 1.0 if candidate.deployment.weight is None else candidate.deployment.weight
    return (candidate.live_sessions + 1) / weight if weight > 0 else float("inf")
