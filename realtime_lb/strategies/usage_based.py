"""The most headroom."""

from __future__ import annotations

import random
from collections.abc import Sequence

from realtime_lb.abc import Candidate, Pick
from realtime_lb.requests import SessionRequest
from realtime_lb.strategies.loads import least, loads, willing
from realtime_lb.strategies.scores import Scores

__all__ = ["BUFFER", "UsageBased"]

BUFFER = 0.1
"""Headrooms closer together than this are the same. A session takes none of it until its first response, so
the one with the most would get every session of the next seconds."""


class UsageBased:
    """The next session goes where most of the quota is left, to the least busy of those that are about equal.

    The headroom is what is left of ``rpm`` or ``tpm``, whichever is scarcer, by the usage of the last minute
    and by what the provider itself says: 1 where nothing is known. Whoever lies within `BUFFER` of the most
    is compared by (live sessions + 1) / weight; ties are broken at random. Nobody starves, since who gets no
    sessions regains headroom. Weight 0 takes a session only where nobody else can.

    Args:
        rng: Where its randomness comes from; seed it to repeat its choices.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def pick(self, candidates: Sequence[Candidate], _request: SessionRequest, /) -> Pick:
        able = willing(candidates)
        left = [c.headroom for c in able]
        enough = max(left) - BUFFER
        roomy = [c for c in able if c.headroom >= enough]
        chosen = least(roomy, loads(roomy), self._rng)
        return Pick(candidate=chosen, scores=Scores(able, left), lower_is_better=False)
