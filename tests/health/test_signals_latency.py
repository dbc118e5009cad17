"""How long to expect to wait: peaks that fade, failures as long waits, and when to hedge."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime_lb.deployments import Deployment
from realtime_lb.health.signals import Signals
from realtime_lb.verdicts import Meaning, Verdict

A = Deployment(id="a", model_group="voice", model="m")


class Watch:
    """A clock that is moved by hand, and the signals that go by it."""

    def __init__(self, now_s: float = 1_000.0) -> None:
        self.now_s = now_s
        self.signals = Signals(lambda: self.now_s, {})

    def after(self, seconds: float) -> Signals:
        self.now_s += seconds
        return self.signals

    @property
    def event_s(self) -> float | None:
        return self.signals.candidate(A, 0).first_event_s

    @property
    def audio_s(self) -> float | None:
        return self.signals.candidate(A, 0).first_audio_s


@pytest.fixture
def watch() -> Watch:
    return Watch()


def falls(high: float, low: float, seconds: float) -> float:
    return low + (high - low) * math.exp(-seconds / 10.0)


def test_nothing_is_known_of_a_new_deployment(watch: Watch) -> None:
    candidate = watch.signals.candidate(A, 7)
    assert (candidate.first_event_s, candidate.first_audio_s, candidate.headroom) == (None, None, 1.0)
    assert (candidate.deployment, candidate.live_sessions, candidate.price_per_minute) == (A, 7, None)
    assert watch.signals.hedge_after_s("a") is None


def test_the_two_latencies_are_kept_apart_and_by_deployment(watch: Watch) -> None:
    watch.signals.opened("a", 0.3)
    watch.signals.opened("b", 9.0)
    assert (watch.event_s, watch.audio_s) == (0.3, None)
    watch.signals.answered("a", 0.7)
    assert (watch.event_s, watch.audio_s) == (0.3, 0.7)


def test_a_clock_may_have_just_begun() -> None:
    watch = Watch(0.0)
    watch.signals.opened("a", 0.3)
    assert (watch.event_s, usual_s(watch)) == (0.3, 0.3)
    watch.signals.opened("a", 0.5)
    assert (watch.event_s, usual_s(watch)) == (0.5, 0.4)


def test_peaks_and_averages_are_told_of_both_latencies(watch: Watch) -> None:
    for latency_s in (0.3, 0.5):
        watch.signals.opened("a", latency_s)
        watch.signals.answered("a", latency_s + 1.0)
    candidate = watch.signals.candidate(A, 7)
    assert (candidate.deployment, candidate.live_sessions) == (A, 7)
    assert (candidate.first_event_s, candidate.first_audio_s) == (0.5, 1.5)
    assert (candidate.usual_event_s, candidate.usual_audio_s) == pytest.approx((0.4, 1.4))


def test_the_price_is_that_of_the_deployment() -> None:
    signals = Signals(lambda: 0.0, {"a": 0.048, "b": 1.0})
    assert signals.candidate(A, 0).price_per_minute == 0.048
    signals.opened("a", 0.1)
    assert signals.candidate(A, 3).price_per_minute == 0.048
    assert signals.candidate(A, 3).live_sessions == 3


def test_a_latency_rises_at_once(watch: Watch) -> None:
    watch.signals.opened("a", 0.3)
    watch.after(1).opened("a", 3.0)
    assert watch.event_s == 3.0
    watch.signals.answered("a", 0.5)
    watch.signals.answered("a", 5.0)
    assert watch.audio_s == 5.0


def test_it_falls_by_time_to_what_is_usual_and_not_to_zero(watch: Watch) -> None:
    watch.signals.opened("a", 0.3)
    watch.after(1).opened("a", 3.0)
    watch.after(10)
    assert watch.event_s == pytest.approx(falls(3.0, 0.3, 10))
    watch.after(90)
    assert watch.event_s == pytest.approx(0.3, abs=0.001)


def test_a_fast_dial_does_not_make_a_stall_forgotten(watch: Watch) -> None:
    """As Finagle has it: the newer value counts the more, the longer ago the peak was."""
    watch.signals.opened("a", 3.0)
    watch.after(5).opened("a", 0.3)
    assert watch.event_s == pytest.approx(falls(3.0, 0.3, 5))
    watch.after(5).opened("a", 0.5)
    assert watch.event_s == pytest.approx(falls(falls(3.0, 0.3, 5), 0.5, 5))


def test_a_deployment_that_is_always_slow_does_not_look_fast_by_being_idle(watch: Watch) -> None:
    for _ in range(20):
        watch.after(1).opened("a", 3.0)
    watch.after(250)
    assert watch.event_s == pytest.approx(3.0)


def test_after_two_minutes_slow_is_the_usual(watch: Watch) -> None:
    watch.signals.opened("a", 0.3)
    watch.after(60).opened("a", 3.0)
    watch.after(55).opened("a", 3.0)
    watch.after(50)
    assert watch.event_s == pytest.approx(0.3, abs=0.02)
    watch.after(30).opened("a", 3.0)  # 195 s after the last fast one
    watch.after(200)
    assert watch.event_s == pytest.approx(3.0)


@pytest.mark.parametrize(("gap_s", "usual_s"), [(100, 0.3), (131.9, 0.3), (132, 3.0)])
def test_the_usual_is_the_lowest_of_two_minutes_to_a_tenth(gap_s: float, usual_s: float) -> None:
    watch = Watch(1_200.0)
    watch.signals.opened("a", 0.3)
    watch.after(gap_s).opened("a", 3.0)
    watch.after(200)
    assert watch.event_s == pytest.approx(usual_s, abs=0.001)


def test_the_lowest_of_one_moment_counts(watch: Watch) -> None:
    for latency_s in (0.6, 0.4, *[0.9] * 20):
        watch.signals.opened("a", latency_s)
    watch.after(200)
    assert watch.event_s == pytest.approx(0.4, abs=0.001)


def test_what_was_known_fades_after_five_minutes_and_is_then_unknown(watch: Watch) -> None:
    watch.signals.opened("a", 3.0)
    watch.after(300)
    assert watch.event_s == 3.0
    watch.after(20)
    assert watch.event_s == pytest.approx(3.0 * math.exp(-1))
    watch.after(39.9)
    assert watch.event_s == pytest.approx(3.0 * math.exp(-59.9 / 20))
    watch.after(0.2)
    assert watch.event_s is None


def test_after_six_minutes_to_the_second_neither_peak_nor_average_is_known(watch: Watch) -> None:
    watch.signals.opened("a", 3.0)
    watch.signals.answered("a", 3.0)
    watch.after(359)
    known = watch.signals.candidate(A, 0)
    assert None not in (known.first_event_s, known.first_audio_s, known.usual_event_s, known.usual_audio_s)
    watch.after(1)
    known = watch.signals.candidate(A, 0)
    assert (known.first_event_s, known.first_audio_s) == (None, None)
    assert (known.usual_event_s, known.usual_audio_s) == (None, None)


def test_after_that_a_first_dial_is_as_good_as_new(watch: Watch) -> None:
    watch.signals.opened("a", 0.3)
    watch.after(500).opened("a", 2.0)
    watch.after(100)
    assert watch.event_s == pytest.approx(2.0)


def usual_s(watch: Watch) -> float:
    found = watch.signals.candidate(A, 0).usual_event_s
    assert found is not None
    return found


def test_an_average_does_not_grow_with_how_many_there_were(watch: Watch) -> None:
    for _ in range(500):
        watch.after(0.1).opened("a", 0.2)
        watch.after(0.1).opened("a", 0.4)
    assert usual_s(watch) == pytest.approx(0.3, rel=0.02)
    assert watch.event_s == pytest.approx(0.4, rel=0.02)


def test_what_is_far_above_the_average_counts_at_once(watch: Watch) -> None:
    for _ in range(50):
        watch.after(1).opened("a", 0.3)
    watch.signals.opened("a", 3.0)
    assert usual_s(watch) == pytest.approx(3.0)
    watch.after(5)
    assert usual_s(watch) == pytest.approx(3.0 * math.exp(-0.5))
    watch.after(15)
    assert usual_s(watch) == pytest.approx(0.44, abs=0.05)


@pytest.mark.parametrize(("latency_s", "expected_s"), [(2.0, 1.25), (2.01, 2.01)])
def test_up_to_four_times_the_average_may_be_noise(watch: Watch, latency_s: float, expected_s: float) -> None:
    watch.signals.opened("a", 0.5)
    watch.signals.opened("a", latency_s)
    assert usual_s(watch) == expected_s


def test_after_some_silence_an_average_falls(watch: Watch) -> None:
    watch.signals.opened("a", 3.0)
    watch.after(20)
    assert usual_s(watch) == pytest.approx(3.0)
    watch.after(60)
    assert usual_s(watch) == pytest.approx(3.0 / math.e)


def test_a_dial_that_was_overtaken_is_one_measurement_of_the_average(watch: Watch) -> None:
    watch.signals.opened("a", 0.3)
    watch.signals.outpaced("a", 0.7)
    assert usual_s(watch) == pytest.approx(0.5)


AGAINST = [
    *(Meaning.UNREACHABLE, Meaning.TRANSIENT, Meaning.BAD_CREDENTIAL),
    *(Meaning.QUOTA_EXHAUSTED, Meaning.WRONG_CONFIG, Meaning.RATE_LIMITED),
]


@pytest.mark.parametrize("meaning", AGAINST)
def test_a_failure_counts_as_five_seconds(watch: Watch, meaning: Meaning) -> None:
    watch.signals.opened("a", 0.3)
    watch.signals.failed("a", Verdict(meaning))
    assert watch.event_s == 5.0
    watch.after(10)
    assert watch.event_s == pytest.approx(5.0 * math.exp(-1))
    watch.after(100)
    assert watch.event_s == pytest.approx(0.3)


@pytest.mark.parametrize("meaning", sorted(set(Meaning) - set(AGAINST)))
def test_what_does_not_speak_against_the_deployment_costs_nothing(watch: Watch, meaning: Meaning) -> None:
    watch.signals.failed("a", Verdict(meaning, 20.0))
    assert watch.event_s is None


@pytest.mark.parametrize(
    ("delay_s", "wait_s"),
    [
        (20.0, 20.0),
        (300.0, 300.0),
        (301.0, 300.0),
        (math.inf, 5.0),
        (math.nan, 5.0),
        (0.0, 1.0),
        (-7.0, 1.0),
        (1.5, 1.5),
    ],
)
def test_a_rate_limit_counts_as_its_delay(watch: Watch, delay_s: float, wait_s: float) -> None:
    watch.signals.failed("a", Verdict(Meaning.RATE_LIMITED, delay_s))
    assert watch.event_s == wait_s


def test_only_a_rate_limit_names_its_own_cost(watch: Watch) -> None:
    watch.signals.failed("a", Verdict(Meaning.TRANSIENT, 200.0))
    assert watch.event_s == 5.0


def test_a_smaller_penalty_does_not_shorten_a_greater_one(watch: Watch) -> None:
    watch.signals.failed("a", Verdict(Meaning.RATE_LIMITED, 60.0))
    watch.after(1).failed("a", Verdict(Meaning.TRANSIENT))
    assert watch.event_s == pytest.approx(60.0 * math.exp(-0.1))


def test_the_longest_penalty_is_over_long_before_the_delay_that_it_stands_for(watch: Watch) -> None:
    watch.signals.opened("a", 0.3)
    watch.signals.failed("a", Verdict(Meaning.RATE_LIMITED, 300.0))
    watch.after(57)
    assert watch.event_s is not None
    assert watch.event_s < 1.01


def test_a_burst_of_failures_is_one(watch: Watch) -> None:
    for _ in range(500):
        watch.after(0.01).failed("a", Verdict(Meaning.TRANSIENT))
    assert watch.event_s == 5.0


def test_who_keeps_failing_counts_as_long_as_it_has_failed_up_to_five_minutes(watch: Watch) -> None:
    for _ in range(7):
        watch.after(10).failed("a", Verdict(Meaning.UNREACHABLE))
    assert watch.event_s == pytest.approx(60.0)
    watch.after(290).failed("a", Verdict(Meaning.UNREACHABLE))
    assert watch.event_s == 300.0


@pytest.mark.parametrize(("silence_s", "wait_s"), [(300, 300.0), (301, 5.0)])
def test_two_failures_with_five_minutes_of_silence_between_them_are_no_row(
    watch: Watch, silence_s: float, wait_s: float
) -> None:
    watch.signals.failed("a", Verdict(Meaning.UNREACHABLE))
    watch.after(silence_s).failed("a", Verdict(Meaning.UNREACHABLE))
    assert watch.event_s == wait_s


def test_an_accepted_dial_ends_the_row_but_does_not_undo_the_failure(watch: Watch) -> None:
    watch.signals.failed("a", Verdict(Meaning.UNREACHABLE))
    watch.after(100).opened("a", 0.3)
    watch.after(100).failed("a", Verdict(Meaning.UNREACHABLE))
    assert watch.event_s == 5.0
    watch.after(1).opened("a", 0.3)
    assert watch.event_s == pytest.approx(5.0 * math.exp(-0.1))


def test_an_answer_says_nothing_about_whether_dials_succeed(watch: Watch) -> None:
    watch.signals.failed("a", Verdict(Meaning.UNREACHABLE))
    watch.after(30).answered("a", 0.3)
    watch.signals.failed("a", Verdict(Meaning.UNREACHABLE))
    assert watch.event_s == 30.0


@pytest.mark.parametrize(("after_s", "known"), [(23.0, True), (23.1, False)])
def test_a_failure_alone_is_forgotten_below_half_a_second(
    watch: Watch, after_s: float, *, known: bool
) -> None:
    """It must not end as the shortest wait of all; 10 x ln(5 / 0.5) is 23.03."""
    watch.signals.failed("a", Verdict(Meaning.UNREACHABLE))
    watch.after(after_s)
    assert (watch.event_s is not None) is known


def test_an_overtaken_dial_raises_the_expectation_to_what_it_had_taken(watch: Watch) -> None:
    watch.signals.opened("a", 0.3)
    watch.signals.outpaced("a", 1.2)
    assert watch.event_s == 1.2
    watch.after(100)
    assert watch.event_s == pytest.approx(0.3)
    watch.signals.outpaced("b", 0.9)
    assert watch.signals.candidate(Deployment(id="b", model_group="voice", model="m"), 0).first_event_s == 0.9


def test_an_overtaken_dial_that_was_short_makes_nobody_faster(watch: Watch) -> None:
    watch.signals.opened("a", 2.0)
    watch.signals.outpaced("a", 0.6)
    assert watch.event_s == 2.0


def test_a_stalled_node_whose_every_dial_is_overtaken_does_not_get_away_with_it(watch: Watch) -> None:
    for _ in range(31):
        watch.after(1).outpaced("a", 0.6)
    assert watch.event_s == pytest.approx(30.0)


def test_a_wait_of_half_a_second_is_worth_telling(watch: Watch) -> None:
    watch.signals.outpaced("a", 0.5)
    assert watch.event_s == 0.5
    watch.signals.outpaced("b", 0.49)
    assert (
        watch.signals.candidate(Deployment(id="b", model_group="voice", model="m"), 0).first_event_s is None
    )


@pytest.mark.parametrize(("waited_s", "event_s"), [(5.0, None), (5.1, 5.1)])
def test_a_dial_given_up_after_more_than_five_seconds_counts_as_what_it_had_taken(
    watch: Watch, waited_s: float, event_s: float | None
) -> None:
    watch.signals.abandoned("a", waited_s)
    assert watch.event_s == event_s
    watch.after(10)
    assert watch.event_s == (event_s and pytest.approx(event_s * math.exp(-1)))


@pytest.mark.parametrize(("waited_s", "counts"), [(1.0, False), (1.2, True)])
def test_where_dials_are_known_one_given_up_counts_if_it_was_long_for_its_kind(
    watch: Watch, waited_s: float, *, counts: bool
) -> None:
    """Long is more than nineteen in twenty took. It is no measurement, and changes no average."""
    assert dialled(watch, *[1.0] * 20) == 1.0
    watch.after(10).opened("a", 0.2)
    average_s = usual_s(watch)
    watch.signals.abandoned("a", waited_s)
    assert watch.event_s == pytest.approx(waited_s if counts else falls(1.0, 0.2, 10))
    assert usual_s(watch) == average_s


def dialled(watch: Watch, *latencies_s: float) -> float | None:
    for latency_s in latencies_s:
        watch.signals.opened("a", latency_s)
    return watch.signals.hedge_after_s("a")


def test_of_fewer_than_twenty_dials_there_is_no_percentile(watch: Watch) -> None:
    assert dialled(watch, *[0.1] * 19) is None
    assert dialled(watch, 0.1) == 0.1


@pytest.mark.parametrize(("dials", "rank"), [(20, 19), (21, 20), (40, 38), (41, 39), (99, 95), (100, 95)])
def test_the_percentile_is_the_nearest_rank_upward(watch: Watch, dials: int, rank: int) -> None:
    assert dialled(watch, *(float(number) for number in range(dials, 0, -1))) == float(rank)


def test_only_the_last_hundred_dials_count(watch: Watch) -> None:
    assert dialled(watch, *[9.0] * 100, *[1.0] * 94) == 9.0
    assert dialled(watch, 1.0) == 1.0


def test_dials_older_than_ten_minutes_do_not_count(watch: Watch) -> None:
    dialled(watch, *[0.2] * 30)
    assert watch.after(600).hedge_after_s("a") == 0.2
    assert watch.after(0.5).hedge_after_s("a") is None


def test_only_accepted_dials_count(watch: Watch) -> None:
    dialled(watch, *[0.2] * 20)
    for _ in range(50):
        watch.signals.outpaced("a", 9.0)
        watch.signals.failed("a", Verdict(Meaning.SLOW))
        watch.signals.answered("a", 9.0)
    assert watch.signals.hedge_after_s("a") == 0.2


@given(st.lists(st.tuples(st.floats(0, 400), st.floats(0, 60)), min_size=1, max_size=30), st.floats(0, 400))
def test_without_news_an_expectation_never_grows(dials: list[tuple[float, float]], later_s: float) -> None:
    """And it never falls below the shortest that was seen, unless it fades."""
    watch = Watch()
    for gap_s, latency_s in dials:
        watch.after(gap_s).opened("a", latency_s)
        assert watch.event_s is not None
        assert watch.event_s >= latency_s * (1 - 1e-9)
    before = watch.event_s
    watch.after(later_s)
    assert before is not None
    assert watch.event_s is None or watch.event_s <= before * (1 + 1e-9)
    if later_s <= 300:
        assert watch.event_s is not None
        assert watch.event_s >= min(latency_s for _, latency_s in dials) * (1 - 1e-9)
