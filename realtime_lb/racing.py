"""A dial, and another one elsewhere when it takes longer than it should: who accepts first, wins."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from urllib.parse import urlsplit

from attrs import define, field

from realtime_lb.attempts import Opener, Upstream
from realtime_lb.budget import RetryBudget
from realtime_lb.chooser import Able, Chooser, Chosen
from realtime_lb.deployments import Deployment
from realtime_lb.errors import DialError
from realtime_lb.leases import Lease
from realtime_lb.records import Attempt
from realtime_lb.reports import Reports
from realtime_lb.requests import SessionRequest
from realtime_lb.settings import RoutingSettings
from realtime_lb.typing import Clock
from realtime_lb.verdicts import Meaning
from realtime_lb.warm import WarmPool

__all__ = ["LEAST_TRY_S", "Opening", "Racer"]

LEAST_TRY_S = 0.5
"""With less time left, another try would only blame a deployment that had no chance."""

HEDGE_BEYOND = 1.1
"""Hedge after so many times the 95th percentile. At the percentile itself one healthy dial in twenty is
hedged; with those that hang on top, more than one dial in ten would be made in vain."""


@define(kw_only=True, eq=False)
class Opening:
    """One open under way: what it may still spend, and what came of what it spent.

    Attributes:
        request: What is asked for.
        attempts: Gets one entry for each dial, as it ends.
        deadline_s: When it has to be placed, by the clock.
        tried: Ids of the deployments that it has dialled.
        failures: Why they failed.
    """

    request: SessionRequest
    attempts: list[Attempt]
    deadline_s: float
    tried: set[str] = field(factory=set)
    failures: list[DialError] = field(factory=list)


@define(kw_only=True, eq=False)
class _Runner:
    """One dial of a race."""

    deployment: Deployment
    lease: Lease
    hedge: bool
    began_s: float
    counted: ExitStack
    overtaken: bool = False
    task: asyncio.Task[Upstream] = field(init=False)

    def accepted(self) -> Upstream | None:
        """Return the upstream that it came to, if it is over and did."""
        task = self.task
        over = task.done() and not task.cancelled() and task.exception() is None
        return task.result() if over else None


@define(kw_only=True, eq=False)
class Racer:
    """Dials, hedges, and settles what became of each dial.

    Attributes:
        chooser: Says whom to hedge with.
        opener: Dials.
        reports: Told what became of each dial.
        warm: Connections open in advance.
        budget: Bounds dials beyond those that are needed.
        routing: For how long to try, and when to hedge.
        clock: Monotonic seconds.
    """

    chooser: Chooser
    opener: Opener
    reports: Reports
    warm: WarmPool
    budget: RetryBudget
    routing: RoutingSettings
    clock: Clock

    async def run(
        self,
        able: Able,
        deployment: Deployment,
        opening: Opening,
        *,
        lease: Lease | None = None,
    ) -> Upstream | None:
        """Dial *deployment*, and others while all of them lag; return who accepts first, None if nobody does.

        The lease is taken before anything is waited for, so that the pick holds.

        Args:
            able: Who else could serve the request.
            deployment: Who was picked.
            opening: The open that this is for.
            lease: The right to *deployment*, if it is held already.

        Cancelling ends all of them and gives their leases back.
        """
        runners = [self._begin(able, deployment, opening, lease=lease)]
        winner: Upstream | None = None
        try:
            winner = await self._first_accepted(able, opening, runners)
        finally:
            try:
                await self._end(runners, winner)
            except BaseException:  # nobody will take the winner any more
                if winner is not None:
                    winner.cut()
                raise
        return winner

    def _begin(
        self,
        able: Able,
        deployment: Deployment,
        opening: Opening,
        *,
        hedge: bool = False,
        lease: Lease | None = None,
    ) -> _Runner:
        opening.tried.add(deployment.id)
        self.chooser.health.admitted(deployment, able.deployments)
        ready = None if lease is not None else self.warm.take(deployment.id, able.dial(deployment))
        held = lease or (ready.lease if ready else self._leased(deployment))
        counted = ExitStack()
        counted.enter_context(self.budget.dialling())
        if hedge:
            counted.enter_context(self.budget.extra())
        runner = _Runner(
            deployment=deployment, lease=held, hedge=hedge, began_s=self.clock(), counted=counted
        )
        coming = self._ready(ready, runner, opening) if ready else self._dialled(able, runner, opening)
        runner.task = asyncio.create_task(coming)
        runner.task.add_done_callback(partial(self._over, runner, opening))
        return runner

    def _leased(self, deployment: Deployment) -> Lease:
        """Take a lease; where only connections that do not fit hold the room, that of one of them."""
        room = self.chooser.has_room(deployment)
        given_up = None if room else self.warm.give_up(deployment.id)
        return given_up or self.chooser.leases.acquire(deployment.id)

    async def _ready(self, ready: Upstream, runner: _Runner, opening: Opening) -> Upstream:
        self.chooser.health.abandoned(runner.deployment)  # its dial was long ago, and proves nothing now
        self._note(opening, runner, "warm", Meaning.OK)
        return ready

    async def _dialled(self, able: Able, runner: _Runner, opening: Opening) -> Upstream:
        deployment, left_s = runner.deployment, opening.deadline_s - runner.began_s
        timeout_s = min(deployment.dial_timeout_s or self.routing.dial_timeout_s, left_s)
        try:
            upstream = await self.opener.open(able.dial(deployment), deployment, runner.lease, timeout_s)
        except DialError as error:
            verdict = self.reports.failed(deployment, error, opening.request)
            opening.failures.append(error)
            self._note(opening, runner, error.outcome, verdict.meaning, str(error))
            raise
        self.reports.accepted(deployment, self.clock() - runner.began_s)
        self._note(opening, runner, "accepted", Meaning.OK)
        return upstream

    async def _first_accepted(self, able: Able, opening: Opening, runners: list[_Runner]) -> Upstream | None:
        waiting = {runners[0].task}
        hedging = True
        while waiting:
            hedging = hedging and len(runners) < self.routing.tries
            after_s = self._hedge_after_s(runners[-1].deployment) if hedging else None
            done, waiting = await asyncio.wait(waiting, timeout=after_s, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if (error := task.exception()) is None:
                    return task.result()
                if not isinstance(error, DialError):
                    raise error
            if not done and opening.deadline_s - self.clock() < LEAST_TRY_S:
                hedging = False
            elif not done:
                other = self._elsewhere(able, runners, opening)
                hedging = other is not None
                if other is not None:
                    runners.append(self._begin(able, other, opening, hedge=True))
                    waiting = {*waiting, runners[-1].task}
        return None

    def _hedge_after_s(self, deployment: Deployment) -> float | None:
        if not self.routing.hedge:
            return None
        if given_s := deployment.hedge_after_s or self.routing.hedge_after_s:
            return given_s
        usual_s = self.reports.signals.hedge_after_s(deployment.id)
        return None if usual_s is None else usual_s * HEDGE_BEYOND

    def _elsewhere(self, able: Able, runners: Sequence[_Runner], opening: Opening) -> Deployment | None:
        """Return whom to hedge with: somebody well, at an address that nobody in the race has."""
        if not self.budget.allows_extra:
            return None
        taken = {_failure_domain(able, runner.deployment) for runner in runners}
        same = {d.id for d in able.deployments if not able.can(d) or _failure_domain(able, d) in taken}
        chosen = self.chooser.choose(able, opening.tried | same)
        return chosen.deployment if isinstance(chosen, Chosen) and chosen.well else None

    async def _end(self, runners: Sequence[_Runner], winner: Upstream | None) -> None:
        """Let go of all dials but the winner's: of all at once, before anything is awaited."""
        running = [runner for runner in runners if not runner.task.done()]
        won = next((r for r in runners if winner is not None and r.accepted() is winner), None)
        for runner in running:
            runner.overtaken = won is not None and runner.began_s < won.began_s
            runner.task.cancel()
        for runner in runners:
            if (unwanted := runner.accepted()) is not None and unwanted is not winner:
                unwanted.cut()
        if running:
            await asyncio.wait([runner.task for runner in running])
        for runner in runners:
            if (unwanted := runner.accepted()) is not None and unwanted is not winner:
                await unwanted.discard()

    def _over(self, runner: _Runner, opening: Opening, task: asyncio.Task[Upstream]) -> None:
        """Settle a dial, however it ended, at once: nothing that may be cancelled stands before it."""
        runner.counted.close()
        if not task.cancelled() and (error := task.exception()) is not None:
            if not isinstance(error, DialError):  # a defect; what it is goes to whoever waits for the dial
                self.chooser.health.abandoned(runner.deployment)
            return
        if not task.cancelled():
            return
        runner.lease.release()  # a task that never ran has not done it
        waited_s = self.clock() - runner.began_s
        if runner.overtaken:
            verdict = self.reports.outpaced(runner.deployment, waited_s)
            self._note(opening, runner, "outpaced", verdict.meaning)
        else:
            self.reports.abandoned(runner.deployment, waited_s)
            self._note(opening, runner, "abandoned", Meaning.BENIGN)

    def _note(
        self, opening: Opening, runner: _Runner, outcome: str, verdict: Meaning, detail: str = ""
    ) -> None:
        opening.attempts.append(
            Attempt(
                deployment=runner.deployment.id,
                outcome=outcome,
                verdict=verdict,
                duration_s=self.clock() - runner.began_s,
                detail=detail,
                hedge=runner.hedge,
            )
        )


def _failure_domain(able: Able, deployment: Deployment) -> str:
    """Return what is likely to fail as one: an address."""
    return urlsplit(deployment.api_base or able.dial(deployment).url).netloc.lower()
