"""What takes a deployment out of use, for how long, and how it comes back."""

from typing import Any

import pytest
from attrs import evolve

from realtime_lb.records import HealthState, Standing
from realtime_lb.settings import HealthSettings
from realtime_lb.verdicts import Meaning, What
from tests.health.ward import EXACT, Ward, deployment, deployments

UNREACHABLE, TRANSIENT, CONFIG = Meaning.UNREACHABLE, Meaning.TRANSIENT, Meaning.WRONG_CONFIG
LIMITED, QUOTA, OK = Meaning.RATE_LIMITED, Meaning.QUOTA_EXHAUSTED, Meaning.OK
COMPLETED, FAILED = What.RESPONSE_COMPLETED, What.RESPONSE_FAILED


def ward(count: int = 3, **settings: Any) -> Ward:
    return Ward(*deployments(count), settings=evolve(EXACT, **settings))


def ejected(left_s: float, reason: Meaning = UNREACHABLE) -> Standing:
    return Standing(state=HealthState.EJECTED, reason=reason, left_s=left_s)


def cooling(left_s: float, reason: Meaning = LIMITED) -> Standing:
    return Standing(state=HealthState.COOLDOWN, reason=reason, left_s=left_s)


@pytest.mark.parametrize(
    ("meaning", "limit", "left_s"),
    [
        (UNREACHABLE, 3, 30),
        (CONFIG, 3, 300),
        (TRANSIENT, 5, 30),
        (Meaning.SLOW, 5, 30),
    ],
)
def test_failures_in_a_row_eject(meaning: Meaning, limit: int, left_s: float) -> None:
    story = ward()
    assert story.report("a", meaning, times=limit - 1) is None
    assert story.eligible == "abc"
    assert story.report("a", meaning) == story.standing("a") == ejected(left_s, meaning)
    assert story.eligible == "bc"
    assert story.report("a", meaning) is None
    assert story.standing("a") == ejected(left_s, meaning)


def test_a_success_ends_the_row() -> None:
    story = ward(window_least=99)
    for _ in range(4):
        story.report("a", UNREACHABLE, times=2)
        story.report("a", OK)
    assert story.eligible == "abc"


def test_wrong_configuration_and_no_answer_count_together() -> None:
    story = ward()
    story.report("a", UNREACHABLE, times=2)
    assert story.report("a", CONFIG) == ejected(300, CONFIG)


@pytest.mark.parametrize("meaning", [Meaning.CALLERS_FAULT, Meaning.BENIGN, Meaning.SESSION_ENDED])
@pytest.mark.parametrize("what", [None, What.CLOSED])
def test_what_says_nothing_counts_nowhere(meaning: Meaning, what: What | None) -> None:
    story = ward()
    story.report("a", UNREACHABLE, times=2)
    assert story.report("a", meaning, times=50, what=what) is None
    assert story.report("a", UNREACHABLE) is not None


@pytest.mark.parametrize("what", [What.CLOSED, What.ERROR_EVENT, What.RESPONSE_FAILED], ids=str)
def test_a_deployment_that_accepts_sessions_and_fails_them_is_ejected(what: What) -> None:
    """Its dials go well in between, and do not hide it."""
    story = ward()
    for _ in range(4):
        story.dial("a")
        story.report("a", TRANSIENT, what=what)
    story.dial("a")
    assert story.report("a", TRANSIENT, what=what) == ejected(30, TRANSIENT)


def test_a_completed_response_ends_that_row_and_no_other() -> None:
    story = ward()
    story.report("a", TRANSIENT, times=4, what=FAILED)
    story.report("a", UNREACHABLE, times=2)
    story.report("a", OK, what=COMPLETED)
    assert story.report("a", TRANSIENT, times=4, what=FAILED) is None
    assert story.report("a", UNREACHABLE) == ejected(30)


def test_a_key_that_is_refused_in_a_live_session_is_one_failure() -> None:
    story = ward()
    assert story.report("a", Meaning.BAD_CREDENTIAL, times=4, what=What.ERROR_EVENT) is None
    assert story.report("a", UNREACHABLE, what=What.CLOSED) == ejected(30)


def test_failures_of_sessions_that_lie_far_apart_are_no_row() -> None:
    story = ward()
    for _ in range(20):
        story.after(300).report("a", TRANSIENT, what=What.CLOSED)
    assert story.eligible == "abc"
    story.report("a", TRANSIENT, times=3, what=What.CLOSED)
    assert story.after(299.9).report("a", TRANSIENT, what=What.CLOSED) is not None


def test_half_of_recent_dials_failing_ejects_once_there_are_ten() -> None:
    story = ward()
    for _ in range(4):
        story.report("a", OK)
        story.report("a", TRANSIENT)
    story.report("a", OK)
    assert story.report("a", TRANSIENT) == ejected(30, TRANSIENT)


def test_completed_responses_are_no_dials() -> None:
    story = ward()
    for _ in range(5):
        story.report("a", OK)
        story.report("a", OK, times=9, what=COMPLETED)
        story.report("a", TRANSIENT)
    assert story.state("a") is HealthState.EJECTED


def test_what_happened_before_it_came_back_is_forgotten() -> None:
    story = ward(window_s=900, ejection_s=20, allowed_fails=5)
    story.report("a", TRANSIENT, times=5)
    story.report("a", UNREACHABLE, times=3)
    story.after(20).dial("a")
    for _ in range(5):
        assert story.report("a", TRANSIENT) is None
        story.report("a", OK)
        story.report("a", OK)
    assert story.report("a", TRANSIENT) is not None


def test_less_than_half_does_not() -> None:
    story = ward()
    story.report("a", OK)
    for _ in range(50):
        story.report("a", OK)
        story.report("a", TRANSIENT)
    assert story.eligible == "abc"


def test_only_the_last_half_minute_counts() -> None:
    story = ward()
    for _ in range(8):
        story.report("a", OK)
    story.after(29.9).report("a", TRANSIENT)
    story.report("a", TRANSIENT, times=2)
    story.after(0.1).report("a", OK)
    story.report("a", TRANSIENT)  # four of five: too few to tell
    for _ in range(2):
        story.report("a", OK)
        assert story.report("a", TRANSIENT) is None
    story.report("a", OK)
    assert story.report("a", TRANSIENT) is not None


def test_allowed_fails_counts_every_failure_of_a_minute() -> None:
    story = ward(allowed_fails=2, window_least=99)
    story.report("a", TRANSIENT)
    story.report("a", OK)
    story.report("a", TRANSIENT, what=FAILED)
    story.report("a", OK, what=COMPLETED)
    story.after(60).report("a", TRANSIENT)  # the others are forgotten
    story.report("a", OK)
    assert story.after(59.9).report("a", TRANSIENT) is None
    story.report("a", OK)
    assert story.report("a", TRANSIENT, what=FAILED) == ejected(30, TRANSIENT)


def test_no_failure_allowed_ejects_at_the_first() -> None:
    assert ward(allowed_fails=0).report("a", TRANSIENT) == ejected(30, TRANSIENT)


def test_rate_limits_are_no_failures() -> None:
    story = ward(allowed_fails=0)
    for _ in range(50):
        assert story.dial("a", LIMITED, delay_s=2.0) == cooling(2)
        story.after(2)
        story.dial("a")
    assert story.state("a") is HealthState.ELIGIBLE


@pytest.mark.parametrize("what", [None, FAILED])
def test_a_rate_limit_holds_for_exactly_as_long_as_it_says(what: What | None) -> None:
    story = Ward(*deployments(3), settings=HealthSettings())
    told = story.report("a", LIMITED, delay_s=6.9, what=what)
    assert told is not None
    assert told.left_s == pytest.approx(6.9)
    assert story.after(6.8).eligible == "bc"
    assert story.after(0.11).eligible == "abc"


def test_the_longest_of_several_limits_holds() -> None:
    story = ward()
    story.report("a", LIMITED, delay_s=10)
    assert story.report("a", LIMITED, delay_s=5) is None
    assert story.standing("a") == cooling(10)
    story.report("a", LIMITED, delay_s=20)
    assert story.standing("a") == cooling(20)


def test_a_limit_that_names_no_delay_doubles_up_to_a_minute() -> None:
    story = ward()
    lefts = []
    for _ in range(6):
        story.dial("a", LIMITED)
        story.report("a", LIMITED, times=9, what=FAILED)  # other sessions tell of the same
        lefts.append(story.standing("a").left_s)
        story.after(lefts[-1] or 0)
    assert lefts == [5, 10, 20, 40, 60, 60]
    story.dial("a")
    story.dial("a", LIMITED)
    assert story.standing("a") == cooling(5)


def test_limits_of_responses_are_told_apart_from_limits_of_dials() -> None:
    story = ward()
    for left_s in (5, 10, 20):
        story.dial("a")
        story.report("a", LIMITED, what=FAILED)
        assert story.standing("a") == cooling(left_s)
        story.after(left_s)
    story.dial("a")
    story.report("a", OK, what=COMPLETED)
    assert story.report("a", LIMITED, what=FAILED) == cooling(5)


def test_a_cooldown_that_is_set_longer_than_a_minute_stays_so() -> None:
    story = ward(cooldown_s=90)
    for _ in range(2):
        story.dial("a", LIMITED)
        assert story.standing("a") == cooling(90)
        story.after(90)


def test_a_server_that_fails_and_asks_for_time_gets_it() -> None:
    """503 with Retry-After: out for that long, and no ejection of its own."""
    story = ward()
    assert story.dial("a", TRANSIENT, delay_s=4) == ejected(4, TRANSIENT)
    story.after(4).dial("a")
    assert story.dial("a", TRANSIENT, delay_s=999) == ejected(300, TRANSIENT)
    assert story.dial("a", TRANSIENT, delay_s=999) is None
    story.after(300).dial("a")
    story.kill("a")
    assert story.standing("a") == ejected(30)


def test_an_ejection_is_no_shorter_than_what_was_asked_for() -> None:
    story = ward()
    story.report("a", TRANSIENT, times=4)
    assert story.report("a", TRANSIENT, delay_s=77) == ejected(77, TRANSIENT)


def test_ejections_in_a_row_get_longer_up_to_a_limit() -> None:
    story = ward()
    story.kill("a")
    for left_s in (30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300):
        assert story.standing("a") == ejected(left_s)
        story.after(left_s - 0.5)
        assert story.eligible == "bc"
        story.after(0.5)
        assert story.dial("a", UNREACHABLE) is None  # it never came back


def test_each_quiet_interval_takes_one_from_the_row() -> None:
    story = ward()
    story.kill("a")
    for left_s in (30, 60, 90):
        story.after(left_s).dial("a", UNREACHABLE)
    story.after(120).dial("a")  # back, after four
    story.after(30).kill("a")
    assert story.standing("a") == ejected(120)  # one forgotten, one more
    story.after(120).dial("a")
    story.after(29.9).kill("a")
    assert story.standing("a") == ejected(150)
    story.after(150).dial("a")
    story.after(9_999).kill("a")
    assert story.standing("a") == ejected(30)


def test_time_in_which_nobody_came_is_no_quiet_time() -> None:
    """A probe that comes late and fails finds what the one before it found."""
    story = ward()
    story.kill("a")
    for left_s in (60, 90):
        story.after(500).dial("a", UNREACHABLE)
        assert story.standing("a") == ejected(left_s)


def test_ejections_beyond_the_longest_are_not_remembered() -> None:
    story = ward(ejection_max_s=60)
    story.kill("a")
    for _ in range(20):
        story.after(60).dial("a", UNREACHABLE)
    story.after(60).dial("a")
    story.after(60).kill("a")
    assert story.standing("a") == ejected(30)


@pytest.mark.parametrize("ejection_s", [0.25, 0.0])
def test_an_ejection_may_be_shorter_than_a_second(ejection_s: float) -> None:
    story = ward(ejection_s=ejection_s)
    story.kill("a")
    for times in (1, 2, 3):
        assert story.standing("a").left_s == (ejection_s * times or None)
        assert story.after(ejection_s * times).eligible == "abc"
        story.dial("a", UNREACHABLE)


def test_jitter_adds_up_to_a_fifth_and_hangs_on_the_seed() -> None:
    def lengths(seed: int) -> list[float | None]:
        story = Ward(*deployments(12), settings=HealthSettings(max_ejected_share=1), seed=seed)
        story.kill(*"abcdefghijk")
        return [story.standing(name).left_s for name in "abcdefghijk"]

    assert lengths(1) == lengths(1) != lengths(2)
    assert all(30 <= (left or 0) < 36 for left in lengths(1))
    assert max(left or 0 for left in lengths(1)) > 34


def test_after_an_ejection_one_session_tries_it() -> None:
    story = ward()
    story.kill("a")
    assert story.after(30).eligible == "abc"
    assert story.standing("a") == Standing(state=HealthState.HALF_OPEN, reason=UNREACHABLE)
    story.admit("a")
    assert story.eligible == "bc"
    assert story.standing("a") == Standing(state=HealthState.HALF_OPEN, reason=UNREACHABLE)
    back = story.report("a", OK)
    assert back == Standing(state=HealthState.SLOW_START, left_s=30)
    assert story.after(30).standing("a") == Standing()
    assert story.eligible == "abc"


@pytest.mark.parametrize("how", ["abandoned", "callers_fault"])
def test_a_probe_that_says_nothing_leaves_its_place_to_the_next(how: str) -> None:
    story = ward()
    story.kill("a")
    story.after(30).admit("a")
    if how == "abandoned":
        story.health.abandoned(story.by_id["a"])
    else:
        story.report("a", Meaning.CALLERS_FAULT)
    assert story.eligible == "abc"
    story.dial("a", UNREACHABLE)
    assert story.standing("a") == ejected(60)


def test_what_a_client_does_in_an_old_session_is_no_answer_to_a_probe() -> None:
    story = ward()
    story.kill("a")
    story.after(30).admit("a")
    story.report("a", Meaning.CALLERS_FAULT, what=What.ERROR_EVENT)
    story.report("a", OK, what=COMPLETED)
    story.report("a", TRANSIENT, what=What.CLOSED)
    assert story.eligible == "bc"
    assert story.report("a", OK) is not None


def test_a_probe_that_nobody_tells_about_is_given_up() -> None:
    story = ward()
    story.kill("a")
    story.after(30).admit("a")
    assert story.after(29.9).eligible == "bc"
    assert story.after(0.1).eligible == "abc"
    story.admit("a")
    assert story.after(29.9).eligible == "bc"


def test_one_that_fails_every_response_is_out_again_at_the_next() -> None:
    story = ward()
    story.report("a", TRANSIENT, times=9, what=FAILED)
    story.after(30).dial("a")
    assert story.report("a", TRANSIENT, what=FAILED) == ejected(60, TRANSIENT)
    story.after(60).dial("a")
    story.report("a", OK, what=COMPLETED)
    assert story.report("a", TRANSIENT, times=4, what=FAILED) is None


def test_a_late_success_of_one_that_failed_only_makes_it_due() -> None:
    """A dial that began before proves that not all is lost: the next session may try."""
    story = ward()
    story.kill("a")
    assert story.report("a", OK) is None
    assert story.standing("a") == Standing(state=HealthState.HALF_OPEN, reason=UNREACHABLE)


def test_one_that_succeeds_at_times_stays_out_for_its_time() -> None:
    story = ward()
    for _ in range(5):
        story.report("a", OK)
        story.report("a", TRANSIENT)
    story.report("a", OK)
    assert story.standing("a") == ejected(30, TRANSIENT)


def test_a_cooldown_ends_with_a_single_probe_too_but_without_slow_start() -> None:
    story = ward()
    story.report("a", LIMITED, delay_s=10)
    story.after(10).admit("a")
    assert story.eligible == "bc"
    assert story.report("a", OK) == Standing()
    assert story.eligible == "abc"


def test_after_a_long_cooldown_it_starts_slowly() -> None:
    story = ward()
    story.report("a", LIMITED, delay_s=30)
    assert story.after(30).dial("a") == Standing(state=HealthState.SLOW_START, left_s=30)


def test_a_cooled_down_deployment_needs_as_many_failures_as_any() -> None:
    """One at a time: each failed probe only makes room for the next."""
    story = ward()
    story.report("a", LIMITED, delay_s=10)
    story.after(10)
    for _ in range(2):
        assert story.dial("a", UNREACHABLE) is None
        assert story.eligible == "abc"
    assert story.dial("a", UNREACHABLE) == ejected(30)


def test_a_spent_quota_comes_back_by_a_completed_response_only() -> None:
    story = ward()
    assert story.report("a", QUOTA, what=FAILED) == cooling(300, QUOTA)
    assert story.after(299).eligible == "bc"
    assert story.after(1).dial("a") is None
    assert story.eligible == "bc"
    story.report("a", QUOTA, what=FAILED)
    assert story.standing("a") == cooling(300, QUOTA)
    story.after(300).dial("a")
    back = story.report("a", OK, what=COMPLETED)
    assert back == Standing(state=HealthState.SLOW_START, left_s=30)


def test_a_spent_quota_outlasts_limits_and_failures() -> None:
    story = ward()
    story.report("a", QUOTA)
    story.report("a", LIMITED, delay_s=900)
    story.report("a", UNREACHABLE, times=9)
    assert story.standing("a") == cooling(300, QUOTA)
    story.after(100).report("a", QUOTA)
    assert story.standing("a") == cooling(300, QUOTA)


def test_a_limit_during_an_ejection_makes_it_no_shorter() -> None:
    story = ward()
    story.kill("a")
    story.report("a", LIMITED, delay_s=5)
    assert story.standing("a") == ejected(30)
    story.report("a", LIMITED, delay_s=50)
    assert story.standing("a") == ejected(50)
    assert story.report("a", QUOTA) == cooling(300, QUOTA)


def test_failing_while_it_cools_down_ejects() -> None:
    story = ward()
    story.report("a", LIMITED, delay_s=99)
    assert story.report("a", UNREACHABLE, times=3) == ejected(99)


def test_a_probe_that_is_rate_limited_cools_down() -> None:
    story = ward()
    story.kill("a")
    assert story.after(30).dial("a", LIMITED, delay_s=3) == cooling(3)


def test_a_client_that_names_no_such_model_harms_no_wildcard() -> None:
    story = Ward(deployment("a", model_group="gpt-*"), deployment("b", model_group="gpt-*"))
    assert story.report("a", CONFIG, times=50) is None
    assert story.eligible == "ab"
    story.kill("a")
    story.after(30).dial("a", CONFIG)
    assert story.eligible == "ab"  # it was a probe that said nothing
    story.report("b", CONFIG, times=5, what=FAILED)
    assert story.eligible == "a"


def test_health_that_is_switched_off_sees_nothing() -> None:
    story = ward(enabled=False)
    for meaning in Meaning:
        assert story.report("a", meaning, times=9) is None
        story.admit("a")
        story.health.abandoned(story.by_id["a"])
    assert story.eligible == "abc"
    assert story.standing("a") == Standing()
