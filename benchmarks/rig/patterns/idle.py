"""Idle: sessions that are open and silent, as most are between two sentences."""

from __future__ import annotations

import asyncio

from benchmarks.rig.bench import Bench, Pattern, Taken
from benchmarks.rig.opening import Target, close_all, open_many
from benchmarks.rig.proc import read_memory
from benchmarks.rig.window import Window

__all__ = ["Idle"]

SETTLE_S = 1.0
KB = 1024


class Idle(Pattern):
    """Measures the memory of an open session, and the CPU that many of them take.

    Memory is read with a quarter of the sessions and with all of them, and the difference is shared out among
    those that came between: so nothing that a proxy loads or allots once is in the figure. What the kernel
    holds for their sockets is not, either.
    """

    name = "idle"

    def __init__(self, sessions: int, seconds: float, at_once: int = 16) -> None:
        self.sessions = sessions
        self.seconds = seconds
        self.at_once = at_once

    async def run(self, bench: Bench, target: Target) -> Taken:
        if target.pid is None:
            return Taken({})
        async with bench.traffic() as traffic:
            few = await open_many(traffic, target, max(1, self.sessions // 4), at_once=self.at_once)
            await asyncio.sleep(SETTLE_S)
            before = read_memory(target.pid)
            more = await open_many(traffic, target, max(1, self.sessions - len(few)), at_once=self.at_once)
            await asyncio.sleep(SETTLE_S)
            after = read_memory(target.pid)
            window = Window.open(target.pid, bench.cores)
            await asyncio.sleep(self.seconds)
            spent = window.close()
            await close_all(few + more)
        values = spent.shares() | {
            "idle_sessions": float(self.sessions),
            "pss_kb_per_session": (after.pss_bytes - before.pss_bytes) / KB / len(more),
            "rss_kb_per_session": (after.rss_bytes - before.rss_bytes) / KB / len(more),
            "pss_kb": after.pss_bytes / KB,
            "ended_early": float(traffic.ended_early),
        }
        return Taken(values, [f"said: {text}" for text in traffic.complaints])
