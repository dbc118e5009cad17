"""The rules for a group: never too many out, the least bad first, and one probe a second when all is lost."""

from typing import Any

import pytest
from attrs import evolve

from realtime_lb.health import Triage
from realtime_lb.records import HealthState, Standing
from realtime_lb.verdicts import Meaning, Verdict, What
from tests.health.ward import EXACT, Ward, deployment, deployments

UNREACHABLE, TRANSIENT = Meaning.UNREACHABLE, Meaning.TRANSIENT
LIMITED, QUOTA, OK = Meaning.RATE_LIMITED, Meaning.QUOTA_EXHAUSTED, Meaning.OK


def ward(count: int, **settings: Any) -> Ward:
    return Ward(*deployments(count), settings=evolve(EXACT, **settings))


def half_bad(story: Ward, *names: str) -> None:
    """Eject them for failing every other dial; the last one was good."""
    for name in names:
        for _ in range(5):
            story.report(name, OK)
            story.report(name, TRANSIENT)
        story.report(name, OK)


def test_a_healthy_group_is_handed_back_as_it_is() -> None:
    story = ward(3)
    assert story.triage().eligible is story.group
    story.dial("a")
    assert story.triage() == Triage(eligible=story.group)
    assert story.triage().eligible is story.group
    assert story.health.triage([]) == Triage(eligible=())


def test_an_empty_group_is_empty_whatever_happened_elsewhere() -> None:
    story = ward(2)
    story.report("a", Meaning.BAD_CREDENTIAL)
    assert story.health.triage([]) == Triage(eligible=())


@pytest.mark.parametrize(
    ("count", "outright", "last_resort"),
    [(2, "a", ""), (3, "a", "b"), (4, "ab", "c"), (5, "ab", "cd"), (6, "abc", "de")],
)
def test_half_of_a_group_is_ejected_outright_and_the_rest_is_the_last_resort(
    count: int, outright: str, last_resort: str
) -> None:
    story = ward(count)
    for name in outright + last_resort:
        story.after(1).kill(name)
    assert story.last_resort == last_resort
    assert not set(story.eligible) & set(outright + last_resort)
    assert story.eligible
    assert {name for name in story.by_id if story.standing(name).last_resort} == set(last_resort)


@pytest.mark.parametrize(("share", "last_resort"), [(0.0, "abc"), (0.25, "bc"), (0.75, ""), (1.0, "")])
def test_the_share_is_a_setting(share: float, last_resort: str) -> None:
    story = ward(4, max_ejected_share=share)
    for name in "abc":
        story.after(1).kill(name)
    assert (story.eligible, story.last_resort) == ("d", last_resort)


def test_a_share_that_is_no_binary_fraction_is_rounded_fairly() -> None:
    story = Ward(*(deployment(f"d{n}") for n in range(100)), settings=evolve(EXACT, max_ejected_share=0.29))
    story.kill(*(f"d{n}" for n in range(60)))
    assert len(story.triage().last_resort) == 60 - 29


def test_going_out_of_use_tells_that_it_is_the_last_resort() -> None:
    story = ward(3)
    story.admit("a")  # by which the group is known
    story.kill("a")
    story.report("b", UNREACHABLE, times=2)
    assert story.after(1).report("b", UNREACHABLE) == Standing(
        state=HealthState.EJECTED, reason=UNREACHABLE, left_s=30, last_resort=True
    )


def test_the_least_bad_comes_first() -> None:
    """By late failures, then by failures in a row, then the one that is out for longest."""
    story = ward(8, max_ejected_share=0, window_s=1000)
    half_bad(story, "a")
    story.report("b", OK)
    for name in "bcd":
        story.after(1).kill(name)
    story.report("c", UNREACHABLE)
    assert (story.eligible, story.last_resort) == ("efgh", "abdc")
    story.after(1).report("e", TRANSIENT, times=5, what=What.CLOSED)
    assert story.last_resort == "eabdc"


def test_what_went_wrong_in_talks_is_no_better_than_what_went_wrong_in_dials() -> None:
    story = ward(3, max_ejected_share=0)
    story.report("a", TRANSIENT, times=2, what=What.CLOSED)
    story.kill("a", "b")
    story.report("b", UNREACHABLE)
    assert story.last_resort == "ba"  # five in a row, and four


def test_a_single_deployment_that_still_succeeds_at_times_is_never_refused() -> None:
    story = ward(1)
    half_bad(story, "a")
    assert story.triage() == Triage(eligible=(), last_resort=story.group)
    assert story.standing("a").last_resort
    story.after(30).admit("a")
    assert story.triage() == Triage(eligible=(), last_resort=story.group)  # while it is being tried, too
    assert story.standing("a") == Standing(state=HealthState.HALF_OPEN, reason=TRANSIENT, last_resort=True)


def test_where_nobody_else_is_left_all_that_failed_are_the_last_resort() -> None:
    story = ward(4)
    story.kill("a")
    half_bad(story.after(1), "b", "c")
    assert (story.eligible, story.last_resort) == ("d", "c")
    story.report("d", LIMITED, delay_s=9)
    triage = story.triage()
    assert ("".join(d.id for d in triage.last_resort), triage.down) == ("bca", False)
    assert triage.retry_after_s is None


def test_one_that_stops_succeeding_in_the_last_resort_is_down() -> None:
    story = ward(1)
    half_bad(story, "a")
    story.report("a", UNREACHABLE, times=3)
    assert story.triage() == Triage(eligible=(), probe=story.group[0], down=True)


def test_one_that_takes_every_session_and_fails_every_response_is_down() -> None:
    story = ward(1)
    story.report("a", OK)
    story.report("a", TRANSIENT, times=5, what=What.RESPONSE_FAILED)
    assert story.triage() == Triage(eligible=(), probe=story.group[0], down=True)


def test_a_group_that_is_down_gets_one_probe_a_second_by_turns() -> None:
    story = ward(3)
    for name in "abc":
        story.after(0.1).kill(name)
    story.after(0.1)
    probed = []
    for _ in range(12):
        triage = story.triage()
        assert (triage.eligible, triage.last_resort, triage.down) == ((), (), True)
        assert (triage.probe is None) == (triage.retry_after_s is not None)
        if triage.probe is not None:
            probed.append(triage.probe.id)
            story.admit(triage.probe.id)
            assert story.triage() == Triage(eligible=(), down=True, retry_after_s=1.0)
            assert story.report(triage.probe.id, UNREACHABLE) is None
        story.after(0.25)
    assert probed == ["a", "b", "c"]
    assert story.triage().probe is not None
    assert story.standing("a").left_s == pytest.approx(30 - 3.3)  # a probe before its time adds nothing


def test_who_was_heard_of_longest_ago_is_probed_first() -> None:
    story = ward(3)
    for name in "cab":
        story.after(1).kill(name)
    assert story.probe == "c"


def test_the_time_to_the_next_probe_is_told() -> None:
    story = ward(2)
    story.kill("a", "b")
    story.admit("a")
    assert story.after(0.25).triage().retry_after_s == 0.75


def test_a_group_that_is_down_is_down_no_more_when_one_of_it_is_another() -> None:
    story = ward(2)
    story.kill("a", "b")
    story.dial("a", UNREACHABLE)
    assert story.triage().down
    assert not story.triage().probe
    story.health.forget("a")
    assert story.eligible == "a"


def test_a_probe_that_was_given_up_leaves_its_place_to_the_next_whose_turn_it_is() -> None:
    story = ward(2)
    story.kill("a", "b")
    story.after(1).admit("a")
    assert story.probe is None
    story.health.abandoned(story.by_id["a"])
    assert story.probe == "b"


def test_a_probe_while_others_are_well_does_not_delay_the_first_of_a_group_that_is_down() -> None:
    story = ward(3)
    story.kill("a")
    story.after(30).admit("a")
    story.kill("b", "c")
    assert story.triage() == Triage(eligible=(), probe=story.by_id["b"], down=True)


def test_nobody_is_probed_twice_at_once() -> None:
    """A stalled server keeps its probe waiting, and no other is sent after it."""
    story = ward(2)
    story.kill("a", "b")
    for name in "ab":
        assert story.probe == name
        story.admit(name)
        story.after(1)
    assert story.triage() == Triage(eligible=(), down=True, retry_after_s=1.0)
    story.report("a", UNREACHABLE)
    assert story.probe == "a"


def test_the_first_success_of_a_group_that_was_down_makes_all_others_due() -> None:
    story = ward(3)
    story.kill(*"abc")
    story.after(2).admit("a")
    story.after(1).admit("b")
    back = story.report("a", OK)
    assert back == Standing(state=HealthState.SLOW_START, left_s=30)
    assert story.eligible == "ac"  # b has its probe already
    story.dial("c")
    assert story.eligible == "ac"
    story.report("b", OK)
    assert story.eligible == "abc"


def test_later_failures_are_each_deployments_own_again() -> None:
    story = ward(3)
    story.kill(*"abc")
    story.dial("a")
    for name in "bc":
        story.dial(name)
    story.kill("b")
    story.report("a", OK)
    assert story.eligible == "ac"


def test_the_news_of_a_success_is_told_once() -> None:
    story = ward(3)
    story.kill(*"abc")
    story.dial("a")
    story.kill("a")
    story.report("b", OK)
    assert story.standing("a").left_s == 60


def test_coming_back_before_its_time_is_no_worse_than_in_time() -> None:
    story = ward(3, ejection_max_s=600)
    story.kill(*"abc")
    story.dial("a")
    story.kill("a")
    assert story.standing("a").left_s == 60


def test_the_probe_at_the_end_of_an_ejection_is_news_for_the_group_too() -> None:
    story = ward(3)
    story.kill("a")
    story.after(10).kill("b", "c")
    assert story.after(20).eligible == "a"
    story.admit("a")
    triage = story.triage()
    assert (triage.down, triage.probe, triage.retry_after_s) == (True, None, 1.0)
    story.report("a", OK)
    assert story.eligible == "abc"


def test_a_group_with_one_healthy_deployment_was_not_down() -> None:
    story = ward(4)
    story.kill("a", "b")
    story.after(30).dial("a")
    story.kill("c")
    story.after(1).dial("d")
    story.dial("a")
    assert "c" not in story.eligible


def test_a_group_of_which_one_comes_back_slowly_is_not_down() -> None:
    story = ward(2)
    story.kill("a", "b")
    story.after(30).dial("a")
    story.dial("b", UNREACHABLE)
    story.dial("a")
    assert story.eligible == "a"


def test_when_all_are_rate_limited_the_soonest_is_told() -> None:
    story = ward(2)
    story.report("a", LIMITED, delay_s=8)
    story.report("b", LIMITED, delay_s=5)
    assert story.triage() == Triage(eligible=(), rate_limited=True, retry_after_s=5)
    story.after(5).admit("b")
    assert story.triage() == Triage(eligible=(), rate_limited=True, retry_after_s=1)


def test_a_spent_quota_is_a_limit_and_is_not_probed() -> None:
    story = ward(2)
    story.report("a", QUOTA)
    story.report("b", LIMITED, delay_s=400)
    assert story.after(10).triage() == Triage(eligible=(), rate_limited=True, retry_after_s=290)


def test_a_spent_quota_is_a_limit_even_of_one_that_had_failed() -> None:
    story = ward(1)
    story.kill("a")
    story.report("a", QUOTA)
    assert story.triage() == Triage(eligible=(), rate_limited=True, retry_after_s=300)


def test_a_group_half_limited_and_half_dead_is_down_and_only_the_dead_are_probed() -> None:
    story = ward(3)
    story.report("a", LIMITED, delay_s=0.5)
    story.report("b", QUOTA)
    story.kill("c")
    assert story.triage() == Triage(eligible=(), probe=story.by_id["c"], down=True)
    story.admit("c")
    assert story.triage() == Triage(eligible=(), down=True, retry_after_s=0.5)
    story.report("c", UNREACHABLE)
    assert story.triage().retry_after_s == 0.5
    assert story.after(0.5).eligible == "a"


def test_triage_changes_nothing() -> None:
    story = ward(3)
    story.kill(*"abc")
    assert [story.triage() for _ in range(3)] == [story.triage()] * 3
    story.after(30)
    assert [story.eligible for _ in range(3)] == ["abc"] * 3


def test_a_success_does_not_cut_short_what_a_provider_asked_for() -> None:
    story = ward(3)
    story.kill("a", "b")
    story.report("c", LIMITED, delay_s=50)
    story.dial("a")
    assert story.eligible == "ab"


def test_a_probe_of_a_group_that_is_down_may_be_rate_limited_for_less_than_was_left() -> None:
    story = ward(1)
    story.kill("a")
    story.dial("a", LIMITED, delay_s=3)
    assert story.standing("a").left_s == 3


def test_who_is_ejected_again_keeps_its_place() -> None:
    story = ward(3)
    story.kill("a")
    story.after(25).kill("b")
    assert story.last_resort == "b"
    story.after(5).dial("a", UNREACHABLE)
    assert story.last_resort == "b"


def test_who_comes_back_and_fails_goes_to_the_end() -> None:
    story = ward(3)
    story.kill("a")
    story.after(25).kill("b")
    story.after(5).dial("a")
    story.kill("a")
    assert story.last_resort == "a"


def test_groups_keep_apart() -> None:
    """One that is down is no reason to look at another, and has its own second."""
    here, there = deployments(2), (deployment("x", model_group="other"), deployment("y", model_group="other"))
    story = Ward(*here, *there)
    story.kill("a", "b", "x", "y")
    story.health.admitted(here[0], here)
    assert story.health.triage(here).probe is None
    assert story.health.triage(there).probe is there[0]
    story.health.admitted(there[0], there)
    story.health.report(here[0], Verdict(OK))
    assert story.health.triage(there).down
    assert [d.id for d in story.health.triage(here).eligible] == ["a", "b"]


def test_a_part_of_a_group_is_judged_by_itself() -> None:
    story = ward(4)
    story.kill("a", "b")
    part = story.health.triage(story.group[:2])
    assert part.down
    assert story.health.triage(story.group[1:3]).eligible == (story.by_id["c"],)


def test_those_that_cool_for_their_responses_are_spare() -> None:
    """A limit on handshakes is respected, as nothing would come of a dial."""
    story = ward(3)
    story.report("a", LIMITED, delay_s=9, what=What.RESPONSE_FAILED)
    story.report("b", LIMITED, delay_s=5, what=What.RESPONSE_FAILED)
    assert (story.eligible, story.spare) == ("c", "ba")
    story.report("c", LIMITED, delay_s=1)
    assert (story.eligible, story.spare, story.triage().rate_limited) == ("", "ba", False)
    story.report("b", LIMITED, delay_s=5)
    assert story.spare == "a"
    assert (story.after(9).eligible, story.spare) == ("abc", "")


def test_nobody_is_spare_whose_quota_is_spent() -> None:
    story = ward(2)
    story.report("a", LIMITED, delay_s=9, what=What.RESPONSE_FAILED)
    story.report("a", QUOTA, what=What.RESPONSE_FAILED)
    assert (story.eligible, story.spare) == ("b", "")


def test_who_comes_back_slowly_is_spare() -> None:
    story = ward(2)
    story.report("a", LIMITED, delay_s=60)
    story.after(60).admit("a")
    story.report("a", OK)
    assert (story.eligible, story.spare) == ("b", "a")
