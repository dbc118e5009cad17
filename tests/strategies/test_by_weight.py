"""Strategies that look at weights and live sessions only."""

import math
import random
from collections import Counter
from typing import Any

import pytest

from realtime_lb.strategies import LeastBusy, RoundRobin, SimpleShuffle
from tests.strategies.pools import REQUEST, candidate, counted, filled, picked


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
    candidates = [candidate("a", **attributes[0]), candidate("b", **attributes[1])]
    picks = counted(SimpleShuffle(random.Random(1)), candidates, 20_000)
    spread = 5 * (20_000 * share_of_a * (1 - share_of_a)) ** 0.5
    assert picks["a"] == pytest.approx(20_000 * share_of_a, abs=spread)


def test_a_deployment_without_the_deciding_attribute_gets_nothing_of_simple_shuffle() -> None:
    candidates = [candidate("a", weight=1), candidate("b", rpm=1_000)]
    assert set(counted(SimpleShuffle(random.Random(1)), candidates, 500)) == {"a"}


def test_least_busy_fills_deployments_in_proportion_to_their_weight() -> None:
    """Placing 400 sessions on weights 3 and 1, never more than one session off at any moment."""
    strategy = LeastBusy(random.Random(1))
    live: Counter[str] = Counter()
    for placed in range(1, 401):
        live[
            picked(strategy, [candidate("a", live["a"], weight=3), candidate("b", live["b"], weight=1)])
        ] += 1
        assert live["a"] == pytest.approx(placed * 0.75, abs=1)


def test_least_busy_breaks_ties_at_random_and_by_the_seed() -> None:
    candidates = [candidate(name) for name in "abcd"]
    runs = [
        [picked(strategy, candidates) for _ in range(50)]
        for strategy in (LeastBusy(random.Random(7)), LeastBusy(random.Random(7)))
    ]
    assert runs[0] == runs[1]
    assert set(runs[0]) == set("abcd")


def test_of_many_ties_only_those_at_the_lowest_load_are_drawn() -> None:
    candidates = [candidate("a", 1), candidate("b", 0), candidate("c", 0), candidate("d", 2)]
    assert set(counted(LeastBusy(random.Random(1)), candidates, 100)) == {"b", "c"}


def test_weight_zero_is_the_last_resort_of_least_busy() -> None:
    strategy = LeastBusy(random.Random(1))
    spare = candidate("spare", weight=0)
    assert picked(strategy, [spare, candidate("busy", 900)]) == "busy"
    assert picked(strategy, [spare, candidate("busy", 900, weight=0.001)]) == "busy"
    assert picked(strategy, [spare]) == "spare"


def test_among_weights_of_zero_the_least_busy_comes_first() -> None:
    candidates = [candidate("a", 3, weight=0), candidate("b", 2, weight=0), candidate("c", 3, weight=0)]
    assert set(counted(LeastBusy(random.Random(1)), candidates, 50)) == {"b"}


def test_a_pick_tells_what_each_candidate_was_worth() -> None:
    candidates = [candidate("a", 3), candidate("b", 1, weight=2)]
    pick = LeastBusy(random.Random(1)).pick(candidates, REQUEST)
    assert (dict(pick.scores), pick.lower_is_better) == ({"a": 4.0, "b": 1.0}, True)
    assert len(pick.scores) == 2
    assert repr(pick.scores) == "{'a': 4.0, 'b': 1.0}"
    shuffled = SimpleShuffle(random.Random(1)).pick(candidates, REQUEST)
    assert (dict(shuffled.scores), shuffled.lower_is_better) == ({"a": 0.0, "b": 2.0}, False)
    alike = SimpleShuffle(random.Random(1)).pick([candidate("a"), candidate("b")], REQUEST)
    assert alike.scores == {"a": 1.0, "b": 1.0}


def test_scores_are_those_of_the_pick_even_if_the_list_changes_before_they_are_read() -> None:
    candidates = [candidate("a", 3), candidate("b", weight=0)]
    pick = LeastBusy(random.Random(1)).pick(candidates, REQUEST)
    candidates.clear()
    assert pick.scores == {"a": 4.0, "b": math.inf}


def test_with_two_choices_least_busy_takes_the_better_of_two_drawn_at_random() -> None:
    """Of four, the best wins whenever it is drawn, in half of all pairs; the worst never wins."""
    candidates = [candidate(name, live) for live, name in enumerate("abcd")]
    picks = counted(LeastBusy(random.Random(1), choices=2), candidates, 6_000)
    assert picks["a"] == pytest.approx(3_000, abs=200)
    assert picks["b"] == pytest.approx(2_000, abs=200)
    assert picks["c"] == pytest.approx(1_000, abs=150)
    assert picks["d"] == 0


def test_two_choices_are_drawn_among_those_who_want_sessions() -> None:
    strategy = LeastBusy(random.Random(1), choices=2)
    spares = [candidate(f"spare{number}", weight=0) for number in range(9)]
    assert set(counted(strategy, [*spares, candidate("busy", 900)], 100)) == {"busy"}
    assert picked(strategy, spares[:1]) == "spare0"


def test_with_as_many_choices_as_candidates_all_are_looked_at() -> None:
    candidates = [candidate("a", 1), candidate("b", 0)]
    pick = LeastBusy(random.Random(1), choices=2).pick(candidates, REQUEST)
    assert pick.scores == {"a": 2.0, "b": 1.0}


def test_round_robin_goes_around() -> None:
    strategy = RoundRobin(random.Random(1))
    candidates = [candidate(name, live) for live, name in enumerate("abc")]
    rounds = [{picked(strategy, candidates) for _ in range(3)} for _ in range(20)]
    assert rounds == [{"a", "b", "c"}] * 20


def test_round_robin_spreads_what_the_weights_give() -> None:
    """Of weights 5, 1 and 1, each seven picks in a row hold the heavy one five times, never thrice on end."""
    strategy = RoundRobin(random.Random(3))
    candidates = [candidate("a", weight=5), candidate("b", weight=1), candidate("c", weight=1)]
    picks = "".join(picked(strategy, candidates) for _ in range(70))
    assert {picks[i : i + 7].count("a") for i in range(63)} == {5}
    assert "aaaaa" not in picks


def test_processes_do_not_all_start_with_the_same_deployment() -> None:
    candidates = [candidate(name) for name in "abc"]
    assert {picked(RoundRobin(random.Random(seed)), candidates) for seed in range(30)} == set("abc")


def test_round_robin_leaves_out_weight_zero_unless_there_is_nothing_else() -> None:
    strategy = RoundRobin(random.Random(1))
    spares = [candidate("x", weight=0), candidate("y", weight=0)]
    assert set(counted(strategy, [*spares, candidate("a")], 20)) == {"a"}
    assert counted(strategy, spares, 20) == {"x": 10, "y": 10}


def test_round_robin_tells_the_credits() -> None:
    pick = RoundRobin(random.Random(1)).pick([candidate("a", weight=2), candidate("b")], REQUEST)
    assert pick.lower_is_better is False
    start = random.Random(1)
    assert pick.scores == pytest.approx({"a": 2 + 2 * start.random(), "b": 1 + start.random()})
    assert pick.scores[pick.candidate.deployment.id] == max(pick.scores.values())


def test_where_all_weigh_nothing_round_robins_credits_are_those_of_equals() -> None:
    equals, nothing = [candidate("a"), candidate("b")], [candidate("a", weight=0), candidate("b", weight=0)]
    strategies = RoundRobin(random.Random(1)), RoundRobin(random.Random(1))
    for _ in range(5):
        assert strategies[0].pick(nothing, REQUEST).scores == strategies[1].pick(equals, REQUEST).scores


def test_round_robin_counts_groups_apart() -> None:
    """One strategy serves all groups, and a pick in one of them is none in another."""
    strategy = RoundRobin(random.Random(1))
    first, second = [candidate("a"), candidate("b")], [candidate("c"), candidate("d")]
    picks = [(picked(strategy, first), picked(strategy, second)) for _ in range(10)]
    assert Counter(one for one, _ in picks) == {"a": 5, "b": 5}
    assert Counter(two for _, two in picks) == {"c": 5, "d": 5}


@pytest.mark.parametrize("make", [LeastBusy, RoundRobin])
def test_weights_are_kept_exactly(make: Any) -> None:
    assert filled(make, 1_000, a={"weight": 9}, b={"weight": 1}) == pytest.approx({"a": 900, "b": 100}, abs=1)
