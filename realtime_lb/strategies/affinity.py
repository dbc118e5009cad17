"""The same text, the same deployment: for prompt caches, and for callers who come back."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

from realtime_lb.abc import Candidate, Pick, Strategy
from realtime_lb.requests import SessionRequest
from realtime_lb.strategies.loads import weights, willing
from realtime_lb.strategies.scores import Scores

__all__ = ["BOUND", "Affinity"]

BOUND = 1.25
"""No deployment gets further than this times the average load, and one session, for affinity's sake."""


class Affinity:
    """Puts requests of one `SessionRequest.affinity` on one deployment; all others are the inner strategy's.

    Weighted rendezvous hashing: each deployment draws the number -weight / ln(h), where h in (0, 1) is a hash
    of the affinity and its id, and the highest wins. So shares follow the weights, and a deployment that
    comes or goes moves only the sessions that it wins or held (Thaler and Ravishankar, "Using name-based
    mappings to increase hit rates", 1998; with weights: Mosko, Schindelhauer and Schomaker, 2005).

    The load is bounded, or one popular affinity would fill one deployment: who has
    `BOUND` x average load x weight + 1 live sessions or more is passed over for the next in the order
    (Mirrokni, Thorup and Zadimoghaddam, "Consistent hashing with bounded loads", 2018). Somebody always has
    fewer. The scores are the numbers drawn; 0 is who was passed over.

    Depends on nothing but the arguments of `pick`: all processes agree. Weight 0 takes a session only where
    nobody else can.

    Args:
        inner: Chooses for requests without an affinity.
    """

    def __init__(self, inner: Strategy) -> None:
        self._inner = inner

    def pick(self, candidates: Sequence[Candidate], request: SessionRequest, /) -> Pick:
        if not request.affinity:
            return self._inner.pick(candidates, request)
        able = willing(candidates)
        values = _bounded(able, _drawn(able, request.affinity))
        chosen = able[values.index(max(values))]
        return Pick(candidate=chosen, scores=Scores(able, values), lower_is_better=False)


def _drawn(candidates: Sequence[Candidate], affinity: str) -> list[float]:
    key = hashlib.blake2b(_bytes(affinity), digest_size=hashlib.blake2b.MAX_KEY_SIZE).digest()
    shares = _shares(candidates)
    return [
        -share / math.log(_fraction(key, c.deployment.id))
        for c, share in zip(candidates, shares, strict=True)
    ]


def _shares(candidates: Sequence[Candidate]) -> list[float]:
    shares = weights(candidates)
    return shares if any(shares) else [1.0] * len(candidates)


def _fraction(key: bytes, deployment_id: str) -> float:
    """Return a number between 0 and 1, neither included, that looks random and never changes."""
    digest = hashlib.blake2b(_bytes(deployment_id), key=key, digest_size=8).digest()
    return ((int.from_bytes(digest, "big") >> 12) + 0.5) / 2**52


def _bounded(candidates: Sequence[Candidate], values: Sequence[float]) -> list[float]:
    shares = _shares(candidates)
    average = sum(c.live_sessions for c in candidates) / sum(shares)
    return [
        value if c.live_sessions < BOUND * average * share + 1 else 0.0
        for c, share, value in zip(candidates, shares, values, strict=True)
    ]


def _bytes(text: str) -> bytes:
    """Encode anything: what came in a header may hold lone surrogates."""
    return text.encode("utf-8", "surrogatepass")
