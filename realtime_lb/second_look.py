"""A refused credential is shown once more before live sessions are moved for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable, Iterator

from attrs import define, field

from realtime_lb.chooser import Chooser
from realtime_lb.deployments import Deployment
from realtime_lb.errors import CredentialUnavailable, DialError
from realtime_lb.health.credentials import identity
from realtime_lb.prober import Prober
from realtime_lb.records import HealthState

__all__ = ["SecondLook"]

LOOK_AFTER_S = 5.0
LONGEST_WAIT_S = 60.0
"""A slip of a provider's is over in seconds, and a live session is in no hurry: it was let in. While looks
say nothing, because nobody answers or there is no room, each waits twice as long as the one before."""

_DOUBTED = frozenset({HealthState.PARKED, HealthState.HALF_OPEN})

_log = logging.getLogger("realtime_lb")


@define(kw_only=True, eq=False)
class SecondLook:
    """Tells a credential that is refused from one refusal.

    One is enough for new sessions to go elsewhere, where they are as well off. To move all that are live
    costs them their prompt cache, and takes two, seconds apart. Each dial has fetched a token anew before it
    counts as refused; a token that cannot be had was refused by nobody.

    Attributes:
        chooser: Is told which credentials are refused, and holds the leases.
        prober: Dials.
        on_settled: Called when a credential has turned out to be refused, or is accepted again.
        is_over: Nothing is begun any more.
    """

    chooser: Chooser
    prober: Prober
    on_settled: Callable[[], None] = field(default=lambda: None)
    is_over: bool = False
    _looking: dict[Hashable, asyncio.Task[None]] = field(factory=dict)

    def failed(self, deployment: Deployment, error: DialError) -> None:
        """Take in that a dial failed."""
        if self.is_over or deployment.opaque or not self._is_refusal(deployment, error):
            return
        name = identity(deployment)
        if name not in self._looking and name not in self.chooser.refused:
            self._looking[name] = task = asyncio.create_task(self._look(deployment, name))
            task.add_done_callback(lambda _: self._looking.pop(name, None))

    def accepted(self, deployment: Deployment) -> None:
        """Take in that a dial was accepted."""
        if self.chooser.refused and (name := identity(deployment)) in self.chooser.refused:
            self.chooser.refused.discard(name)
            self.on_settled()

    async def aclose(self) -> None:
        """End the looks. Idempotent."""
        self.is_over = True
        looking = set(self._looking.values())
        for task in looking:
            task.cancel()
        if looking:
            await asyncio.wait(looking)

    async def _look(self, deployment: Deployment, name: Hashable) -> None:
        wait_s = LOOK_AFTER_S
        while True:
            await asyncio.sleep(wait_s)
            if not self._matters(deployment, name):
                return
            if await self._is_refused_again(deployment):
                self.chooser.refused.add(name)
                self.on_settled()
                return
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    def _matters(self, deployment: Deployment, name: Hashable) -> bool:
        """Say whether the credential is out of use, and somebody would have to move for it."""
        if not self.chooser.is_known(deployment):
            return False
        group = self.chooser.groups[deployment.model_group]
        if self.chooser.health.standing(deployment, group).state not in _DOUBTED:
            return False
        return any(self.chooser.leases.live(d.id) for d in self._sharing(name))

    def _sharing(self, name: Hashable) -> Iterator[Deployment]:
        every = (deployment for group in self.chooser.groups.values() for deployment in group)
        return (deployment for deployment in every if identity(deployment) == name)

    async def _is_refused_again(self, deployment: Deployment) -> bool:
        try:
            error = await self.prober.probe(deployment)
        except Exception:  # noqa: BLE001  # an adapter may be anybody's; the next look may go well
            _log.exception("a defect ended a probe of %s", deployment.id)
            return False
        return error is not None and self._is_refusal(deployment, error)

    def _is_refusal(self, deployment: Deployment, error: DialError) -> bool:
        if isinstance(error, CredentialUnavailable):
            return False
        return self.prober.reports.refuses_credential(deployment, error)
