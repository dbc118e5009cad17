"""Who may be picked: every deployment's state, and the rules that hold for a group as a whole."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from attrs import define, evolve, field, frozen

from realtime_lb.deployments import Deployment
from realtime_lb.health.breaker import State, Trigger
from realtime_lb.health.classify import LIVE
from realtime_lb.health.credentials import Credentials, identity, renews_itself
from realtime_lb.health.member import Member
from realtime_lb.health.slow_start import fair_shares
from realtime_lb.health.sorting import PROBE_EVERY_S, Condition, Patient, Sorted, sort, standing_of
from realtime_lb.records import HealthState, Standing
from realtime_lb.settings import HealthSettings
from realtime_lb.typing import Clock
from realtime_lb.verdicts import Meaning, Verdict, What

__all__ = ["Health", "Triage"]


@frozen(kw_only=True)
class Triage:
    """A group, sorted by health.

    Attributes:
        eligible: Who may be picked, in the group's order.
        spare: Who may be picked where none of those has room: those that come back slowly, then those that a
            response's rate limit cools, the soonest over first.
        last_resort: Who may be picked where none of those has room either: those that failed, the least bad
            first.
        probe: Whom one session may try now although the whole group is down; None if that is not due.
        down: Everybody failed: no session but a probe is worth a dial.
        rate_limited: Everybody is cooling down.
        retry_after_s: When somebody may be tried again; None where somebody may now.
    """

    eligible: tuple[Deployment, ...]
    spare: tuple[Deployment, ...] = ()
    last_resort: tuple[Deployment, ...] = ()
    probe: Deployment | None = None
    down: bool = False
    rate_limited: bool = False
    retry_after_s: float | None = None


@define
class _Group:
    """What is remembered of a model group.

    Attributes:
        roster: Its deployments, as last seen.
        unwell: Ids of those that are not plainly well.
        down: It was down as a whole when it was last dialled.
        probed_s: When it was last tried while it was, by who did not give up.
    """

    roster: tuple[Deployment, ...] = ()
    unwell: set[str] = field(factory=set)
    down: bool = False
    probed_s: float = -math.inf


@frozen
class _Silence:
    """That a group is down and not to be tried: known, not found out anew by each of the many who ask then.

    Attributes:
        group: Who.
        until_s: When that may change, if nothing is told of anybody before.
        retry_at_s: When somebody may be tried again, as far as is known.
    """

    group: tuple[Deployment, ...]
    until_s: float
    retry_at_s: float

    def holds(self, group: Sequence[Deployment], now_s: float) -> bool:
        return now_s < self.until_s and self.group == tuple(group)


class Health:
    """Remembers what became of sessions, and says who may get the next one.

    What single deployments go through is `realtime_lb.health.member`'s; the breaker's states are
    `realtime_lb.health.breaker`'s. Here are the rules for groups:

    - No more than `HealthSettings.max_ejected_share` of a group is ejected outright, the earliest first.
      Those beyond that are the last resort; so are all ejected ones where nobody else is left, as long as one
      of them still succeeds at times.
    - Where nobody is left and none of them does, the group is down: one session a second tries it, each time
      the deployment that was tried longest ago; who gives up leaves its place to the next. When one
      succeeds, all others are tried at once, for what took a whole group down was most likely one thing.
    - Those that come back slowly are spare: it is not known here who has room, and they have some. So are
      those that a response's rate limit cools: a session opens there all the same, and will not ask at once.
    - A refused credential takes out all deployments that would show it.

    Args:
        settings: The limits.
        clock: Monotonic seconds.
        rng: Where the jitter of ejections comes from.
    """

    def __init__(self, settings: HealthSettings, clock: Clock, rng: random.Random) -> None:
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._members: dict[str, Member] = {}
        self._groups: dict[str, _Group] = {}
        self._credentials = Credentials()
        self._silences: dict[str, _Silence] = {}

    def triage(self, group: Sequence[Deployment]) -> Triage:
        """Sort *group*, which is all of a group that could serve a request. Changes nothing."""
        known = self._groups.get(group[0].model_group) if group else None
        if not group or (not self._credentials and (known is None or not known.unwell)):
            return Triage(eligible=tuple(group))
        now_s = self._clock()
        silence = self._silences.get(group[0].model_group)
        if silence is not None and silence.holds(group, now_s):
            return Triage(eligible=(), down=True, retry_after_s=silence.retry_at_s - now_s)
        by = self._sort(group, now_s)
        found = self._triage(group, by, now_s)
        if found.down and found.retry_after_s is not None:
            retry_at_s = now_s + found.retry_after_s
            until_s = min(retry_at_s, *(patient.due_at_s for patient in by.patients))
            self._silences[group[0].model_group] = _Silence(tuple(group), until_s, retry_at_s)
        return found

    def _sort(self, group: Sequence[Deployment], now_s: float) -> Sorted:
        known = self._groups.get(group[0].model_group) if group else None
        return sort(group, self._members, known.unwell if known else frozenset(), self._credentials, now_s)

    def _triage(self, group: Sequence[Deployment], by: Sorted, now_s: float) -> Triage:
        # Whoever comes back slowly is still better than nobody.
        usable = {d.id for d in by.well} or {p.deployment.id for p in by.of(Condition.RAMPING)}
        usable.update(p.deployment.id for p in by.of(Condition.DUE))
        if not usable and by.hard_down:
            return self._down(group, by, now_s)
        failed = by.failed
        if usable:  # without anybody else, all that failed are the last resort
            failed = failed[math.floor(self._settings.max_ejected_share * len(group) + 1e-9) :]
        last = [p for p in failed if p.condition is Condition.EJECTED or not p.hard]
        last.sort(key=lambda patient: patient.badness(now_s))
        slow = [p for p in by.of(Condition.RAMPING) if p.deployment.id not in usable]
        spare = [*slow, *sorted(by.still_open, key=lambda p: p.left_s(now_s) or 0.0)]
        idle = bool(group) and not usable and not spare and not last
        return Triage(
            eligible=tuple(d for d in group if d.id in usable),
            spare=tuple(p.deployment for p in spare),
            last_resort=tuple(p.deployment for p in last),
            rate_limited=idle,
            retry_after_s=_soonest_s(by, now_s) if idle else None,
        )

    def _down(self, group: Sequence[Deployment], by: Sorted, now_s: float) -> Triage:
        known = self._groups.get(group[0].model_group)
        wait_s = PROBE_EVERY_S - (now_s - known.probed_s) if known else 0.0
        chosen = min(
            (p for p in by.patients if p.worth_a_probe), key=lambda patient: patient.tried_s, default=None
        )
        if chosen is not None and wait_s <= 0:
            return Triage(eligible=(), probe=chosen.deployment, down=True)
        soonest_s = _soonest_s(by, now_s)
        return Triage(eligible=(), down=True, retry_after_s=min(soonest_s, wait_s) if chosen else soonest_s)

    def admitted(self, deployment: Deployment, group: Sequence[Deployment]) -> None:
        """Note that a dial of *deployment* begins. Call it in one step with the pick."""
        self._silences.clear()
        if not self._settings.enabled:
            return
        known = self._groups.setdefault(deployment.model_group, _Group())
        known.roster = tuple(group)
        if not known.unwell and not self._credentials:
            return
        now_s = self._clock()
        by = self._sort(group, now_s)
        known.down = by.hard_down
        patient = next((p for p in by.patients if p.deployment.id == deployment.id), None)
        if patient is not None:
            self._admit(patient, self._triage(group, by, now_s).probe, known, now_s)
        self._earn(by, now_s)
        self._settle(known, now_s)

    def _admit(self, patient: Patient, probe: Deployment | None, known: _Group, now_s: float) -> None:
        member = self._member(patient.deployment)
        member.tried_s = now_s
        if member.ramp is not None:
            member.ramp.spend()
        chosen = probe is not None and probe.id == patient.deployment.id
        if chosen or (known.down and patient.condition is Condition.DUE):
            known.probed_s = now_s
        if chosen or patient.condition is Condition.DUE:
            member.breaker.on(Trigger.ADMITTED, now_s)
            if patient.credential is not None:
                patient.credential.on(Trigger.ADMITTED, now_s)

    def _earn(self, by: Sorted, now_s: float) -> None:
        """Give every deployment on its way back its part of an admission to its group."""
        back = [
            (p.deployment.id, p.member.ramp) for p in by.of(Condition.RAMPING, Condition.WELL) if p.member
        ]
        if not back:
            return
        shares = fair_shares([*by.well, *(p.deployment for p in by.of(Condition.RAMPING))])
        for name, ramp in back:
            if ramp is not None:
                ramp.earn(now_s, shares[name])

    def abandoned(self, deployment: Deployment) -> None:
        """Note that such a dial ended without saying anything about the deployment.

        Where it was the probe of a group that is down, the next who asks may try in its place.
        """
        self._silences.clear()
        now_s, known = self._clock(), self._groups.get(deployment.model_group)
        member = self._members.get(deployment.id)
        for breaker in (member.breaker if member else None, self._credentials.of(deployment)):
            if breaker is not None and breaker.state is State.HALF_OPEN:
                breaker.on(Trigger.FREED, now_s)
                if known is not None:
                    known.probed_s = -math.inf

    def forget(self, deployment_id: str) -> None:
        """Forget what is remembered of a deployment itself: it is none any more, or another has its id."""
        self._silences.clear()
        self._members.pop(deployment_id, None)
        for known in self._groups.values():
            known.unwell.discard(deployment_id)
            known.roster = tuple(d for d in known.roster if d.id != deployment_id)

    def keep(self, deployments: Sequence[Deployment]) -> None:
        """Forget groups that none of *deployments* is in, and refused credentials that none shows.

        An open that began before they went may have been admitted to one of them since.
        """
        self._silences.clear()
        for name in self._groups.keys() - {deployment.model_group for deployment in deployments}:
            del self._groups[name]
        for deployment_id in self._members.keys() - {deployment.id for deployment in deployments}:
            del self._members[deployment_id]
        self._credentials.keep(deployments)

    def report(
        self,
        deployment: Deployment,
        verdict: Verdict,
        *,
        what: What | None = None,
        detail: str = "",  # noqa: ARG002  # goes with the record that the caller makes of the answer
    ) -> Standing | None:
        """Take a verdict in; return the standing if that took the deployment out of use, or brought it back.

        Args:
            deployment: Whom it is about.
            verdict: What happened means.
            what: What happened. It tells what is about a dial from what is about an open session; None is
                about a dial. A deployment whose quota was used up comes back by a
                `What.RESPONSE_COMPLETED` only.
            detail: The same in a sentence.
        """
        self._silences.clear()
        now_s, live = self._clock(), what in LIVE
        if not self._settings.enabled:
            return None
        known = self._groups.setdefault(deployment.model_group, _Group())
        before = self._place(deployment)
        if verdict.meaning is Meaning.BAD_CREDENTIAL and not live:
            self._refused(deployment, what, now_s)
        else:
            self._take(deployment, known, verdict, now_s, live=live)
        self._settle(known, now_s, deployment)
        if self._place(deployment) is before:
            return None
        return self.standing(deployment, known.roster)

    def _take(
        self, deployment: Deployment, known: _Group, verdict: Verdict, now_s: float, *, live: bool
    ) -> None:
        if verdict.meaning is Meaning.WRONG_CONFIG and "*" in deployment.model_group and not live:
            # The client named the model, and nobody may take a deployment away from others by naming one
            # that does not exist.
            verdict = Verdict(Meaning.CALLERS_FAULT)
        member = self._member(deployment)
        member.take(verdict, now_s, live=live)
        if live:
            return
        if verdict.meaning is not Meaning.OK:
            if credential := self._credentials.of(deployment):
                credential.on(Trigger.FREED, now_s)
            return
        if self._credentials.accepted(deployment):
            self._readmit(deployment, now_s)
        if known.down:
            known.down = False
            for other in known.unwell:
                self._members[other].breaker.hurry(now_s)

    def _refused(self, deployment: Deployment, what: What | None, now_s: float) -> None:
        member = self._member(deployment)
        member.tried_s = now_s
        member.breaker.on(Trigger.FREED, now_s)
        length_s = math.inf
        if what is What.CREDENTIAL_UNAVAILABLE:
            length_s = self._settings.ejection_s  # who gives the tokens out may be back as soon as any server
        elif renews_itself(deployment):
            length_s = self._settings.ejection_max_s
        self._credentials.refused(deployment, now_s, now_s + length_s)

    def _readmit(self, deployment: Deployment, now_s: float) -> None:
        """Let all that share a credential start slowly: it was accepted again."""
        name = identity(deployment)
        for known in self._groups.values():
            for other in known.roster:
                if identity(other) == name:
                    self._member(other).start_slowly(now_s)
                    known.unwell.add(other.id)

    def _member(self, deployment: Deployment) -> Member:
        member = self._members.get(deployment.id)
        if member is None:
            member = self._members[deployment.id] = Member(self._settings, self._rng)
        return member

    def _settle(self, known: _Group, now_s: float, deployment: Deployment | None = None) -> None:
        """Keep the ids of those that are not plainly well up to date."""
        if deployment is not None and deployment.id in self._members:
            known.unwell.add(deployment.id)
        known.unwell = {name for name in known.unwell if not self._members[name].plain(now_s)}

    def _place(self, deployment: Deployment) -> State:
        """Return where a deployment is, on probation or not."""
        if self._credentials.of(deployment):
            return State.PARKED
        member = self._members.get(deployment.id)
        return member.breaker.origin if member else State.CLOSED

    def standing(self, deployment: Deployment, group: Sequence[Deployment]) -> Standing:
        """Return how *deployment* of *group* stands now."""
        now_s = self._clock()
        patients = self._sort([deployment], now_s).patients
        if not patients:
            return Standing()
        standing = standing_of(patients[0], now_s)
        if standing.state in {HealthState.EJECTED, HealthState.HALF_OPEN}:
            spare = any(other.id == deployment.id for other in self.triage(group).last_resort)
            return evolve(standing, last_resort=spare)
        return standing


def _soonest_s(by: Sorted, now_s: float) -> float:
    """Return when the first of those that are out may be tried again; a probe's end is not far off."""
    lefts = [
        PROBE_EVERY_S if patient.condition is Condition.PROBING else patient.left_s(now_s)
        for patient in by.patients
    ]
    return min((left for left in lefts if left is not None), default=PROBE_EVERY_S)
