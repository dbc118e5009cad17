"""Each strategy divides sessions as its docstring says."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from realtime_lb.abc import Candidate, Pick
from realtime_lb.deployments import Deployment
from realtime_lb.requests import SessionRequest
from realtime_lb.strategies import STRATEGIES, LeastBusy, SimpleShuffle
from realtime_lb.testing import check_strategy

REQUEST = SessionRequest(model="voice")


def candidate(name: str, live: int = 0, **attributes: Any) -> Candidate:
    deployment = Deployment(id=name, model_group="voice", model="m", **attributes)
    return Candidate(deployment=deployment, live_sessions=live)


@pytest.mark.parametrize(
    ("attributes", "share_of_a"),
    [
        (({"weight": 9}, {"weight": 1}), 0.9),
        (({"rpm": 300}, {"rpm": 100}), 0.75),
        (({"tpm": 1}, {"tpm": 4}), 0.2),
        (({}, {}), 0.5),
        (({"weight": 1, "rpm": 1}, {"weight": 1, "rpm": 999}), 0.5),
    ],
)
def test_simple_shuffle_divides_by_weight_else_rpm_else_tpm_else_evenly(
    attributes: tuple[dict[str, Any], dict[str, Any]], share_of_a: float
) -> None:
    """Over 20,000 seeded picks the share lies within five standard deviations of what was asked for."""
    strategy = SimpleShuffle(random.Random(1))
    candidates = [candidate("a", **attributes[0]), candidate("b", **attributes[1])]
    picks = Counter(strategy.pick(candidates, REQUEST).candidate.deployment.id for _ in range(20_000))
    spread = 5 * (20_000 * share_of_a * (1 - share_of_a)) ** 0.5
    assert picks["a"] == pytest.approx(20_000 * share_of_a, abs=spread)


def test_a_deployment_without_the_deciding_attribute_gets_nothing() -> None:
    strategy = SimpleShuffle(random.Random(1))
    candidates = [candidate("a", weight=1), candidate("b", rpm=1_000)]
    assert {strategy.pick(candidates, REQUEST).candidate.deployment.id for _ in range(500)} == {"a"}


def test_least_busy_fills_deployments_in_proportion_to_their_weight() -> None:
    """Placing 400 sessions on weights 3 and 1, never more than one session off at any moment."""
    strategy = LeastBusy(random.Random(1))
    live: Counter[str] = Counter()
    for placed in range(1, 401):
        candidates = [candidate("a", live["a"], weight=3), candidate("b", live["b"], weight=1)]
        live[strategy.pick(candidates, REQUEST).candidate.deployment.id] += 1
        assert live["a"] == pytest.approx(placed * 0.75, abs=1)


def test_least_busy_breaks_ties_at_random_and_by_the_seed() -> None:
    candidates = [candidate(name) for name in "abcd"]
    runs = [
        [strategy.pick(candidates, REQUEST).candidate.deployment.id for _ in range(50)]
        for strategy in (LeastBusy(random.Random(7)), LeastBusy(random.Random(7)))
    ]
    assert runs[0] == runs[1]
    assert set(runs[0]) == set("abcd")


def test_weight_zero_is_the_last_resort_of_least_busy() -> None:
    strategy = LeastBusy(random.Random(1))
    spare = candidate("spare", weight=0)
    assert strategy.pick([spare, candidate("busy", 900)], REQUEST).candidate.deployment.id == "busy"
    assert strategy.pick([spare], REQUEST).candidate.deployment.id == "spare"


def test_a_pick_tells_what_each_candidate_was_worth() -> None:
    candidates = [candidate("a", 3), candidate("b", 1, weight=2)]
    pick = LeastBusy(random.Random(1)).pick(candidates, REQUEST)
    assert (dict(pick.scores), pick.lower_is_better) == ({"a": 4.0, "b": 1.0}, True)
    shuffled = SimpleShuffle(random.Random(1)).pick(candidates, REQUEST)
    assert (dict(shuffled.scores), shuffled.lower_is_better) == ({"a": 0.0, "b": 2.0}, False)


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_built_in_strategies_keep_the_contract(name: str) -> None:
    check_strategy(STRATEGIES[name])


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


class Dreamer(Stranger):
    """Scores what is not there."""

    def pick(self, candidates: Sequence[Candidate], request: SessionRequest) -> Pick:
        return Pick(candidate=candidates[0], scores={"nobody": 1.0})


class Waiting(Stranger):
    """Wants to be awaited."""

    async def pick(self, candidates: Sequence[Candidate], request: SessionRequest) -> Pick:  # type: ignore[override]
        return Pick(candidate=candidates[0])


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (Stranger, "none of the candidates"),
        (Unseeded, "other picks"),
        (Greedy, "none of the candidates"),
        (Dreamer, "scores name"),
        (Waiting, "plain function"),
    ],
)
def test_the_check_finds_what_is_wrong_with_a_strategy(broken: type[Stranger], told: str) -> None:
    with pytest.raises(AssertionError, match=told):
        check_strategy(broken)
