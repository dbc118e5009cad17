"""What every `Strategy` must do: run this check over your own."""

from __future__ import annotations

import inspect
import math
import random
from collections.abc import Callable, Sequence

from realtime_lb.abc import Candidate, Strategy
from realtime_lb.deployments import Deployment
from realtime_lb.requests import SessionRequest

__all__ = ["check_strategy"]

_SEED = 20_261_123
_ROUNDS = 200


def check_strategy(make: Callable[[random.Random], Strategy]) -> None:
    """Check the promises of `Strategy` on pools of many shapes.

    Args:
        make: Builds a fresh strategy from a source of randomness.

    Raises:
        AssertionError: Names the promise that is not kept.
    """
    shapes = random.Random(_SEED)  # noqa: S311  # a seed is wanted
    rounds = [(_pool(shapes), _request(shapes)) for _ in range(_ROUNDS)]
    picked = _picks(make, rounds)
    assert picked == _picks(make, rounds), "the same seed and the same candidates gave other picks"


def _picks(
    make: Callable[[random.Random], Strategy], rounds: Sequence[tuple[Sequence[Candidate], SessionRequest]]
) -> list[str]:
    strategy = make(random.Random(_SEED))  # noqa: S311  # a seed is wanted
    return [_checked(strategy, pool, request) for pool, request in rounds]


def _checked(strategy: Strategy, pool: Sequence[Candidate], request: SessionRequest) -> str:
    before = tuple(pool)
    pick = strategy.pick(pool, request)
    assert not inspect.isawaitable(pick), "pick() must be a plain function"
    assert any(pick.candidate is candidate for candidate in pool), "the pick is none of the candidates"
    assert tuple(pool) == before, "pick() changed the candidates"
    ids = {candidate.deployment.id for candidate in pool}
    assert set(pick.scores) <= ids, "scores name deployments that were no candidates"
    assert all(_is_score(score) for score in pick.scores.values()), "a score is no number"
    return pick.candidate.deployment.id


def _is_score(score: object) -> bool:
    return isinstance(score, int | float) and not math.isnan(score)


def _request(shapes: random.Random) -> SessionRequest:
    return SessionRequest(
        model="voice", affinity=shapes.choice((None, "a", "\udc80")), tags=shapes.choice(((), ("eu",)))
    )


def _pool(shapes: random.Random) -> list[Candidate]:
    return [_candidate(shapes, number) for number in range(shapes.choice((1, 2, 3, 10)))]


def _candidate(shapes: random.Random, number: int) -> Candidate:
    deployment = Deployment(
        id=f"d{number}",
        model_group="voice",
        model="m",
        weight=shapes.choice((None, 0.0, 0.5, 1.0, 100.0)),
        rpm=shapes.choice((None, 0, 60)),
        tpm=shapes.choice((None, 100_000)),
    )
    return Candidate(
        deployment=deployment,
        live_sessions=shapes.choice((0, 1, 500)),
        first_event_s=shapes.choice((None, 0.0, 0.3, 3.0, 300.0)),
        first_audio_s=shapes.choice((None, 0.0, 0.5, 5.0)),
        headroom=shapes.choice((0.0, 0.05, 0.5, 1.0)),
        price_per_minute=shapes.choice((None, 0.0, 0.048)),
    )
