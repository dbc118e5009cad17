"""What holds for every strategy and every pool."""

import math
import random
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from realtime_lb.abc import Candidate, Strategy
from realtime_lb.requests import SessionRequest
from realtime_lb.strategies import STRATEGIES, Affinity, LeastBusy
from tests.strategies.pools import KNOWN_WAITS, REQUEST, pools

ALL: dict[str, Callable[[random.Random], Strategy]] = {
    **STRATEGIES,
    "two choices": lambda rng: LeastBusy(rng, choices=2),
    "affinity": lambda rng: Affinity(LeastBusy(rng)),
}
EXACT = ("adaptive", "least-busy")
REQUESTS = st.sampled_from((REQUEST, SessionRequest(model="voice", affinity="caller 7")))


@pytest.mark.parametrize("name", ALL)
@given(pool=pools(), request=REQUESTS, seed=st.integers(0, 9))
def test_the_same_seed_picks_the_same_of_the_candidates_with_scores_that_are_numbers(
    name: str, pool: list[Candidate], request: SessionRequest, seed: int
) -> None:
    picks = [ALL[name](random.Random(seed)).pick(pool, request) for _ in range(2)]
    assert picks[0].candidate is picks[1].candidate
    assert any(picks[0].candidate is candidate for candidate in pool)
    assert picks[0].scores == picks[1].scores
    assert all(score >= 0 for score in picks[0].scores.values())  # which no NaN is


@pytest.mark.parametrize("name", sorted({*STRATEGIES, "two choices", "affinity"} - {"simple-shuffle"}))
@given(pool=pools(), request=REQUESTS)
def test_weight_zero_is_picked_only_where_nobody_has_another(
    name: str, pool: list[Candidate], request: SessionRequest
) -> None:
    chosen = ALL[name](random.Random(1)).pick(pool, request).candidate
    assert chosen.deployment.weight != 0 or all(c.deployment.weight == 0 for c in pool)


@pytest.mark.parametrize("name", EXACT)
@given(pool=pools())
def test_an_exact_strategy_picks_the_lowest_score(name: str, pool: list[Candidate]) -> None:
    pick = ALL[name](random.Random(1)).pick(pool, REQUEST)
    assert pick.scores[pick.candidate.deployment.id] == min(pick.scores.values())


def worse(candidate: Candidate, by: dict[str, Any]) -> Candidate:
    return evolve(candidate, **{name: change(getattr(candidate, name)) for name, change in by.items()})


WORSE: dict[str, dict[str, Any]] = {
    "slower to open": {"first_event_s": lambda wait_s: wait_s * 3},
    "slower to answer": {"first_audio_s": lambda wait_s: wait_s + 2},
    "busier": {"live_sessions": lambda live: live + 5},
    "scarcer": {"headroom": lambda headroom: headroom / 2},
}


@pytest.mark.parametrize(
    ("name", "how"),
    [
        *(("adaptive", how) for how in WORSE),
        ("latency-based-routing", "slower to open"),
        ("latency-based-routing", "slower to answer"),
        ("least-busy", "busier"),
        ("usage-based-routing", "scarcer"),
        ("usage-based-routing", "busier"),
        ("cost-based-routing", "busier"),
    ],
)
@given(pool=pools(waits=KNOWN_WAITS), place=st.integers(0, 5))
def test_who_gets_worse_is_not_picked_for_it(name: str, how: str, pool: list[Candidate], place: int) -> None:
    """Who did not win before does not win after it, whatever the dice say."""
    place %= len(pool)
    seeds = range(20)
    before = {chosen(name, pool, seed) for seed in seeds}
    after = {
        chosen(name, [*pool[:place], worse(pool[place], WORSE[how]), *pool[place + 1 :]], seed)
        for seed in seeds
    }
    assert str(place) in before or str(place) not in after


def chosen(name: str, pool: list[Candidate], seed: int) -> str:
    return ALL[name](random.Random(seed)).pick(pool, REQUEST).candidate.deployment.id


@given(pool=pools(), place=st.integers(0, 5))
def test_to_cost_more_is_not_to_be_picked_for_it(pool: list[Candidate], place: int) -> None:
    place %= len(pool)
    dearer = evolve(pool[place], price_per_minute=(pool[place].price_per_minute or 0) + 0.5)
    changed = [*pool[:place], dearer, *pool[place + 1 :]]
    if pool[place].price_per_minute is not None and chosen("cost-based-routing", pool, 1) != str(place):
        assert chosen("cost-based-routing", changed, 1) != str(place)


@given(pool=pools(weights=st.just(None), least=2))
def test_adaptive_scores_do_not_depend_on_the_order(pool: list[Candidate]) -> None:
    forth = ALL["adaptive"](random.Random(1)).pick(pool, REQUEST).scores
    back = ALL["adaptive"](random.Random(1)).pick(pool[::-1], REQUEST).scores
    assert all(math.isclose(forth[place], back[place]) for place in forth)
