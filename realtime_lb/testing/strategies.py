"""What every `Strategy` must do: run this check over your own."""

from __future__ import annotations

import inspect
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
    request = SessionRequest(model="voice")
    shapes = random.Random(_SEED)  # noqa: S311  # a seed is wanted
    pools = [_pool(shapes) for _ in range(_ROUNDS)]
    picked = _picks(make, pools, request)
    assert picked == _picks(make, pools, request), "the same seed and the same candidates gave other picks"


def _picks(
    make: Callable[[random.Random], Strategy], pools: Sequence[Sequence[Candidate]], request: SessionRequest
) -> list[str]:
    strategy = make(random.Random(_SEED))  # noqa: S311  # a seed is wanted
    return [_checked(strategy, pool, request) for pool in pools]


def _checked(strategy: Strategy, pool: Sequence[Candidate], request: SessionRequest) -> str:
    before = tuple(pool)
    pick = strategy.pick(pool, request)
    assert not inspect.isawaitable(pick), "pick() must be a plain function"
    assert any(pick.candidate is candidate for candidate in pool), "the pick is none of the candidates"
    assert tuple(pool) == before, "pick() changed the candidates"
    ids = {candidate.deployment.id for candidate in pool}
    assert set(pick.scores) <= ids, "scores name deployments that were no candidates"
    return pick.candidate.deployment.id


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
    return Candidate(deployment=deployment, live_sessions=shapes.choice((0, 1, 500)))
