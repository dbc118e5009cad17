"""From a wish to an accepted upstream: pick, lease, dial, first event; and elsewhere if that fails."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from attrs import define, field

from realtime_lb.attempts import Upstream
from realtime_lb.budget import RetryBudget
from realtime_lb.chooser import Able, Chooser, Nobody
from realtime_lb.deployments import ModelGroup
from realtime_lb.errors import AllUpstreamsFailed, GroupDown, RealtimeError
from realtime_lb.queueing import FairQueue
from realtime_lb.racing import LEAST_TRY_S, Opening, Racer
from realtime_lb.records import Attempt
from realtime_lb.requests import SessionRequest
from realtime_lb.settings import RoutingSettings
from realtime_lb.typing import Clock

__all__ = ["Dialer"]

FREE_MOVES = 2
"""An open's first dial, and its first move to somebody who is well. All else is on the budget."""

UNHURRIED_AT_ONCE = 20
"""Sessions that look for another upstream though they could stay. A dial and what is told take about a
second: a thousand have moved within a minute, and no provider takes it for an attack."""


@define(kw_only=True, eq=False)
class Dialer:
    """Finds an upstream for a request.

    Attributes:
        chooser: Says whom to dial.
        racer: Dials.
        queue: Where opens wait for room.
        budget: Bounds dials beyond those that are needed.
        routing: How often and for how long to try.
        rng: Where the waits between tries come from.
        clock: Monotonic seconds.
        unhurried: Held by whoever looks for another upstream though it could stay, while it does.

    Where a whole group is down, an open that comes while another one tries it waits for what that one finds,
    for as long as it would for room.
    """

    chooser: Chooser
    racer: Racer
    queue: FairQueue
    budget: RetryBudget
    routing: RoutingSettings
    rng: random.Random
    clock: Clock
    unhurried: asyncio.Semaphore = field(factory=lambda: asyncio.Semaphore(UNHURRIED_AT_ONCE))
    _probes: dict[str, asyncio.Future[None]] = field(factory=dict)

    async def dial(
        self,
        groups: Sequence[ModelGroup],
        request: SessionRequest,
        attempts: list[Attempt],
        *,
        shunned: Collection[str] = (),
    ) -> Upstream:
        """Return an accepted upstream, trying distinct deployments.

        Args:
            groups: Where to look: the group that was asked for, then its fallbacks.
            request: What is asked for.
            attempts: Gets one entry for each dial, as it ends.
            shunned: Ids of deployments not to dial.

        Raises:
            InvalidRequest: No deployment can serve such a request.
            GroupFull: Every one that could is at its cap, and none came free in time.
            GroupDown, GroupRateLimited: None of them is to be dialled now.
            AllUpstreamsFailed: Each attempt failed, or time ran out.

        Cancelling ends the attempts under way and gives their leases back.
        """
        deadline_s = self.clock() + self.routing.open_timeout_s
        opening = Opening(request=request, attempts=attempts, deadline_s=deadline_s, tried=set(shunned))
        refusals: list[RealtimeError] = []
        full: list[Able] = []
        for group in groups:
            able = self.chooser.able(group, request)
            found = await self._in_group(able, opening)
            if isinstance(found, Upstream):
                return found
            refusals.append(found.refusal)
            if found.full:
                full.append(able)
        upstream = await self._once_there_is_room(full[0], opening) if full else None
        if upstream is not None:
            return upstream
        try:
            raise AllUpstreamsFailed(groups[0].name, opening.failures) if opening.failures else refusals[0]
        finally:
            del refusals, found  # an error holds this frame, and what this frame holds it would keep alive

    async def _in_group(self, able: Able, opening: Opening) -> Upstream | Nobody:
        """Try deployments of one group until one accepts, or nobody, no time or no budget is left."""
        for _ in range(self.routing.tries):
            moves = len(opening.tried)
            if moves < FREE_MOVES:
                found = await self._moved(able, opening)
            elif self.budget.allows_extra:
                with self.budget.extra():
                    wait_s = self.wait_s(moves - FREE_MOVES)
                    if opening.deadline_s - self.clock() < wait_s + LEAST_TRY_S:
                        break
                    await asyncio.sleep(wait_s)
                    found = await self._moved(able, opening, counted=True)
            else:
                break
            if found is not None:
                return found
        return self._given_up(able, opening)

    def wait_s(self, before: int) -> float:
        """Return how long to wait after so many waits *before*: full jitter, twice as wide each time."""
        widest_s = self.routing.retry_wait_s * 2 ** min(before, 30)
        return max(self.routing.retry_after_s, self.rng.uniform(0, widest_s))

    async def _moved(
        self, able: Able, opening: Opening, *, counted: bool = False
    ) -> Upstream | Nobody | None:
        """Dial whoever is best now; return None if that failed and another may be tried.

        Args:
            able: Whom to choose among.
            opening: The open.
            counted: It is on the budget already.
        """
        if opening.failures and opening.deadline_s - self.clock() < LEAST_TRY_S:
            return self._given_up(able, opening)
        chosen = self.chooser.choose(able, opening.tried)
        until_s = min(self.clock() + self.routing.queue_timeout_s, opening.deadline_s - LEAST_TRY_S)
        while isinstance(chosen, Nobody) and await self._was_probed(able, chosen, until_s):
            chosen = self.chooser.choose(able, opening.tried)
        if isinstance(chosen, Nobody):
            return chosen
        if chosen.probe:
            with self._probing(able.group.name):
                return await self.racer.run(able, chosen.deployment, opening)
        if chosen.well or counted or not opening.failures:
            return await self.racer.run(able, chosen.deployment, opening)
        if not self.budget.allows_extra:
            return self._given_up(able, opening)
        with self.budget.extra():
            return await self.racer.run(able, chosen.deployment, opening)

    async def _was_probed(self, able: Able, nobody: Nobody, until_s: float) -> bool:
        """Wait for whoever is trying a group that is down, if somebody is; say whether that is over."""
        probe = self._probes.get(able.group.name)
        if probe is None or not isinstance(nobody.refusal, GroupDown):
            return False
        await asyncio.wait({probe}, timeout=max(0.0, until_s - self.clock()))
        return probe.done()

    @contextmanager
    def _probing(self, group: str) -> Iterator[None]:
        probe = self._probes[group] = asyncio.get_running_loop().create_future()
        try:
            yield
        finally:
            probe.set_result(None)
            if self._probes.get(group) is probe:
                del self._probes[group]

    def _given_up(self, able: Able, opening: Opening) -> Nobody:
        return Nobody(AllUpstreamsFailed(able.group.name, opening.failures), full=False)

    async def _once_there_is_room(self, able: Able, opening: Opening) -> Upstream | None:
        left_s = opening.deadline_s - self.clock()
        wait_s = min(self.routing.queue_timeout_s, left_s - LEAST_TRY_S)
        untried = {d.id: d for d in able.deployments if d.id not in opening.tried and able.can(d)}
        lease = await self.queue.wait(untried, opening.request.principal.name, wait_s)
        if lease is None:
            return None
        upstream = await self.racer.run(able, untried[lease.deployment_id], opening, lease=lease)
        found = upstream or await self._in_group(able, opening)
        return found if isinstance(found, Upstream) else None
