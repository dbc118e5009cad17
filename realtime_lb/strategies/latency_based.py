"""The shortest expected wait."""

from __future__ import annotations

import random
from collections.abc import Sequence

from realtime_lb.abc import Candidate, Pick
from realtime_lb.requests import SessionRequest
from realtime_lb.strategies.loads import weights, willing
from realtime_lb.strategies.scores import Scores
from realtime_lb.strategies.waits import peaks, waits

__all__ = ["BUFFER", "LatencyBased"]

BUFFER = 1.25
"""Waits up to so many times the shortest are as good as it. Latencies of one endpoint vary by more than this
from minute to minute, and a choice holds for an hour (LiteLLM: ``lowest_latency_buffer``)."""


class LatencyBased:
    """The next session goes to one of those whose callers wait least, at random by weight.

    The expected wait is `Candidate.first_event_s` + `Candidate.first_audio_s`; what is not known counts as
    the best that is. Whoever lies within `BUFFER` of the shortest has a chance in proportion to its weight,
    so that one slightly faster deployment does not take every session. How busy they are does not matter:
    that is ``adaptive``'s. Weight 0 takes a session only where nobody else can.

    Args:
        rng: Where its randomness comes from; seed it to repeat its choices.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def pick(self, candidates: Sequence[Candidate], _request: SessionRequest, /) -> Pick:
        able = willing(candidates)
        values = waits([peaks(c) for c in able])
        limit = min(values) * BUFFER
        near = [c for c, wait in zip(able, values, strict=True) if wait <= limit]
        shares = weights(near)
        (chosen,) = self._rng.choices(near, weights=shares if any(shares) else None)
        return Pick(candidate=chosen, scores=Scores(able, values))
