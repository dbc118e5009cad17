"""Active probes: a session opened and closed again on every deployment, to know whether it is up."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence

from attrs import define

from realtime_lb.attempts import Opener
from realtime_lb.chooser import Chooser
from realtime_lb.deployments import Deployment
from realtime_lb.errors import DialError, RequestRefused
from realtime_lb.frames import Close
from realtime_lb.records import HealthState
from realtime_lb.reports import Reports
from realtime_lb.requests import SessionRequest
from realtime_lb.settings import RoutingSettings
from realtime_lb.typing import Clock

__all__ = ["Prober"]

_DONE = Close(1000)

_log = logging.getLogger("realtime_lb")


@define(kw_only=True, eq=False)
class Prober:
    """Dials each deployment from time to time, each at its own.

    A probe costs a session upstream, and holds a lease while it lasts. Where there is no room for it, there
    is no need for it: live sessions say more.

    Attributes:
        chooser: Keeps the health that the probes report to.
        opener: Dials.
        reports: Told what becomes of them.
        routing: How long a dial may take.
        rng: Spreads the probes over the interval.
        clock: Monotonic seconds.
    """

    chooser: Chooser
    opener: Opener
    reports: Reports
    routing: RoutingSettings
    rng: random.Random
    clock: Clock

    async def run(self, deployments: Sequence[Deployment], interval_s: float) -> None:
        """Probe *deployments*, each once in *interval_s*, until cancelled."""
        async with asyncio.TaskGroup() as probes:
            for deployment in deployments:
                probes.create_task(self._again_and_again(deployment, interval_s))

    async def _again_and_again(self, deployment: Deployment, interval_s: float) -> None:
        await asyncio.sleep(self.rng.uniform(0, interval_s))
        while True:
            try:
                await self.probe(deployment)
            except Exception:  # noqa: BLE001  # an adapter may be anybody's; the next try may go well
                _log.exception("a defect ended a probe of %s", deployment.id)
            await asyncio.sleep(interval_s)

    def _is_waiting(self, deployment: Deployment) -> bool:
        """Say whether *deployment* has asked to be left alone."""
        standing = self.chooser.health.standing(deployment, self.chooser.groups[deployment.model_group])
        return standing.state is HealthState.COOLDOWN

    async def probe(self, deployment: Deployment) -> DialError | None:
        """Dial *deployment* once and report what becomes of it; return why it failed, if it did."""
        if not self.chooser.has_room(deployment) or self._is_waiting(deployment):
            return None
        request = SessionRequest()
        try:
            dial = self.opener.providers[deployment.provider].dial(deployment, request)
        except RequestRefused:
            return None  # it serves other requests than a plain one
        lease, began_s = self.chooser.admit(deployment), self.clock()
        timeout_s = deployment.dial_timeout_s or self.routing.dial_timeout_s
        try:
            upstream = await self.opener.open(dial, deployment, lease, timeout_s)
        except DialError as error:
            self.reports.failed(deployment, error, request)
            return error
        except BaseException:
            self.chooser.health.abandoned(deployment)
            raise
        self.reports.accepted(deployment, self.clock() - began_s)
        self.chooser.health.abandoned(deployment)  # a quota is proven by an answer, which a probe has none of
        with lease:
            await upstream.leg.close(_DONE)
        return None
