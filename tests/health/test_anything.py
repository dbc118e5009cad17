"""Whatever is reported, in whatever order and at whatever times, the rules hold."""

import math
from typing import Any

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from realtime_lb.deployments import EntraId
from realtime_lb.health import Triage
from realtime_lb.health.breaker import OUT, PROBE_LIMIT_S, TRANSITIONS, Breaker, State, Trigger
from realtime_lb.records import HealthState
from realtime_lb.settings import HealthSettings
from realtime_lb.typing import Secret
from realtime_lb.verdicts import Meaning, What
from tests.health.ward import Ward, deployment

GROUP = (
    deployment("a", order=1),
    deployment("b", order=1, weight=3),
    deployment("c", api_key=Secret("shared")),
    deployment("d", api_key=Secret("shared")),
    deployment("e", entra=EntraId()),
)
NAMES = "abcde"

names = st.sampled_from(NAMES)
meanings = st.sampled_from(Meaning)
whats = st.none() | st.sampled_from(What)
delays = st.none() | st.floats(0.01, 3600)
times = st.sampled_from([0.0, 0.01, 0.5, 1.0, 5.0, 29.0, 31.0, 301.0]) | st.floats(0, 400)


class AnythingHappens(RuleBasedStateMachine):
    """Reports, admissions and time at random; and a dialler that keeps to what it is offered."""

    def __init__(self) -> None:
        super().__init__()
        self.story = Ward(*GROUP, settings=HealthSettings(allowed_fails=3))
        self.probed: list[float] = []
        self.probing: dict[str, float] = {}

    @rule(seconds=times)
    def time_passes(self, seconds: float) -> None:
        self.story.after(seconds)

    @rule(name=names, meaning=meanings, what=whats, delay_s=delays, count=st.sampled_from([1, 1, 3, 5]))
    def told(self, name: str, meaning: Meaning, what: What | None, delay_s: float | None, count: int) -> None:
        standing = self.story.report(name, meaning, what=what, delay_s=delay_s, times=count)
        assert standing is None or count > 1 or standing == self.story.standing(name)
        self.probing.clear()

    @rule(name=names)
    def left(self, name: str) -> None:
        self.story.health.abandoned(self.story.by_id[name])
        self.probed.clear()
        self.probing.clear()

    @rule(name=names)
    def dialled_whatever_is_thought_of_it(self, name: str) -> None:
        self.story.admit(name)
        self.probed.append(self.story.clock.now)
        self.probing[name] = self.story.clock.now

    @precondition(lambda self: self.story.triage().eligible)
    @rule(data=st.data())
    def placed(self, data: Any) -> None:
        name = data.draw(st.sampled_from(self.story.eligible))
        if self.story.state(name) is HealthState.HALF_OPEN:
            begun = self.probing.get(name)
            assert begun is None or self.story.clock.now - begun >= PROBE_LIMIT_S
            self.probing[name] = self.story.clock.now
        self.story.admit(name)

    @precondition(lambda self: self.story.triage().probe)
    @rule()
    def probes_a_group_that_is_down(self) -> None:
        if self.probed:
            assert self.story.clock.now - self.probed[-1] >= 1
        self.probed.append(self.story.clock.now)
        probe = self.story.probe
        assert probe is not None
        self.story.admit(probe)
        assert self.story.probe is None

    @invariant()
    def nobody_who_is_out_is_offered(self) -> None:
        triage = self.story.triage()
        usable = {HealthState.ELIGIBLE, HealthState.SLOW_START, HealthState.HALF_OPEN}
        for offered in triage.eligible:
            assert self.story.state(offered.id) in usable
        for offered in triage.spare:
            assert self.story.state(offered.id) in {HealthState.SLOW_START, HealthState.COOLDOWN}
            assert offered not in triage.eligible
        for offered in triage.last_resort:
            assert self.story.state(offered.id) in {HealthState.EJECTED, HealthState.HALF_OPEN}
            assert offered not in triage.eligible
        if triage.probe is not None:
            assert self.story.state(triage.probe.id) in {HealthState.EJECTED, HealthState.PARKED}

    @invariant()
    def no_more_than_half_is_ejected_outright(self) -> None:
        triage = self.story.triage()
        if not triage.down:
            states = {name: self.story.standing(name) for name in NAMES}
            outright = [n for n, s in states.items() if s.state is HealthState.EJECTED and not s.last_resort]
            parked = [n for n, s in states.items() if self.story.health._credentials.of(self.story.by_id[n])]
            assert len(set(outright) - set(parked)) <= 2

    @invariant()
    def somebody_is_offered_or_it_is_said_when(self) -> None:
        triage = self.story.triage()
        nobody = not triage.eligible and not triage.spare and not triage.last_resort
        assert nobody == (triage.down or triage.rate_limited)
        assert not (triage.down and triage.rate_limited)
        if nobody and triage.probe is None:
            assert triage.retry_after_s is not None
            assert 0 <= triage.retry_after_s <= 3600
        else:
            assert triage.retry_after_s is None

    @invariant()
    def what_was_found_before_is_what_would_be_found_now(self) -> None:
        known = self.story.triage()
        self.story.health._silences.clear()
        found = self.story.triage()
        assert evolve(known, retry_after_s=None) == evolve(found, retry_after_s=None)
        if found.retry_after_s is not None:  # while somebody is being tried, that is a second from each look
            assert known.retry_after_s is not None
            assert 0 < known.retry_after_s < found.retry_after_s + 1e-6

    @invariant()
    def looking_changes_nothing(self) -> None:
        assert self.story.triage() == self.story.triage()


TestAnythingHappens = AnythingHappens.TestCase
TestAnythingHappens.settings = settings(max_examples=60, stateful_step_count=40)

steps = st.lists(st.tuples(names, meanings, whats, delays, times), max_size=40)


def history(done: list[tuple[str, Meaning, What | None, float | None, float]], seed: int) -> list[Triage]:
    story, seen = Ward(*GROUP, settings=HealthSettings(), seed=seed), []
    for name, meaning, what, delay_s, seconds in done:
        story.admit(name)
        story.after(seconds).report(name, meaning, what=what, delay_s=delay_s)
        seen.append(story.triage())
    return seen


@given(steps, st.integers(0, 9))
def test_the_same_seed_brings_the_same_behaviour(done: Any, seed: int) -> None:
    assert history(done, seed) == history(done, seed)


@given(steps)
def test_whatever_happened_all_come_back_once_dials_go_well(done: Any) -> None:
    """Nobody is lost for good, as long as there is somebody to dial."""
    story = Ward(*GROUP, settings=evolve(HealthSettings(), ejection_max_s=60))
    for name, meaning, what, delay_s, seconds in done:
        story.admit(name)
        story.after(seconds).report(name, meaning, what=what, delay_s=delay_s)
    for _ in range(3):
        story.after(3601)
        for offered in (*story.triage().eligible, *story.triage().last_resort):
            story.dial(offered.id)
            story.report(offered.id, Meaning.OK, what=What.RESPONSE_COMPLETED)
        for key in ("a", "b", "c", "e"):  # one of each key is let in, as a probe of the operator's would be
            story.dial(key)
    story.after(31)
    assert story.eligible == NAMES


@given(st.lists(st.tuples(st.sampled_from(Trigger), st.floats(0, 50), st.floats(0, 100)), max_size=30))
def test_a_breaker_goes_where_its_table_says(done: list[tuple[Trigger, float, float]]) -> None:
    breaker, now = Breaker(), 0.0
    for trigger, passed_s, length_s in done:
        now += passed_s
        before, until_s = breaker.state, breaker.until_s
        freed = trigger is Trigger.FREED and before is State.HALF_OPEN
        expected = breaker.origin if freed else TRANSITIONS[before].get(trigger, before)
        breaker.on(trigger, now, until_s=now + length_s)
        assert breaker.state is expected
        if before in OUT and breaker.state in OUT:
            assert breaker.until_s >= until_s
        if breaker.state is State.CLOSED:
            assert breaker == Breaker(since_s=breaker.since_s, probe_s=breaker.probe_s)
        assert (breaker.left_s(now) is None) == (breaker.state not in OUT)
        assert breaker.due(now + 1e9) == (breaker.state is not State.CLOSED)


def test_a_breaker_that_is_never_due_by_itself_has_no_time_left_to_tell() -> None:
    breaker = Breaker()
    breaker.on(Trigger.REFUSED, 0.0, until_s=math.inf)
    assert breaker.left_s(1e9) is None


def test_every_state_has_a_row() -> None:
    assert set(TRANSITIONS) == set(State)
    assert all(
        row.get(Trigger.ADMITTED) is State.HALF_OPEN for state, row in TRANSITIONS.items() if state in OUT
    )
