"""What the recommended strategy promises: load x latency x scarcity."""

import math
import random
from typing import Any

import pytest

from realtime_lb.abc import Candidate
from realtime_lb.strategies import Adaptive
from tests.strategies.pools import REQUEST, candidate, counted, filled, picked


def strategy() -> Adaptive:
    return Adaptive(random.Random(1))


def scores(*candidates: Candidate) -> Any:
    return dict(strategy().pick(candidates, REQUEST).scores)


def waiting(name: str, live: int = 0, wait_s: float | None = None, **attributes: Any) -> Candidate:
    return candidate(name, live, first_event_s=wait_s, first_audio_s=wait_s and 0.0, **attributes)


def test_the_score_is_load_and_ballast_times_latency_times_scarcity() -> None:
    """Loads (7 + 1) / 2 and (1 + 1) / 1, and a quarter of the higher; a's wait is twice 1.25 times b's."""
    a = candidate("a", 7, weight=2, first_event_s=1.0, first_audio_s=1.5, headroom=0.25)
    b = candidate("b", 1, first_event_s=0.5, first_audio_s=0.5, headroom=0.5)
    pick = strategy().pick([a, b], REQUEST)
    assert pick.scores == pytest.approx({"a": (4 + 1) * 2**2 * 4, "b": 2 + 1})
    assert pick.lower_is_better
    assert pick.candidate is b


def test_a_wait_beyond_an_hour_is_an_hour() -> None:
    endless = candidate("endless", usual_event_s=math.inf, usual_audio_s=1.0)
    an_hour = candidate("an hour", usual_event_s=3_599.0, usual_audio_s=1.0)
    quick = candidate("quick", usual_event_s=0.5, usual_audio_s=0.5)
    told = scores(endless, an_hour, quick)
    assert told["endless"] == told["an hour"] < math.inf


def test_weights_are_kept_exactly() -> None:
    assert filled(Adaptive, 1_000, a={"weight": 9}, b={"weight": 1}) == pytest.approx(
        {"a": 900, "b": 100}, abs=1
    )


@pytest.mark.parametrize("limit", ["rpm", "tpm"])
def test_a_quota_of_all_stands_in_for_weights(limit: str) -> None:
    live = filled(Adaptive, 400, a={limit: 300}, b={limit: 100})
    assert live == pytest.approx({"a": 300, "b": 100}, abs=1)


def test_rpm_goes_before_tpm_and_weight_before_both() -> None:
    assert filled(Adaptive, 400, a={"rpm": 3, "tpm": 1}, b={"rpm": 1, "tpm": 9})["a"] == pytest.approx(
        300, abs=1
    )
    assert filled(Adaptive, 400, a={"rpm": 3, "weight": 1}, b={"rpm": 1})["a"] == pytest.approx(200, abs=1)


@pytest.mark.parametrize("limits", [{"rpm": 3}, {"rpm": 3, "tpm": 5}])
def test_a_quota_of_some_only_says_nothing_about_the_others(limits: dict[str, int]) -> None:
    assert filled(Adaptive, 400, a=limits, b={})["a"] == pytest.approx(200, abs=1)


def test_ties_are_broken_at_random_and_by_the_seed() -> None:
    candidates = [candidate(name) for name in "abcd"]
    assert counted(strategy(), candidates) == counted(strategy(), candidates)
    assert set(counted(strategy(), candidates)) == set("abcd")


@pytest.mark.parametrize("nothing", [0, -1])
def test_weight_zero_serves_only_where_nobody_else_can(nothing: float) -> None:
    spare = waiting("spare", 0, 0.1, weight=nothing)
    worst = waiting("worst", 900, 300.0, headroom=0.0)
    assert picked(strategy(), [spare, worst]) == "worst"
    assert scores(spare, worst)["spare"] == math.inf
    assert picked(strategy(), [spare]) == "spare"


def test_who_is_not_to_be_picked_does_not_set_the_measure() -> None:
    """A fast last resort makes nobody else slow, and an empty one makes nobody else full."""
    usual = (waiting("a", 3, 1.0), waiting("b", 3, 1.2))
    assert scores(*usual, waiting("spare", 0, 0.01, weight=0))["b"] == scores(*usual)["b"]


def test_among_weights_of_zero_all_the_rest_counts() -> None:
    busy, slow, well = (
        waiting("busy", 9, 1.0, weight=0),
        waiting("slow", 0, 9.0, weight=0),
        waiting("well", 0, 1.0, weight=0),
    )
    assert picked(strategy(), [busy, slow, well]) == "well"
    assert picked(strategy(), [waiting("a", 9, weight=0, rpm=1_000), waiting("b", weight=0, rpm=1)]) == "b"


def test_where_all_weigh_nothing_the_scores_are_those_of_equals() -> None:
    equals = (waiting("a", 9, 1.0), waiting("b", 0, 9.0))
    assert scores(waiting("a", 9, 1.0, weight=0), waiting("b", 0, 9.0, weight=0)) == scores(*equals)


@pytest.mark.parametrize("wait_s", [1.0, 1.1, 1.25])
def test_noise_moves_nobody(wait_s: float) -> None:
    assert scores(waiting("a", 3, 1.0), waiting("b", 3, wait_s))["b"] == 5.0


def test_averages_go_before_peaks() -> None:
    peaked = candidate("a", 3, first_event_s=2.0, first_audio_s=2.0, usual_event_s=0.3, usual_audio_s=0.5)
    assert scores(peaked, waiting("b", 3, 0.8)) == {"a": 5.0, "b": 5.0}


def test_beyond_the_band_a_score_grows_with_the_square_of_the_wait() -> None:
    assert scores(waiting("a", 3, 1.0), waiting("b", 3, 2.5))["b"] == pytest.approx(20.0)
    assert scores(waiting("a", 3, 1.0), waiting("b", 3, 12.5))["b"] == pytest.approx(500.0)


def test_what_nobody_notices_makes_no_difference() -> None:
    assert scores(waiting("a", 3, 0.0), waiting("b", 3, 0.0125)) == {"a": 5.0, "b": 5.0}
    assert scores(waiting("a", 3, 0.001), waiting("b", 3, 0.1))["b"] == pytest.approx(320.0)


def test_a_deployment_of_which_nothing_is_known_is_as_good_as_the_best() -> None:
    assert scores(waiting("a", 3, 0.5), waiting("b", 3, 5.0), waiting("new", 3))["new"] == 5.0


def test_one_that_is_ten_times_slower_gets_no_session_while_it_has_its_share() -> None:
    live = filled(
        Adaptive,
        300,
        a={"first_event_s": 0.3, "first_audio_s": 0.5},
        b={"first_event_s": 3.0, "first_audio_s": 5.0},
    )
    assert live["b"] <= 0.05 * 300


def test_an_endpoint_that_fails_at_once_is_no_bargain_for_being_empty() -> None:
    """A failure has been recorded as five seconds; the other carries hundreds of sessions, and is fast."""
    well = candidate("well", 500, first_event_s=0.3, first_audio_s=0.4)
    assert picked(strategy(), [well, candidate("failing", 0, first_event_s=5.0)]) == "well"


@pytest.mark.parametrize(("wait_s", "chosen"), [(2.7, "empty"), (2.8, "busy")])
def test_empty_is_five_times_as_good_as_busy_at_most(wait_s: float, chosen: str) -> None:
    """In a large group, one without a session is left alone from 1.25 x the root of 5 times the wait on."""
    assert picked(strategy(), [waiting("busy", 10_000, 1.0), waiting("empty", 0, wait_s)]) == chosen


def test_a_fast_and_empty_deployment_gets_the_next_session() -> None:
    assert (
        picked(strategy(), [waiting("a", 500, 0.3), waiting("b", 500, 0.3), waiting("back", 0, 0.6)])
        == "back"
    )


@pytest.mark.parametrize(
    ("headroom", "factor"),
    [(1.0, 1), (0.5, 1), (0.25, 4), (0.1, 25), (0.05, 100), (0.01, 2_500), (0.0, 2_500)],
)
def test_scarcity_grows_steeply_once_half_of_a_quota_is_gone(headroom: float, factor: float) -> None:
    assert scores(candidate("a", 3), candidate("b", 3, headroom=headroom))["b"] == pytest.approx(5 * factor)


def test_where_nothing_is_left_anywhere_the_least_busy_serves() -> None:
    assert picked(strategy(), [candidate("a", 3, headroom=0.0), candidate("b", 2, headroom=0.0)]) == "b"
