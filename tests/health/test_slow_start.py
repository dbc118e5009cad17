"""A deployment that comes back gets its share of new sessions back little by little."""

import random
from typing import Any

import pytest
from attrs import evolve

from realtime_lb.health.slow_start import Ramp, fair_shares
from realtime_lb.records import HealthState
from realtime_lb.verdicts import Meaning
from tests.health.ward import EXACT, Ward, deployment, deployments


def returned(*group: Any, **settings: Any) -> Ward:
    """A group whose *a* has just come back."""
    story = Ward(*group, settings=evolve(EXACT, **settings))
    story.kill("a")
    story.after(30).dial("a")
    return story


def admissions_of_a(story: Ward, seconds: int, a_second: int = 100) -> int:
    """Give every session to *a* that it may have, as least-busy would to an idle deployment."""
    count = 0
    for _ in range(seconds * a_second):
        name = "a" if "a" in story.eligible else story.eligible[-1]
        count += name == "a"
        story.admit(name)
        story.after(1 / a_second)
    return count


def test_its_share_grows_from_a_tenth_to_the_whole() -> None:
    """Of four equal deployments, an idle one that would get everything gets a tenth of a quarter at first."""
    story = returned(*deployments(4))
    shares = [admissions_of_a(story, 3) / 300 * 4 for _ in range(10)]
    for third, share in enumerate(shares):
        assert share == pytest.approx(0.1 + 0.9 * (third * 3 + 1.5) / 30, abs=0.04)
    assert story.after(0.001).state("a") is HealthState.ELIGIBLE
    assert "a" in story.eligible


def test_a_share_goes_by_weight() -> None:
    story = returned(deployment("a", weight=3), deployment("b", weight=1), deployment("c"))
    assert admissions_of_a(story, 30) == pytest.approx(3000 * 0.55 * 0.6, rel=0.02)


def test_another_tier_takes_no_part() -> None:
    story = returned(deployment("a", order=1), deployment("b", order=2), deployment("c", order=2))
    assert admissions_of_a(story, 30) == pytest.approx(3000 * 0.55, rel=0.02)


def test_who_comes_back_slowly_is_better_than_nobody() -> None:
    story = returned(*deployments(2))
    story.report("b", Meaning.RATE_LIMITED, delay_s=10)
    assert story.eligible == "a"
    assert story.after(10).eligible == "ab"  # a client should not be the probe of b while a works


def test_nobody_starts_slowly_at_first() -> None:
    story = Ward(*deployments(3))
    story.dial("a")
    assert story.eligible == "abc"


def test_slow_start_can_be_switched_off() -> None:
    story = returned(*deployments(3), slow_start_s=0)
    assert story.eligible == "abc"
    assert story.state("a") is HealthState.ELIGIBLE


def test_standing_tells_how_long_it_takes() -> None:
    story = returned(*deployments(3))
    assert story.after(12).standing("a").left_s == pytest.approx(18)


def test_all_of_them_coming_back_share_alike() -> None:
    story = Ward(*deployments(3))
    story.kill(*"abc")
    story.after(30)
    for name in "abc":
        story.dial(name)
    assert story.eligible == "abc"
    rng, counts = random.Random(1), dict.fromkeys("abc", 0)
    for _ in range(300):
        name = rng.choice(story.eligible)
        counts[name] += 1
        story.admit(name)
    assert max(counts.values()) - min(counts.values()) < 30


def test_a_ramp_in_figures() -> None:
    ramp = Ramp(since_s=100, span_s=20)
    assert (ramp.level(100), ramp.level(110), ramp.level(120), ramp.level(999)) == (0.1, 0.55, 1, 1)
    assert (ramp.over(119.9), ramp.over(120)) == (False, True)
    assert (ramp.left_s(105), ramp.left_s(999)) == (15, 0)
    ramp.earn(110, 1)
    assert (ramp.credit, ramp.ready) == (0.55, False)
    ramp.earn(110, 0.9)
    assert ramp.ready
    for _ in range(9):
        ramp.earn(120, 1)
    assert ramp.credit == 2
    ramp.spend()
    assert (ramp.credit, ramp.ready) == (1, True)
    ramp.spend()
    ramp.spend()
    assert (ramp.credit, ramp.ready) == (0, False)


def test_fair_shares_in_figures() -> None:
    group = [deployment("a", weight=3), deployment("b"), deployment("c", order=1), deployment("d", order=1)]
    assert fair_shares(group) == {"a": 0.75, "b": 0.25, "c": 0.5, "d": 0.5}
    assert fair_shares([deployment("a", weight=0), deployment("b", weight=-1)]) == {"a": 0.5, "b": 0.5}
    assert fair_shares([deployment("a", weight=0), deployment("b", weight=0.5)]) == {"a": 0, "b": 1}
    assert fair_shares([]) == {}
