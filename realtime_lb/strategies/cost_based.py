"""The lowest price."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from realtime_lb.abc import Candidate, Pick
from realtime_lb.requests import SessionRequest
from realtime_lb.strategies.loads import least, loads, willing
from realtime_lb.strategies.scores import Scores

__all__ = ["CostBased"]


class CostBased:
    """The next session goes where a minute of talk costs least, to the least busy of those with one price.

    A price that is not known comes after all that are. Among one price (live sessions + 1) / weight decides,
    and ties are broken at random. Weight 0 takes a session only where nobody else can.

    Args:
        rng: Where its randomness comes from; seed it to repeat its choices.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def pick(self, candidates: Sequence[Candidate], _request: SessionRequest, /) -> Pick:
        able = willing(candidates)
        prices = [math.inf if c.price_per_minute is None else c.price_per_minute for c in able]
        lowest = min(prices)
        cheap = [c for c, price in zip(able, prices, strict=True) if price == lowest]
        return Pick(candidate=least(cheap, loads(cheap), self._rng), scores=Scores(able, prices))
