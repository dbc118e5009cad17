"""The check that strategies run finds what is wrong with one, and nothing wrong with ours."""

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from realtime_lb.abc import Candidate, Pick, Strategy
from realtime_lb.requests import SessionRequest
from realtime_lb.strategies import STRATEGIES, Affinity, LeastBusy
from realtime_lb.testing import check_strategy
from tests.strategies.pools import candidate


def over(name: str) -> Callable[[random.Random], Strategy]:
    return lambda rng: Affinity(STRATEGIES[name](rng))


BUILT_IN: dict[str, Callable[[random.Random], Strategy]] = {
    **STRATEGIES,
    "least busy of two": lambda rng: LeastBusy(rng, choices=2),
    **{f"affinity over {name}": over(name) for name in STRATEGIES},
}


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_built_in_strategies_keep_the_contract(name: str) -> None:
    check_strategy(BUILT_IN[name])


def test_litellms_names_are_all_there() -> None:
    assert set(STRATEGIES) == {
        *("simple-shuffle", "least-busy", "latency-based-routing", "cost-based-routing"),
        *("usage-based-routing", "usage-based-routing-v2"),
        *("adaptive", "round-robin"),
    }
    assert STRATEGIES["usage-based-routing"] is STRATEGIES["usage-based-routing-v2"]


class Stranger:
    """Picks a deployment that nobody offered."""

    def __init__(self, _rng: random.Random) -> None: ...

    def pick(self, candidates: Sequence[Candidate], request: SessionRequest) -> Pick:
        return Pick(candidate=candidate("stranger"))


class Unseeded(Stranger):
    """Takes its randomness from elsewhere."""

    def pick(self, candidates: Sequence[Candidate], request: SessionRequest) -> Pick:
        return Pick(candidate=random.choice(candidates))


class Greedy(Stranger):
    """Takes its pick out of the list."""

    def pick(self, candidates: Any, request: SessionRequest) -> Pick:
        return Pick(candidate=candidates.pop()) if len(candidates) > 1 else Pick(candidate=candidates[0])


class Sorting(Stranger):
    """Leaves the list in another order."""

    def pick(self, candidates: Any, request: SessionRequest) -> Pick:
        candidates.sort(key=lambda c: -c.live_sessions)
        return Pick(candidate=candidates[0])


class Dreamer(Stranger):
    """Scores what is not there."""

    def pick(self, candidates: Sequence[Candidate], request: SessionRequest) -> Pick:
        return Pick(candidate=candidates[0], scores={"nobody": 1.0})


class Waiting(Stranger):
    """Wants to be awaited."""

    async def pick(self, candidates: Sequence[Candidate], request: SessionRequest) -> Pick:  # type: ignore[override]
        return Pick(candidate=candidates[0])


class Dividing(Stranger):
    """Forgets that two infinities have no ratio."""

    def pick(self, candidates: Sequence[Candidate], request: SessionRequest) -> Pick:
        return Pick(candidate=candidates[0], scores={candidates[0].deployment.id: math.inf / math.inf})


class Verbose(Stranger):
    """Says it in words."""

    def pick(self, candidates: Sequence[Candidate], request: SessionRequest) -> Pick:
        return Pick(candidate=candidates[0], scores={candidates[0].deployment.id: "fine"})  # type: ignore[dict-item]


class Adding(Stranger):
    """Believes that every latency is known."""

    def pick(self, candidates: Sequence[Candidate], request: SessionRequest) -> Pick:
        return Pick(candidate=min(candidates, key=lambda c: (c.first_event_s or 0) + c.first_audio_s))  # type: ignore[operator]


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (Stranger, "none of the candidates"),
        (Unseeded, "other picks"),
        (Greedy, "none of the candidates"),
        (Sorting, "changed the candidates"),
        (Dreamer, "scores name"),
        (Waiting, "plain function"),
        (Dividing, "a score is no number"),
        (Verbose, "a score is no number"),
    ],
)
def test_the_check_finds_what_is_wrong_with_a_strategy(broken: type[Stranger], told: str) -> None:
    with pytest.raises(AssertionError, match=told):
        check_strategy(broken)


def test_the_check_offers_candidates_of_whom_little_is_known() -> None:
    with pytest.raises(TypeError):
        check_strategy(Adding)
