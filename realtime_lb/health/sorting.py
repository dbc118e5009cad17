"""A group, sorted by health: the rules that hold for all of its deployments together."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from attrs import define, field, frozen

from realtime_lb.deployments import Deployment
from realtime_lb.health.breaker import OUT, Breaker, State
from realtime_lb.health.credentials import Credentials
from realtime_lb.health.member import Member
from realtime_lb.records import HealthState, Standing
from realtime_lb.verdicts import Meaning

__all__ = ["PROBE_EVERY_S", "Condition", "Patient", "Sorted", "sort", "standing_of"]

PROBE_EVERY_S = 1.0
"""How often a group that is down as a whole is tried. Whoever asks to be told when it is up again waits no
longer than that, and a provider that is down does not feel it."""


class Condition(enum.Enum):
    """What may be done with a deployment now."""

    WELL = "well"
    RAMPING = "ramping"
    DUE = "due"
    PROBING = "probing"
    EJECTED = "ejected"
    WAITING = "waiting"
    PARKED = "parked"


@frozen
class Patient:
    """A deployment that is not plainly well.

    Attributes:
        deployment: Which.
        member: What is remembered of it; None if it was never dialled itself.
        credential: The breaker of its credential, if that was refused.
        condition: What may be done with it.
    """

    deployment: Deployment
    member: Member | None
    credential: Breaker | None
    condition: Condition

    @property
    def failed(self) -> bool:
        """Whether it is out, or was before its probe, because it failed."""
        return self.member is not None and self.member.breaker.origin is State.EJECTED

    @property
    def hard(self) -> bool:
        """Whether a dial is likely to be wasted: nothing has succeeded for a whole limit of failures."""
        return self.credential is not None or (self.failed and self.member is not None and self.member.hard)

    @property
    def worth_a_probe(self) -> bool:
        """Whether it may be tried before its time. What a provider asked for, and a quota, are respected."""
        return self.condition in {Condition.EJECTED, Condition.PARKED} and self.hard

    @property
    def still_opens(self) -> bool:
        """Whether it is a response's rate limit that it waits for: sessions open all the same."""
        if self.condition is not Condition.WAITING or self.credential is not None or self.member is None:
            return False
        return self.member.breaker.state is State.COOLING and self.member.still_opens

    @property
    def since_s(self) -> float:
        """When it went out."""
        return self.member.breaker.since_s if self.member else -math.inf

    @property
    def tried_s(self) -> float:
        """When it was last tried."""
        return self.member.tried_s if self.member else -math.inf

    def badness(self, now_s: float) -> tuple[float, int, float]:
        """Return how little can be hoped of it: by late failures, then failures in a row, then how fresh."""
        if self.member is None:
            return (0.0, 0, -math.inf)
        in_a_row = self.member.dials.failures + self.member.talks.failures
        return (self.member.recent.share(now_s), in_a_row, self.since_s)

    @property
    def due_at_s(self) -> float:
        """When what may be done with it changes by itself; infinity for never."""
        member_s = self.member.breaker.due_at_s if self.member else math.inf
        return min(member_s, self.credential.due_at_s) if self.credential else member_s

    def left_s(self, now_s: float) -> float | None:
        """Return how long it is out for; None without an end of its own."""
        out = (self.credential, self.member.breaker if self.member else None)
        lefts = [
            math.inf if (left := breaker.left_s(now_s)) is None else left
            for breaker in out
            if breaker is not None and breaker.state in OUT
        ]
        return None if not lefts or math.isinf(max(lefts)) else max(lefts)


@define
class Sorted:
    """A group's deployments by condition. Those that are plainly well are not looked at one by one.

    Attributes:
        well: Ids of those that may be picked, slow starters with a credit among them.
        patients: All others, in the group's order; slow starters with a credit, too.
        due: Those whose next session is a probe.
        failed: Those that are out because they failed, or are on probation for that; the longest out first.
    """

    well: list[Deployment] = field(factory=list)
    patients: list[Patient] = field(factory=list)

    def of(self, *conditions: Condition) -> list[Patient]:
        """Return those in any of *conditions*."""
        return [patient for patient in self.patients if patient.condition in conditions]

    @property
    def still_open(self) -> list[Patient]:
        """Those that cool down, and would open a session all the same."""
        return [patient for patient in self.patients if patient.still_opens]

    @property
    def failed(self) -> list[Patient]:
        """Those that are out because they failed, or on probation for that; the longest out first."""
        out = [p for p in self.of(Condition.EJECTED, Condition.PROBING) if p.failed and p.credential is None]
        return sorted(out, key=lambda patient: patient.since_s)

    @property
    def hard_down(self) -> bool:
        """Whether all have failed without any success, but for those that cool down."""
        if self.well or self.of(Condition.RAMPING):
            return False
        return any(p.hard for p in self.patients) and not any(p.failed and not p.hard for p in self.patients)


def sort(
    group: Sequence[Deployment],
    members: Mapping[str, Member],
    unwell: AbstractSet[str],
    credentials: Credentials,
    now_s: float,
) -> Sorted:
    """Sort *group*.

    Args:
        group: Its deployments.
        members: What is remembered of those that were dialled, by id.
        unwell: Ids of those among them that are not plainly well.
        credentials: The credentials that were refused.
        now_s: The time.
    """
    result = Sorted()
    for deployment in group:
        credential = credentials.of(deployment) if credentials else None
        member = members[deployment.id] if deployment.id in unwell else None
        if credential is None and (member is None or member.plain(now_s)):
            result.well.append(deployment)
            continue
        member = members.get(deployment.id)
        condition = _condition(member, credential, now_s)
        result.patients.append(Patient(deployment, member, credential, condition))
        if condition is Condition.WELL:
            result.well.append(deployment)
    return result


def _condition(member: Member | None, credential: Breaker | None, now_s: float) -> Condition:
    breakers = [b for b in (member and member.breaker, credential) if b and b.state is not State.CLOSED]
    for breaker in breakers:
        if not breaker.due(now_s):
            return _OUT[breaker.state]
    if breakers:
        return Condition.DUE
    ramp = member.ramp if member else None
    return Condition.WELL if ramp is None or ramp.ready else Condition.RAMPING


_OUT = {
    State.HALF_OPEN: Condition.PROBING,
    State.EJECTED: Condition.EJECTED,
    State.COOLING: Condition.WAITING,
    State.EXHAUSTED: Condition.WAITING,
    State.PARKED: Condition.PARKED,
}


def standing_of(patient: Patient, now_s: float) -> Standing:
    """Return how *patient* stands, apart from its group."""
    state = _STATES[patient.condition]
    member = patient.member
    if state is HealthState.SLOW_START and member is not None and member.ramp is not None:
        return Standing(state=state, left_s=member.ramp.left_s(now_s))
    reason = Meaning.BAD_CREDENTIAL if patient.credential or member is None else member.breaker.reason
    left_s = None if state is HealthState.HALF_OPEN else patient.left_s(now_s)
    return Standing(state=state, reason=reason, left_s=left_s)


_STATES = {
    Condition.WELL: HealthState.SLOW_START,
    Condition.RAMPING: HealthState.SLOW_START,
    Condition.DUE: HealthState.HALF_OPEN,
    Condition.PROBING: HealthState.HALF_OPEN,
    Condition.EJECTED: HealthState.EJECTED,
    Condition.WAITING: HealthState.COOLDOWN,
    Condition.PARKED: HealthState.PARKED,
}
