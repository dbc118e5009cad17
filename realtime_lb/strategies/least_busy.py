"""Weighted least connections, where a connection is a live session."""

from __future__ import annotations

import random
from collections.abc import Sequence

from realtime_lb.abc import Candidate, Pick
from realtime_lb.requests import SessionRequest
from realtime_lb.strategies.loads import least, loads, willing
from realtime_lb.strategies.scores import Scores

__all__ = ["LeastBusy"]


class LeastBusy:
    """The next session goes where it makes for the lowest load: (live sessions + 1) / weight.

    Every candidate is looked at, since their counts are exact here; ties are broken at random. Weight 0 takes
    a session only where nobody else can.

    Args:
        rng: Where its randomness comes from; seed it to repeat its choices.
        choices: Look at so many candidates only, drawn at random, where counts come from elsewhere and are a
            moment old: of many who see the same stale counts, all would go to the same emptiest deployment.
            Two suffice (Mitzenmacher, "The power of two choices in randomized load balancing", 2001).
    """

    def __init__(self, rng: random.Random, choices: int | None = None) -> None:
        self._rng = rng
        self._choices = choices

    def pick(self, candidates: Sequence[Candidate], _request: SessionRequest, /) -> Pick:
        seen = candidates if self._choices is None else self._drawn(willing(candidates), self._choices)
        values = loads(seen)
        return Pick(candidate=least(seen, values, self._rng), scores=Scores(seen, values))

    def _drawn(self, candidates: Sequence[Candidate], choices: int) -> Sequence[Candidate]:
        return self._rng.sample(candidates, choices) if choices < len(candidates) else candidates
