"""Strategies that look at one signal: latency, usage or price."""

import math
import random
from typing import Any

import pytest

from realtime_lb.abc import Candidate
from realtime_lb.strategies import CostBased, LatencyBased, UsageBased
from tests.strategies.pools import REQUEST, candidate, counted, filled, picked


def waiting(name: str, event_s: float | None, audio_s: float | None = 0.0, **attributes: Any) -> Candidate:
    return candidate(name, first_event_s=event_s, first_audio_s=audio_s, **attributes)


def test_latency_based_adds_up_what_a_caller_waits_for() -> None:
    candidates = [waiting("a", 0.2, 1.0), waiting("b", 0.9, 0.1), waiting("c", 0.5, 2.0)]
    strategy = LatencyBased(random.Random(1))
    pick = strategy.pick(candidates, REQUEST)
    assert pick.scores == pytest.approx({"a": 1.2, "b": 1.0, "c": 2.5})
    assert pick.lower_is_better
    assert set(counted(strategy, candidates, 100)) == {"a", "b"}


@pytest.mark.parametrize(("wait_s", "has_a_chance"), [(1.0, True), (1.25, True), (1.26, False)])
def test_a_wait_up_to_a_quarter_longer_is_as_good(wait_s: float, *, has_a_chance: bool) -> None:
    picks = counted(LatencyBased(random.Random(1)), [waiting("a", 1.0), waiting("b", wait_s)], 500)
    assert (picks["b"] > 0) is has_a_chance


def test_those_that_are_about_as_fast_share_by_weight_however_busy_they_are() -> None:
    candidates = [waiting("a", 1.0, weight=3), waiting("b", 1.2, live=900), waiting("c", 9.0, weight=99)]
    picks = counted(LatencyBased(random.Random(1)), candidates, 4_000)
    assert picks["a"] == pytest.approx(3_000, abs=150)
    assert picks["c"] == 0


@pytest.mark.parametrize(
    ("unknown", "score"), [((None, None), 0.8), ((None, 0.7), 0.9), ((0.1, None), 0.6), ((0.4, 0.6), 1.0)]
)
def test_what_is_not_known_is_as_good_as_the_best_that_is(
    unknown: tuple[float | None, float | None], score: float
) -> None:
    """Beside 0.3 + 0.5 and 0.2 + 5.0; where nothing is known, the best sum stands in."""
    candidates = [waiting("a", 0.3, 0.5), waiting("b", 0.2, 5.0), waiting("c", *unknown)]
    assert LatencyBased(random.Random(1)).pick(candidates, REQUEST).scores["c"] == pytest.approx(score)


def test_where_nothing_is_known_all_have_a_chance() -> None:
    candidates = [waiting("a", None, None), waiting("b", None, None)]
    strategy = LatencyBased(random.Random(1))
    assert counted(strategy, candidates)["a"] == pytest.approx(500, abs=80)
    assert strategy.pick(candidates, REQUEST).scores == {"a": 0.0, "b": 0.0}


def test_where_half_is_known_of_everybody_it_decides() -> None:
    events = [waiting("a", 0.3, None), waiting("b", 3.0, None)]
    audios = [waiting("a", None, 0.3), waiting("b", None, 3.0)]
    for candidates in (events, audios):
        assert set(counted(LatencyBased(random.Random(1)), candidates, 50)) == {"a"}
        assert LatencyBased(random.Random(1)).pick(candidates, REQUEST).scores == {"a": 0.3, "b": 3.0}


def test_a_wait_beyond_an_hour_is_an_hour() -> None:
    candidates = [waiting("a", math.inf, 1.0), waiting("b", math.inf, None), waiting("c", None, math.inf)]
    scores = LatencyBased(random.Random(1)).pick(candidates, REQUEST).scores
    assert set(scores.values()) == {3_600.0}


def test_latency_based_leaves_weight_zero_for_last() -> None:
    strategy = LatencyBased(random.Random(1))
    spares = [waiting("x", 0.1, weight=0), waiting("y", 0.1, weight=0)]
    assert picked(strategy, [*spares, waiting("slow", 300.0)]) == "slow"
    assert counted(strategy, spares)["x"] == pytest.approx(500, abs=80)


def test_usage_based_takes_the_most_headroom() -> None:
    candidates = [
        candidate("a", headroom=0.2),
        candidate("b", 900, headroom=0.9),
        candidate("c", headroom=0.7),
    ]
    pick = UsageBased(random.Random(1)).pick(candidates, REQUEST)
    assert pick.candidate.deployment.id == "b"
    assert (pick.scores, pick.lower_is_better) == ({"a": 0.2, "b": 0.9, "c": 0.7}, False)


@pytest.mark.parametrize(("headroom", "chosen"), [(0.8, "idle"), (0.75, "idle"), (0.74, "busy")])
def test_of_headrooms_that_are_about_equal_the_least_busy_is_taken(headroom: float, chosen: str) -> None:
    candidates = [candidate("busy", 5, headroom=0.85), candidate("idle", headroom=headroom)]
    assert picked(UsageBased(random.Random(1)), candidates) == chosen


def test_where_no_usage_is_known_usage_based_fills_by_weight() -> None:
    assert filled(UsageBased, 1_000, a={"weight": 9}, b={"weight": 1}) == pytest.approx(
        {"a": 900, "b": 100}, abs=1
    )


def test_usage_based_serves_though_nothing_is_left() -> None:
    candidates = [candidate("a", 3, headroom=0.0), candidate("b", 2, headroom=0.0)]
    assert picked(UsageBased(random.Random(1)), candidates) == "b"


def test_usage_based_leaves_weight_zero_for_last() -> None:
    candidates = [candidate("spare", weight=0), candidate("used up", headroom=0.0)]
    assert picked(UsageBased(random.Random(1)), candidates) == "used up"
    assert picked(UsageBased(random.Random(1)), candidates[:1]) == "spare"


def test_cost_based_takes_the_cheapest_however_busy() -> None:
    candidates = [candidate("a", price_per_minute=0.06), candidate("b", 500, price_per_minute=0.048)]
    pick = CostBased(random.Random(1)).pick(candidates, REQUEST)
    assert pick.candidate.deployment.id == "b"
    assert (pick.scores, pick.lower_is_better) == ({"a": 0.06, "b": 0.048}, True)


def test_at_one_price_cost_based_fills_by_weight() -> None:
    same = {"price_per_minute": 0.048}
    live = filled(CostBased, 400, a={"weight": 3, **same}, b=same, c={"price_per_minute": 0.05})
    assert live == pytest.approx({"a": 300, "b": 100}, abs=1)


def test_a_price_that_is_not_known_comes_last() -> None:
    strategy = CostBased(random.Random(1))
    unknown = [candidate("a", 1), candidate("b", 2)]
    assert picked(strategy, [*unknown, candidate("dear", 900, price_per_minute=99.0)]) == "dear"
    assert picked(strategy, unknown) == "a"


def test_cost_based_leaves_weight_zero_for_last() -> None:
    free = candidate("free", weight=0, price_per_minute=0.0)
    assert picked(CostBased(random.Random(1)), [free, candidate("dear", price_per_minute=9.0)]) == "dear"
    assert picked(CostBased(random.Random(1)), [free]) == "free"
