"""Voice: what a call sounds like on the wire.

Each session sends 20 ms of audio 50 times a second, and hears 200 ms of audio 5 times and a piece of
transcript 10 times a second: 65 frames a second, at a random phase. The load does not depend on how fast the
proxy is.
"""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Callable, Sequence

from benchmarks.rig.bench import Bench, Pattern, Taken, drain, fates
from benchmarks.rig.ends import Session, Traffic
from benchmarks.rig.events import Stencil
from benchmarks.rig.figures import quantile
from benchmarks.rig.opening import Opened, Target
from benchmarks.rig.pacing import Pacer
from benchmarks.rig.window import Spent, Window

__all__ = ["Voice"]

MS = 1_000_000
UP_NS = 20 * MS
DOWN_NS = 200 * MS
TRANSCRIPTS = 2  # for each piece of audio


class Voice(Pattern):
    """Measures CPU time per frame, latency of each frame one way, and the fate of every frame."""

    def __init__(
        self, sessions: int, seconds: float, warm_s: float, tick_ms: float = 0, name: str = "voice"
    ) -> None:
        self.name = name
        self.tick_ns = int(tick_ms * MS)
        self.sessions = sessions
        self.seconds = seconds
        self.warm_s = warm_s

    async def run(self, bench: Bench, target: Target) -> Taken:
        async with bench.talking(target, self.sessions) as talk:
            return await self.measured(bench, target, *talk)

    async def measured(
        self, bench: Bench, target: Target, traffic: Traffic, opened: Sequence[Opened]
    ) -> Taken:
        """Do it to sessions that are open, and say what became of them since that was said last."""
        pacer = self._pacer(bench, [each.session for each in opened])
        pacer.start()
        try:
            await asyncio.sleep(self.warm_s)
            ups, downs, late = traffic.up.arrived, traffic.down.arrived, len(pacer.lateness_ns)
            window = Window.open(target.pid, bench.cores)
            await asyncio.sleep(self.seconds)
            spent = window.close()
            up, down = traffic.up.latencies_ns[ups:], traffic.down.latencies_ns[downs:]
            lateness = sorted(pacer.lateness_ns[late:])
        finally:
            pacer.stop()
        await drain(traffic)
        values, notes = fates(traffic)
        values |= spent.shares() | _costs(spent, len(up) + len(down), target)
        values["rig_late_p99_ms"] = quantile(lateness, 0.99) / MS
        for name, latencies in (("", up + down), ("up_", up), ("down_", down)):
            ordered = sorted(latencies)
            for share in (50, 90, 99, 99.9):
                values[f"{name}latency_p{share:g}_ms"] = quantile(ordered, share / 100) / MS
        return Taken(values, notes, _histogram([*up, *down]))

    def _pacer(self, bench: Bench, sessions: list[Session]) -> Pacer:
        pacer, rng = Pacer(self.tick_ns), bench.random()
        stencils = bench.stencils
        for session in sessions:
            pacer.add(UP_NS, rng.randrange(UP_NS), _sender(session.send_up, stencils.appends))
            pacer.add(DOWN_NS, rng.randrange(DOWN_NS), _sender(session.send_down, stencils.audio))
            for _ in range(TRANSCRIPTS):
                pacer.add(DOWN_NS, rng.randrange(DOWN_NS), _sender(session.send_down, stencils.transcripts))
        return pacer


def _sender(send: Callable[[Stencil], None], stencils: list[Stencil]) -> Callable[[], None]:
    """Return what sends one stencil after the other."""
    following = itertools.cycle(stencils).__next__
    return lambda: send(following())


def _costs(spent: Spent, frames: int, target: Target) -> dict[str, float]:
    values = {
        "frames_per_s": frames / spent.seconds,
        "rig_us_per_frame": spent.rig_ns / 1000 / max(1, frames),
    }
    if target.pid is not None:
        values["cpu_us_per_frame"] = spent.proxy_ns / 1000 / max(1, frames)
    return values


def _histogram(latencies_ns: list[int]) -> list[int]:
    counts = [0] * 121
    for latency in latencies_ns:
        counts[min(120, max(0, math.ceil(20 * math.log10(max(1.0, latency / 1000)))))] += 1
    return counts
