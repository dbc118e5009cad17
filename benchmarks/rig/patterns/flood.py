"""Flood: as many frames as the proxy can pass on, never more than a few of a session on their way."""

from __future__ import annotations

import asyncio
import itertools

from benchmarks.rig.bench import Bench, Pattern, Taken, drain, fates
from benchmarks.rig.ends import Session
from benchmarks.rig.opening import Target
from benchmarks.rig.window import Window

__all__ = ["Flood"]

WARM_S = 0.3
UP_IN_FLIGHT = 16
DOWN_IN_FLIGHT = 4


class Flood(Pattern):
    """Measures frames per second both ways, all of them audio, where each arrival sends the next frame.

    Where the proxy's share of its core stays below one, the rig was the slower of the two, and the proxy
    could have done more.
    """

    name = "flood"

    def __init__(self, sessions: int, seconds: float) -> None:
        self.sessions = sessions
        self.seconds = seconds

    async def run(self, bench: Bench, target: Target) -> Taken:
        async with bench.talking(target, self.sessions) as (traffic, opened):
            is_on = True
            append = itertools.cycle(bench.stencils.appends).__next__
            audio = itertools.cycle(bench.stencils.audio).__next__

            def next_up(session: Session) -> None:
                if is_on:
                    session.send_up(append())

            def next_down(session: Session) -> None:
                if is_on:
                    session.send_down(audio())

            traffic.on_up, traffic.on_down = next_up, next_down
            for each in opened:
                for _ in range(UP_IN_FLIGHT):
                    next_up(each.session)
                for _ in range(DOWN_IN_FLIGHT):
                    next_down(each.session)
            await asyncio.sleep(WARM_S)
            before = traffic.arrived
            window = Window.open(target.pid, bench.cores)
            await asyncio.sleep(self.seconds)
            spent, frames = window.close(), traffic.arrived - before
            is_on = False
            await drain(traffic)
        values, notes = fates(traffic)
        values |= spent.shares() | {"frames_per_s": frames / spent.seconds}
        if target.pid is not None:
            values["cpu_us_per_frame"] = spent.proxy_ns / 1000 / max(1, frames)
        return Taken(values, notes)
