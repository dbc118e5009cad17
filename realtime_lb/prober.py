"""Active probes: a session opened and closed again on every deployment, to know whether it is up."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

from attrs import define

from realtime_lb.attempts import Opener
from realtime_lb.chooser import Chooser
from realtime_lb.deployments import Deployment
from realtime_lb.errors import DialError, RequestRefused
from realtime_lb.frames import Close
from realtime_lb.reports import Reports
from realtime_lb.requests import SessionRequest
from realtime_lb.settings import RoutingSettings
from realtime_lb.typing import Clock

__all__ = ["Prober"]

_DONE = Close(1000)


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
            await self.probe(deployment)
            await asyncio.sleep(interval_s)

    async def probe(self, deployment: Deployment) -> None:
        """Dial *deployment* once and report what becomes of it."""
        if not self.chooser.has_room(deployment):
            return
        request = SessionRequest()
        try:
            dial = self.opener.providers[deployment.provider].dial(deployment, request)
        except RequestRefused:
            return  # it serves other requests than a plain one
        lease, began_s = self.chooser.admit(deployment), self.clock()
        timeout_s = deployment.dial_timeout_s or self.routing.dial_timeout_s
        try:
            upstream = await self.opener.open(dial, deployment, lease, timeout_s)
        except DialError as error:
            self.reports.failed(deployment, error, request)
            return
        except BaseException:
            self.chooser.health.abandoned(deployment)
            raise
        self.reports.accepted(deployment, self.clock() - began_s)
        with lease:
            await upstream.leg.close(_DONE)
