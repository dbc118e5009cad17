"""Connections open in advance: sessions past their first event, for opens that need not wait for a dial."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Sequence
from functools import partial

from attrs import define, field

from realtime_lb.attempts import Opener, Upstream
from realtime_lb.chooser import Chooser
from realtime_lb.deployments import Deployment
from realtime_lb.errors import DialError
from realtime_lb.frames import Close, Frame
from realtime_lb.leases import Lease
from realtime_lb.reports import Reports
from realtime_lb.requests import DialRequest, SessionRequest
from realtime_lb.settings import RoutingSettings
from realtime_lb.typing import Clock

__all__ = ["WarmPool"]

_log = logging.getLogger("realtime_lb")

MOST_HELD_FRAMES = 100
"""An idle upstream says next to nothing; one that says more than this is not what it was taken for."""

LONGEST_WAIT_S = 60.0
"""Between dials that fail: a pool that cannot be filled must not become a load of its own."""

_UNUSED = Close(1000, "")


@define(eq=False)
class _Idle:
    """A connection that waits to be taken. It is read meanwhile, since a paused one answers no pings."""

    upstream: Upstream
    dial: DialRequest
    ready_at_s: float

    def listen(self) -> None:
        self.upstream.leg.redirect(self._keep)
        self.upstream.leg.connection.resume()

    def _keep(self, frame: Frame) -> None:
        self.upstream.held.append(frame.kept())
        if len(self.upstream.held) >= MOST_HELD_FRAMES:
            self.upstream.leg.connection.abort()

    def handed_over(self) -> Upstream:
        self.upstream.leg.connection.pause()
        return self.upstream


@define(kw_only=True, eq=False)
class WarmPool:
    """Keeps each deployment's ``warm`` connections open, each with a lease of its own.

    Attributes:
        chooser: Says whether a deployment may be dialled; holds the leases.
        opener: Dials.
        reports: Told what becomes of the dials.
        routing: How old a connection may get.
        clock: Monotonic seconds.
    """

    chooser: Chooser
    opener: Opener
    reports: Reports
    routing: RoutingSettings
    clock: Clock
    _idle: dict[str, deque[_Idle]] = field(factory=dict)
    _changed: dict[str, asyncio.Event] = field(factory=dict)
    _failures: Counter[str] = field(factory=Counter)
    _keepers: dict[str, tuple[Deployment, asyncio.Task[None]]] = field(factory=dict)
    _ending: set[asyncio.Task[None]] = field(factory=set)

    def spare(self, deployment_id: str) -> int:
        """Return how many connections of a deployment wait to be taken."""
        return len(self._idle.get(deployment_id, ()))

    def take(self, deployment_id: str, dial: DialRequest) -> Upstream | None:
        """Return an open connection that was dialled exactly as *dial* says, if there is one.

        Where the model, the intent or a forwarded header differ, so does the dial. The caller gets its lease.
        """
        for idle in self._idle.get(deployment_id, ()):
            if idle.dial == dial and not idle.upstream.leg.ended.done():
                self._drop(deployment_id, idle)
                self._failures[deployment_id] = 0
                return idle.handed_over()
        return None

    def give_up(self, deployment_id: str) -> Lease | None:
        """Cut a connection that nobody can use now, and return its lease; None where there is none."""
        pool = self._idle.get(deployment_id)
        if not pool:
            return None
        idle = pool[0]
        self._drop(deployment_id, idle)
        idle.upstream.leg.connection.abort()
        return idle.upstream.lease

    def tend(self, deployments: Sequence[Deployment]) -> None:
        """Keep the pools of those *deployments* that have one, and no others: theirs are closed beside."""
        wanted = {deployment.id: deployment for deployment in deployments if deployment.warm > 0}
        for deployment_id, (kept, _) in tuple(self._keepers.items()):
            if wanted.get(deployment_id) != kept:
                self._let_go(deployment_id)
        for deployment_id, deployment in wanted.items():
            if deployment_id not in self._keepers:
                self._idle[deployment_id] = deque()
                self._changed[deployment_id] = asyncio.Event()
                self._failures[deployment_id] = 0
                self._keepers[deployment_id] = (deployment, asyncio.create_task(self._keep(deployment)))

    def _let_go(self, deployment_id: str) -> None:
        """Stop filling a pool, and close what nobody took."""
        _, keeper = self._keepers.pop(deployment_id)
        keeper.cancel()
        del self._changed[deployment_id], self._failures[deployment_id]
        self._see_out(keeper)
        for idle in self._idle.pop(deployment_id):
            self._see_out(asyncio.create_task(self._close(idle)))

    def _see_out(self, task: asyncio.Task[None]) -> None:
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def aclose(self) -> None:
        """Stop filling, and close what nobody took. Idempotent."""
        self.tend(())
        if self._ending:
            await asyncio.wait(self._ending)

    async def _keep(self, deployment: Deployment) -> None:
        """Fill the pool, and wait until somebody takes from it or one of it ends or ages."""
        while True:
            try:
                await self._tended(deployment)
            except Exception:  # noqa: BLE001  # an adapter may be anybody's; the next try may go well
                _log.exception("a defect kept connections of %s from being opened", deployment.id)
                self._failures[deployment.id] += 1

    async def _tended(self, deployment: Deployment) -> None:
        changed = self._changed[deployment.id]
        changed.clear()
        await self._retire(deployment)
        if len(self._idle[deployment.id]) >= deployment.warm:
            await _told(changed, self._until_next_ages_s(deployment))
            return
        if failures := self._failures[deployment.id]:
            await asyncio.sleep(min(2.0 ** min(failures - 1, 30), LONGEST_WAIT_S))
        if not await self._filled_one(deployment):
            self._failures[deployment.id] += 1

    async def _filled_one(self, deployment: Deployment) -> bool:
        if not self.chooser.may_take(deployment):
            return False
        dial = self.opener.providers[deployment.provider].dial(deployment, SessionRequest())
        lease, began_s = self.chooser.admit(deployment), self.clock()
        timeout_s = deployment.dial_timeout_s or self.routing.dial_timeout_s
        try:
            upstream = await self.opener.open(dial, deployment, lease, timeout_s)
        except DialError as error:
            self.reports.failed(deployment, error, SessionRequest())
            return False
        except BaseException:
            self.chooser.health.abandoned(deployment)
            raise
        self.reports.accepted(deployment, self.clock() - began_s)
        self.chooser.health.abandoned(deployment)  # if it was a probe, it can prove no more than this
        idle = _Idle(upstream, dial, self.clock())
        self._idle[deployment.id].append(idle)
        upstream.leg.ended.add_done_callback(partial(self._ended, deployment, idle))
        idle.listen()
        return True

    def _ended(self, deployment: Deployment, idle: _Idle, ended: asyncio.Task[Close]) -> None:
        """Take in that a connection ended that nobody had taken."""
        if idle not in self._idle.get(deployment.id, ()):
            return
        self._failures[deployment.id] += 1
        self._drop(deployment.id, idle)
        if ended.cancelled():  # by a loop that ends, which begins nothing any more
            idle.upstream.cut()
            return
        idle.upstream.lease.release()
        self._see_out(asyncio.create_task(self._close(idle)))
        if ended.exception() is None:
            self.reports.closed(deployment, ended.result(), self.clock() - idle.ready_at_s)

    def _drop(self, deployment_id: str, idle: _Idle) -> None:
        self._idle[deployment_id].remove(idle)
        self._changed[deployment_id].set()

    async def _retire(self, deployment: Deployment) -> None:
        pool = self._idle[deployment.id]
        while pool and self._until_next_ages_s(deployment) <= 0:
            idle = pool.popleft()
            self._failures[deployment.id] = 0
            await self._close(idle)

    async def _close(self, idle: _Idle) -> None:
        try:
            await idle.upstream.leg.close(_UNUSED)
        finally:
            idle.upstream.lease.release()

    def _until_next_ages_s(self, deployment: Deployment) -> float:
        pool = self._idle[deployment.id]
        if not pool:
            return self.routing.warm_max_age_s
        return pool[0].ready_at_s + self.routing.warm_max_age_s - self.clock()


async def _told(changed: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(max(timeout_s, 0.0)):
            await changed.wait()
    except TimeoutError:
        pass
