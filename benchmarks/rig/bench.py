"""What every pattern needs to run, and what it gives back."""

from __future__ import annotations

import asyncio
import random
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from attrs import define, field

from benchmarks.rig.cores import Cores
from benchmarks.rig.ends import Traffic, Upstream
from benchmarks.rig.events import Stencils
from benchmarks.rig.opening import Opened, Target, close_all, open_many

__all__ = ["Bench", "Pattern", "Taken", "drain", "fates"]

DRAIN_S = 10.0
SILENCE_S = 1.0


@define
class Bench:
    """The rig's side of a run.

    Attributes:
        upstream: The upstream.
        stencils: What frames are made from.
        cores: Who runs where.
        seed: Of all that is random.
        numbers: Gives sessions their numbers.
    """

    upstream: Upstream
    stencils: Stencils
    cores: Cores
    seed: int
    numbers: Iterator[int]

    def random(self) -> random.Random:
        """Return a generator that gives the same to every subject and in every round."""
        return random.Random(self.seed)

    @asynccontextmanager
    async def traffic(self) -> AsyncIterator[Traffic]:
        """Count frames while the block runs."""
        traffic = self.upstream.traffic = Traffic(self.stencils, self.numbers)
        try:
            yield traffic
        finally:
            self.upstream.traffic = None

    @asynccontextmanager
    async def talking(self, target: Target, count: int) -> AsyncIterator[tuple[Traffic, list[Opened]]]:
        """Keep *count* sessions open while the block runs, ready for frames both ways."""
        async with self.traffic() as traffic:
            opened = await open_many(traffic, target, count, link=True)
            try:
                yield traffic, opened
            finally:
                await close_all(opened)


@define
class Taken:
    """What a pattern measured.

    Attributes:
        values: By measure; its unit is the end of its name.
        notes: What a reader of the figures has to know.
        histogram: Where it measured latencies: how many frames by 10^(n/20) µs and below.
    """

    values: dict[str, float]
    notes: list[str] = field(factory=list)
    histogram: list[int] = field(factory=list)


class Pattern(ABC):
    """Something that clients do.

    Attributes:
        name: What ``--patterns`` calls it.
    """

    name: str

    @abstractmethod
    async def run(self, bench: Bench, target: Target) -> Taken:
        """Do it to *target* and measure.

        Raises:
            OpenFailed: The proxy does not serve.
        """


async def drain(traffic: Traffic) -> None:
    """Wait for all frames that are on their way: until all are there, or nothing has come for a second."""
    deadline = time.monotonic() + DRAIN_S
    arrived, since = traffic.arrived, time.monotonic()
    while traffic.arrived < traffic.sent and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
        if traffic.arrived != arrived:
            arrived, since = traffic.arrived, time.monotonic()
        elif time.monotonic() - since > SILENCE_S:
            return


def fates(traffic: Traffic) -> tuple[dict[str, float], list[str]]:
    """Say what has become of all frames since it was said last; none of them is under way."""
    up, down = traffic.up, traffic.down
    now = Counter(
        sent=traffic.sent,
        arrived=traffic.arrived,
        misplaced=up.misplaced + down.misplaced,
        rewritten=up.rewritten + down.rewritten,
        damaged=up.damaged + down.damaged,
        ended_early=traffic.ended_early,
    )
    values = {name: float(count - traffic.told[name]) for name, count in now.items()}
    notes = [f"said: {text}" for text in traffic.complaints]
    traffic.told = now
    traffic.complaints.clear()
    sent, arrived = values.pop("sent"), values.pop("arrived")
    delivered = arrived / sent if sent else float("nan")
    return {"frames_sent": sent, "delivered": delivered, **values}, notes
