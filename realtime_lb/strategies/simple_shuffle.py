"""Weighted random choice."""

from __future__ import annotations

import random
from collections.abc import Sequence

from realtime_lb.abc import Candidate, Pick
from realtime_lb.requests import SessionRequest
from realtime_lb.strategies.scores import Scores

__all__ = ["SimpleShuffle"]


class SimpleShuffle:
    """Each new session goes to a deployment with a chance in proportion to its share.

    The share is ``weight`` where any candidate has one, else ``rpm``, else ``tpm``, else the same for all:
    the rule of LiteLLM's strategy of this name. A candidate without the deciding attribute has no share.

    Args:
        rng: Where its randomness comes from; seed it to repeat its choices.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def pick(self, candidates: Sequence[Candidate], _request: SessionRequest, /) -> Pick:
        shares = _shares(candidates)
        (chosen,) = self._rng.choices(candidates, weights=shares)
        return Pick(candidate=chosen, scores=Scores(candidates, shares), lower_is_better=False)


def _shares(candidates: Sequence[Candidate]) -> list[float]:
    for attribute in ("weight", "rpm", "tpm"):
        shares = [float(getattr(c.deployment, attribute) or 0.0) for c in candidates]
        if sum(shares) > 0:
            return shares
    return [1.0] * len(candidates)
