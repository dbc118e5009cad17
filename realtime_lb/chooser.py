"""Who gets the next session: who can serve it, is well, has room, is of the best tier; then the strategy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence

from attrs import define, field, frozen

from realtime_lb.abc import Candidate, Pick, ProviderAdapter, Strategy
from realtime_lb.deployments import Deployment, ModelGroup, serves_as
from realtime_lb.errors import GroupDown, GroupFull, GroupRateLimited, InvalidRequest, RealtimeError
from realtime_lb.health import Health, Signals, Triage
from realtime_lb.health.credentials import identity
from realtime_lb.leases import Lease, Leases
from realtime_lb.records import PanicChanged, Record, RehomeCause
from realtime_lb.requests import DialRequest, SessionRequest
from realtime_lb.settings import RoutingSettings
from realtime_lb.strategies import tagged

__all__ = ["Able", "Chooser", "Chosen", "Field", "Nobody"]

_LAST_TIER = float("inf")


@define(eq=False)
class Able:
    """Those of a group that could serve a request, as far as is known: each is asked when it is picked.

    Attributes:
        group: The group.
        request: What is asked for.
        providers: Adapters by name.
        deployments: Who could serve it, in the group's order; those that were asked and cannot are left out.
        excluded: Why the others cannot, by id: ``tags`` or ``cannot_serve``.
        refusal: What the client is told if nobody can.
    """

    group: ModelGroup
    request: SessionRequest
    providers: Mapping[str, ProviderAdapter]
    deployments: tuple[Deployment, ...]
    excluded: dict[str, str] = field(factory=dict)
    refusal: InvalidRequest | None = None
    _dials: dict[str, DialRequest] = field(factory=dict)

    def can(self, deployment: Deployment) -> bool:
        """Ask whether *deployment* can serve the request, and leave it out if not."""
        try:
            self.dial(deployment)
        except InvalidRequest as error:
            self.excluded[deployment.id] = "cannot_serve"
            self.refusal = error
            self.deployments = tuple(d for d in self.deployments if d is not deployment)
            return False
        return True

    def dial(self, deployment: Deployment) -> DialRequest:
        """Return how *deployment* would be dialled.

        Raises:
            InvalidRequest: It cannot serve the request.
        """
        if deployment.id not in self._dials:
            adapter = self.providers[deployment.provider]
            self._dials[deployment.id] = adapter.dial(deployment, self.request)
        return self._dials[deployment.id]


@frozen(kw_only=True)
class Field:
    """Who is in question for a pick.

    Attributes:
        triage: The group, sorted by health.
        candidates: Whom the strategy is asked about.
        spare: Nobody who is eligible has room.
        panic: They are the last resort: nobody better has room at all.
        full: Somebody is well and not tried, but has no room.
    """

    triage: Triage
    candidates: Sequence[Candidate]
    spare: bool = False
    panic: bool = False
    full: bool = False


@frozen
class Chosen:
    """Who gets the next dial.

    Attributes:
        deployment: Who.
        well: It is eligible: neither the last resort nor the probe of a group that is down.
        probe: It is such a probe.
    """

    deployment: Deployment
    well: bool
    probe: bool


@frozen
class Nobody:
    """Why there is nobody to pick.

    Attributes:
        refusal: What the client is told if nothing else can be done.
        full: Waiting for room may help.
    """

    refusal: RealtimeError
    full: bool


@define(kw_only=True, eq=False)
class Chooser:
    """Asks the questions in order. Synchronous, so that its answer still holds when the lease is taken.

    Attributes:
        leases: Live sessions.
        strategy: Chooses among candidates.
        health: Who may be picked.
        signals: How good they are.
        providers: Adapters by name.
        routing: Whether tags count.
        emit: Takes the record of a panic.
        groups: Every deployment, by model group.
        known: Every deployment, by id.
        spare: How many connections of a deployment are open in advance and free for a dial.
        drained: Ids of deployments that get no session, however well they are.
        refused: Credentials that live sessions are to leave, since upstreams refuse them.
    """

    leases: Leases
    strategy: Strategy
    health: Health
    signals: Signals
    providers: Mapping[str, ProviderAdapter]
    routing: RoutingSettings
    emit: Callable[[Record], None]
    groups: Mapping[str, Sequence[Deployment]]
    known: Mapping[str, Deployment]
    spare: Callable[[str], int] = field(default=lambda _: 0)
    drained: set[str] = field(factory=set)
    refused: set[Hashable] = field(factory=set)
    _panicking: set[str] = field(factory=set)

    def why_leave(self, deployment: Deployment) -> RehomeCause | None:
        """Return why a live session is to leave *deployment*; None where it may stay."""
        if not self.is_known(deployment):
            return RehomeCause.REMOVED
        if deployment.id in self.drained:
            return RehomeCause.DRAINED
        if self.refused and identity(deployment) in self.refused:
            return RehomeCause.CREDENTIAL_REFUSED
        return None

    def is_known(self, deployment: Deployment) -> bool:
        """Say whether *deployment* is one of the configuration's, as it stands there now."""
        now = self.known.get(deployment.id)
        return now is not None and serves_as(now, deployment)

    def able(self, group: ModelGroup, request: SessionRequest) -> Able:
        """Return who of *group* could serve *request*: tags are looked at, providers are not asked yet."""
        members = self._tagged(group, request)
        able = Able(group, request, self.providers, tuple(members))
        if len(members) < len(group.deployments):
            able.excluded |= dict.fromkeys((d.id for d in group.deployments if d not in members), "tags")
        if not members:
            able.refusal = _no_tags(group)
        return able

    def _tagged(self, group: ModelGroup, request: SessionRequest) -> Sequence[Deployment]:
        if not self.routing.tag_filtering:
            return group.deployments
        return tagged(group.deployments, request.tags, match_any=self.routing.tags_match_any)

    def choose(self, able: Able, passed_over: Collection[str]) -> Chosen | Nobody:
        """Return who gets the next dial, or why nobody does.

        Args:
            able: Who could serve the request.
            passed_over: Ids of those that are not to be dialled, such as those that were.
        """
        while (field := self.field(able, passed_over)).candidates:
            if not passed_over:
                self._tell_of_panic(able.deployments[0].model_group, panic=field.panic)
            deployment = self.strategy.pick(field.candidates, able.request).candidate.deployment
            if able.can(deployment):
                down = field.triage.down
                return Chosen(deployment, well=not (field.spare or field.panic or down), probe=down)
        return self.nobody(able, field)

    def field(self, able: Able, tried: Collection[str]) -> Field:
        """Return who is in question: the well before the last resort, the best tier that has room.

        Where all of them have been tried, the rest is looked at as a group of its own: what is ejected there
        but works at times is better than no session.
        """
        found = self._field(self.health.triage(able.deployments), tried)
        rest = tuple(d for d in able.deployments if d.id not in tried)
        if found.candidates or found.full or not tried or not rest:
            return found
        return self._field(self.health.triage(rest), tried)

    def _tell_of_panic(self, group: str, *, panic: bool) -> None:
        if panic != (group in self._panicking):
            self._panicking ^= {group}
            self.emit(PanicChanged(model_group=group, panic=panic))

    def _field(self, triage: Triage, tried: Collection[str]) -> Field:
        well = [d for d in triage.eligible if d.id not in tried]
        if candidates := self._with_room(well):
            return Field(triage=triage, candidates=_best_tier(candidates))
        for deployment in (*triage.spare, *triage.last_resort):
            if deployment.id not in tried and (only := self._with_room((deployment,))):
                panic = deployment in triage.last_resort
                return Field(triage=triage, candidates=only, panic=panic, spare=not panic)
        probe = triage.probe
        if probe is not None and probe.id not in tried:
            return Field(triage=triage, candidates=self._with_room((probe,)))
        return Field(triage=triage, candidates=(), full=bool(well))

    def pick(self, able: Able, field: Field) -> Pick:
        """Return what the strategy makes of *field*, which has candidates."""
        return self.strategy.pick(field.candidates, able.request)

    def may_take(self, deployment: Deployment) -> bool:
        """Say whether *deployment* is well and has room."""
        return bool(self.health.triage((deployment,)).eligible) and self.has_room(deployment)

    def admit(self, deployment: Deployment) -> Lease:
        """Take a lease for a dial of *deployment* that is no client's."""
        self.health.admitted(deployment, self.groups[deployment.model_group])
        return self.leases.acquire(deployment.id)

    def may_wait_for(self, deployment_id: str) -> bool:
        """Say whether a deployment may be given a session that waited: who is not well will do, too."""
        deployment = self.known.get(deployment_id)
        if deployment is None:
            return False
        triage = self.health.triage((deployment,))
        able = triage.eligible or triage.spare or triage.last_resort
        return bool(able) and self.has_room(deployment)

    def has_room(self, deployment: Deployment) -> bool:
        """Say whether *deployment* may be dialled once more without going over its cap."""
        cap = deployment.max_sessions
        if deployment.id in self.drained:
            return False
        return cap is None or self.leases.live(deployment.id) < cap

    def _with_room(self, deployments: Sequence[Deployment]) -> list[Candidate]:
        found = []
        for deployment in deployments:
            spare = 0 if deployment.id in self.drained else self.spare(deployment.id)
            if spare or self.has_room(deployment):
                live_sessions = self.leases.live(deployment.id) - spare
                found.append(self.signals.candidate(deployment, live_sessions))
        return found

    def nobody(self, able: Able, field: Field) -> Nobody:
        """Return why there is nobody to pick in *field*."""
        if not able.deployments and able.refusal is not None:
            return Nobody(able.refusal, full=False)
        name, triage = able.group.name, field.triage
        if triage.rate_limited:
            return Nobody(GroupRateLimited(name, retry_after_s=triage.retry_after_s or 1.0), full=False)
        if triage.down:
            return Nobody(GroupDown(name, retry_after_s=triage.retry_after_s or 1.0), full=False)
        return Nobody(GroupFull(name), full=field.full)


def _no_tags(group: ModelGroup) -> InvalidRequest:
    return InvalidRequest(
        f"No deployment of {group.name!r} has the tags that were asked for",
        code="no_deployment_for_tags",
        hint="the header x-litellm-tags names them, separated by commas",
    )


def _best_tier(candidates: Sequence[Candidate]) -> list[Candidate]:
    best = min(map(_tier, candidates))
    return [c for c in candidates if _tier(c) == best]


def _tier(candidate: Candidate) -> float:
    order = candidate.deployment.order
    return _LAST_TIER if order is None else order
