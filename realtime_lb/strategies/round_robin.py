"""One after the other."""

from __future__ import annotations

import random
from collections.abc import Sequence

from realtime_lb.abc import Candidate, Pick
from realtime_lb.requests import SessionRequest
from realtime_lb.strategies.loads import weights, willing
from realtime_lb.strategies.scores import Scores

__all__ = ["RoundRobin"]


class RoundRobin:
    """Sessions go around, each deployment as often as its weight says, and never many in a row.

    nginx's smooth weighted round robin: everybody's credit grows by its weight, the highest credit is picked
    and pays the sum of the weights. Weights 5, 1, 1 give a a b a c a a, not five times a first.
    Credits start at a random part of the weight, so that the processes of one gateway do not all begin with
    the same deployment. Weight 0 takes a session only where nobody else can.

    It knows nothing of how long calls last; it is here to compare with.

    Args:
        rng: Where the start comes from; seed it to repeat its choices.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._credits: dict[str, float] = {}

    def pick(self, candidates: Sequence[Candidate], _request: SessionRequest, /) -> Pick:
        able = willing(candidates)
        shares = weights(able)
        if not any(shares):
            shares = [1.0] * len(able)
        values = [self._grown(c.deployment.id, share) for c, share in zip(able, shares, strict=True)]
        chosen = able[values.index(max(values))]
        self._credits[chosen.deployment.id] -= sum(shares)
        return Pick(candidate=chosen, scores=Scores(able, values), lower_is_better=False)

    def _grown(self, deployment_id: str, share: float) -> float:
        had = self._credits.get(deployment_id)
        credit = (self._rng.random() * share if had is None else had) + share
        self._credits[deployment_id] = credit
        return credit
