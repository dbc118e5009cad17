"""The engine, put together: what all sessions of a router share."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence

from attrs import define, field

from realtime_lb.abc import ProviderAdapter, Strategy, Transport
from realtime_lb.accounting import price_per_minute
from realtime_lb.attempts import Opener
from realtime_lb.budget import RetryBudget
from realtime_lb.chooser import Chooser
from realtime_lb.deployments import Deployment
from realtime_lb.dialer import Dialer
from realtime_lb.health import Health, Signals
from realtime_lb.health.credentials import identity
from realtime_lb.leases import Leases
from realtime_lb.prober import Prober
from realtime_lb.queueing import FairQueue
from realtime_lb.racing import Racer
from realtime_lb.records import Record
from realtime_lb.reports import Reports
from realtime_lb.second_look import SecondLook
from realtime_lb.settings import Settings
from realtime_lb.snapshots import DeploymentSnapshot
from realtime_lb.typing import Clock
from realtime_lb.warm import WarmPool

__all__ = ["Engine", "assemble_engine"]


@define(eq=False)
class Engine:
    """What a router and its sessions use, and what runs beside the sessions.

    Attributes:
        settings: What it was built from.
        leases: Live sessions.
        chooser: Says who gets the next session.
        reports: Told what sessions show.
        dialer: Finds upstreams.
        warm: Connections open in advance.
        prober: Dials to see who is up.
        second_look: Finds out whether a credential is refused for good.
    """

    settings: Settings
    leases: Leases
    chooser: Chooser
    reports: Reports
    dialer: Dialer
    warm: WarmPool
    prober: Prober
    second_look: SecondLook
    _probing: asyncio.Task[None] | None = None
    _stopping: set[asyncio.Task[None]] = field(factory=set)
    _begun: bool = False
    _ended: bool = False

    def begin(self) -> None:
        """Start what runs beside the sessions, in the loop that runs now. Idempotent; not after `aclose`."""
        if not (self._ended or self._begun):
            self._begun = True
            self._tend()

    def _tend(self) -> None:
        """Have what runs beside the sessions run for the deployments that there are now."""
        self._stop_probing()
        self._tend_warm()
        interval_s = self.settings.health.probe_interval_s
        if interval_s is not None:
            talking = [d for d in self._named if not d.opaque]
            self._probing = asyncio.create_task(self.prober.run(talking, interval_s))

    @property
    def _named(self) -> list[Deployment]:
        """Those that can be dialled without a client, who names a wildcard's model."""
        return [d for d in self.settings.deployments if "*" not in d.model]

    def _tend_warm(self) -> None:
        self.warm.tend([d for d in self._named if d.id not in self.chooser.drained])

    def drain(self, deployment_id: str) -> None:
        """Give a deployment no more sessions, and close those that wait there to be taken. Idempotent."""
        self.chooser.drained.add(deployment_id)
        if self._begun and not self._ended:
            self._tend_warm()

    def readmit(self, deployment_id: str) -> None:
        """Undo `drain`. Idempotent."""
        self.chooser.drained.discard(deployment_id)
        if self._begun and not self._ended:
            self._tend_warm()

    def _stop_probing(self) -> None:
        probing, self._probing = self._probing, None
        if probing is not None:
            probing.cancel()
            self._stopping.add(probing)
            probing.add_done_callback(self._stopping.discard)

    def reload(self, settings: Settings, strategy: Strategy | None) -> None:
        """Go by other *settings* from now on, as far as they are deployments and routing, in one step.

        What is remembered of deployments that reach what they reached is kept, and so are all leases.

        Args:
            settings: What to go by.
            strategy: Another one; None keeps the one that there is.
        """
        chooser, routing = self.chooser, settings.routing
        before, chooser.known = chooser.known, {d.id: d for d in settings.deployments}
        forgotten = [name for name, deployment in before.items() if not chooser.is_known(deployment)]
        for name in forgotten:
            chooser.health.forget(name)
        chooser.health.keep(settings.deployments)
        chooser.refused &= {identity(deployment) for deployment in settings.deployments}
        chooser.signals.reload(_prices(settings), forgotten)
        chooser.groups = _by_group(settings.deployments)
        chooser.drained &= chooser.known.keys()
        chooser.strategy = strategy or chooser.strategy
        for part in (chooser, self.dialer, self.dialer.racer, self.warm, self.prober):
            part.routing = routing
        self.dialer.budget.share, self.dialer.queue.limit = routing.retry_share, routing.queue_limit
        self.settings = settings
        if self._begun and not self._ended:
            self._tend()

    def snapshots(self) -> tuple[DeploymentSnapshot, ...]:
        """Return what each deployment is at this moment, in the order of the configuration."""
        chooser = self.chooser
        return tuple(
            DeploymentSnapshot(
                id=d.id,
                model_group=d.model_group,
                provider=d.provider,
                model=d.model,
                dialect=chooser.providers[d.provider].dialect(d),
                order=d.order,
                live_sessions=self.leases.live(d.id),
                max_sessions=d.max_sessions,
                standing=chooser.health.standing(d, chooser.groups[d.model_group]),
            )
            for d in self.settings.deployments
        )

    async def aclose(self) -> None:
        """End it. Idempotent."""
        self._ended = True
        self._stop_probing()
        if self._stopping:
            await asyncio.wait(self._stopping)
        await self.second_look.aclose()
        await self.warm.aclose()


def assemble_engine(  # everything that a router was given
    settings: Settings,
    *,
    strategy: Strategy,
    transport: Transport,
    providers: Mapping[str, ProviderAdapter],
    emit: Callable[[Record], None],
    rng: random.Random,
    clock: Clock,
) -> Engine:
    """Return an engine over *settings*. Nothing is begun; *rng* seeds what is not the strategy's."""
    routing, leases, budget = settings.routing, Leases(), RetryBudget(settings.routing.retry_share)
    signals = Signals(clock, _prices(settings))
    health = Health(settings.health, clock, random.Random(rng.random()))  # noqa: S311  # jitter
    chooser = Chooser(
        leases=leases,
        strategy=strategy,
        health=health,
        signals=signals,
        providers=providers,
        routing=routing,
        emit=emit,
        groups=_by_group(settings.deployments),
        known={d.id: d for d in settings.deployments},
    )
    reports = Reports(health=health, signals=signals, providers=providers, emit=emit, clock=clock)
    opener = Opener(providers=providers, transport=transport, refuses_credential=reports.refuses_credential)
    warm = WarmPool(chooser=chooser, opener=opener, reports=reports, routing=routing, clock=clock)
    chooser.spare = warm.spare
    racer = Racer(
        chooser=chooser,
        opener=opener,
        reports=reports,
        warm=warm,
        budget=budget,
        routing=routing,
        clock=clock,
    )
    dialer = Dialer(
        chooser=chooser,
        racer=racer,
        queue=FairQueue(leases, routing.queue_limit, chooser.may_wait_for),
        budget=budget,
        routing=routing,
        rng=random.Random(rng.random()),  # noqa: S311  # jitter
        clock=clock,
    )
    prober = Prober(
        chooser=chooser,
        opener=opener,
        reports=reports,
        routing=routing,
        rng=random.Random(rng.random()),  # noqa: S311  # jitter
        clock=clock,
    )
    look = SecondLook(chooser=chooser, prober=prober)
    reports.on_accepted, reports.on_failed, reports.is_known = look.accepted, look.failed, chooser.is_known
    return Engine(settings, leases, chooser, reports, dialer, warm, prober, look)


def _prices(settings: Settings) -> dict[str, float]:
    priced = ((d.id, price_per_minute(d)) for d in settings.deployments)
    return {name: price for name, price in priced if price is not None}


def _by_group(deployments: Sequence[Deployment]) -> dict[str, list[Deployment]]:
    groups: dict[str, list[Deployment]] = {}
    for deployment in deployments:
        groups.setdefault(deployment.model_group, []).append(deployment)
    return groups
