"""From a wish to an accepted upstream: pick, lease, dial, first event; and elsewhere if that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, field

from realtime_lb.abc import Candidate, Connection, ProviderAdapter, Strategy, Transport
from realtime_lb.deployments import Deployment, ModelGroup
from realtime_lb.errors import (
    AllUpstreamsFailed,
    CredentialUnavailable,
    DialError,
    DialTimedOut,
    FirstEventRefused,
    GroupFull,
    InvalidRequest,
    RealtimeError,
)
from realtime_lb.events import parse_event
from realtime_lb.frames import Close, Frame
from realtime_lb.leases import Lease, Leases
from realtime_lb.legs import Leg
from realtime_lb.quirks import Quirks
from realtime_lb.records import Attempt
from realtime_lb.requests import DialRequest, SessionRequest
from realtime_lb.settings import RoutingSettings
from realtime_lb.typing import Clock, Dialect, JsonObject, Secret

__all__ = ["Dialer", "Upstream"]

LEAST_TRY_S = 0.5
"""With less time left, another try would only blame a deployment that had no chance."""

_LAST_TIER = float("inf")


@define(eq=False)
class Upstream:
    """An upstream that has said yes. Its reader is paused until somebody takes its frames.

    Attributes:
        deployment: Where it is.
        leg: Its connection.
        lease: The right to it, to be given back when the session ends.
        held: What it has said already, to be passed on first.
        dialect: The event language that it speaks.
        quirks: How it departs from that.
    """

    deployment: Deployment
    leg: Leg
    lease: Lease
    held: Sequence[Frame]
    dialect: Dialect
    quirks: Quirks


@define(eq=False)
class _Opening:
    """Catches what an upstream says until somebody listens, which is little: it pauses at the first frame."""

    connection: Connection
    frames: list[Frame] = field(factory=list)
    first: asyncio.Future[None] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.first = asyncio.get_running_loop().create_future()

    def __call__(self, frame: Frame) -> None:
        self.frames.append(frame.kept())
        self.connection.pause()
        if not self.first.done():
            self.first.set_result(None)


@define(kw_only=True, eq=False)
class Dialer:
    """Finds an upstream for a request.

    Attributes:
        leases: Live sessions, shared by all that pick.
        strategy: Chooses among candidates.
        providers: Adapters by name.
        transport: Opens connections.
        routing: How often and for how long to try.
        clock: Monotonic seconds.
    """

    leases: Leases
    strategy: Strategy
    providers: Mapping[str, ProviderAdapter]
    transport: Transport
    routing: RoutingSettings
    clock: Clock

    async def dial(self, group: ModelGroup, request: SessionRequest, attempts: list[Attempt]) -> Upstream:
        """Return an accepted upstream of *group*, trying distinct deployments.

        Args:
            group: Where to look.
            request: What is asked for.
            attempts: Gets one entry for each dial, as it ends.

        Raises:
            InvalidRequest: No deployment can serve such a request.
            GroupFull: Every one that could is at its cap.
            AllUpstreamsFailed: Each attempt failed, or time ran out.

        Cancelling ends the attempt under way and gives its lease back.
        """
        dials = self._dials(group, request)
        deadline_s = self.clock() + self.routing.open_timeout_s
        failures: list[DialError] = []
        while len(failures) < self.routing.tries:
            tried = {attempt.deployment for attempt in attempts}
            candidates = self._candidates(
                [d for d in group.deployments if d.id in dials and d.id not in tried]
            )
            left_s = deadline_s - self.clock()
            if not candidates or (failures and left_s < LEAST_TRY_S):
                break
            deployment = self.strategy.pick(candidates, request).candidate.deployment
            lease = self.leases.acquire(deployment.id)
            began_s = self.clock()
            try:
                upstream = await self._attempt(dials[deployment.id], deployment, lease, left_s)
            except DialError as error:
                failures.append(error)
                attempts.append(self._attempted(deployment, error.outcome, began_s, str(error)))
            else:
                attempts.append(self._attempted(deployment, "accepted", began_s))
                return upstream
        raise AllUpstreamsFailed(group.name, failures) if failures else GroupFull(group.name)

    def _attempted(self, deployment: Deployment, outcome: str, began_s: float, detail: str = "") -> Attempt:
        duration_s = self.clock() - began_s
        return Attempt(deployment=deployment.id, outcome=outcome, duration_s=duration_s, detail=detail)

    def _dials(self, group: ModelGroup, request: SessionRequest) -> Mapping[str, DialRequest]:
        """Return what to dial, by deployment, for those of *group* that could serve *request* at all."""
        dials: dict[str, DialRequest] = {}
        refusal: InvalidRequest | None = None
        for deployment in group.deployments:
            try:
                dials[deployment.id] = self.providers[deployment.provider].dial(deployment, request)
            except InvalidRequest as error:
                refusal = error
        if refusal is not None and not dials:
            raise refusal
        return dials

    def _candidates(self, untried: Sequence[Deployment]) -> list[Candidate]:
        """Return those below their cap, of the best tier that has any."""
        counted = [Candidate(deployment=d, live_sessions=self.leases.live(d.id)) for d in untried]
        free = [c for c in counted if c.live_sessions < (c.deployment.max_sessions or _LAST_TIER)]
        best = min((_tier(c) for c in free), default=_LAST_TIER)
        return [c for c in free if _tier(c) == best]

    async def _attempt(
        self, dial: DialRequest, deployment: Deployment, lease: Lease, left_s: float
    ) -> Upstream:
        timeout_s = min(deployment.dial_timeout_s or self.routing.dial_timeout_s, left_s)
        try:
            async with asyncio.timeout(timeout_s):
                return await self._open(dial, deployment, lease, timeout_s)
        except TimeoutError:
            lease.release()
            raise DialTimedOut(f"No accepted first event within {timeout_s:g} s") from None
        except BaseException:
            lease.release()
            raise

    async def _open(
        self, dial: DialRequest, deployment: Deployment, lease: Lease, timeout_s: float
    ) -> Upstream:
        adapter = self.providers[deployment.provider]
        proven = dial.with_headers(await _credentials(adapter, deployment))
        connection = await self.transport.connect(proven, timeout_s)
        opening = _Opening(connection)
        leg = Leg(connection, opening)
        try:
            if not deployment.opaque:
                await self._accepted(adapter, leg, opening)
        except BaseException:
            await leg.abort()
            raise
        leg.connection.pause()
        dialect, quirks = adapter.dialect(deployment), adapter.quirks(deployment)
        return Upstream(deployment, leg, lease, opening.frames, dialect, quirks)

    async def _accepted(self, adapter: ProviderAdapter, leg: Leg, opening: _Opening) -> None:
        either: set[asyncio.Future[Any]] = {opening.first, leg.ended}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not opening.frames:
            raise _closed_at_once(leg.ended.result())
        event = parse_event(opening.frames[0].payload)
        if event is None:
            raise FirstEventRefused("The upstream's first frame is no event", upstream_code="not_an_event")
        if not adapter.accepts(event):
            raise FirstEventRefused("The upstream opened with an error", upstream_code=_error_code(event))


async def _credentials(adapter: ProviderAdapter, deployment: Deployment) -> Mapping[str, Secret]:
    try:
        return await adapter.credentials(deployment)
    except DialError:
        raise
    except Exception as error:  # an adapter may be anybody's, and other deployments may serve the session
        hint = error.hint if isinstance(error, RealtimeError) else ""
        message = error.message if isinstance(error, RealtimeError) else type(error).__name__
        raise CredentialUnavailable(message, hint=hint) from error


def _error_code(event: JsonObject) -> str:
    error = event.get("error")
    if not isinstance(error, dict):
        return "error"
    return str(error.get("code") or error.get("type") or "error")


def _closed_at_once(close: Close) -> FirstEventRefused:
    return FirstEventRefused("The upstream closed before its first event", upstream_code=str(close.code))


def _tier(candidate: Candidate) -> float:
    order = candidate.deployment.order
    return _LAST_TIER if order is None else order
