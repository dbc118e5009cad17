"""Opens: how long a client waits for ``session.created``, alone and among many."""

from __future__ import annotations

import asyncio
import time

from benchmarks.rig.bench import Bench, Pattern, Taken
from benchmarks.rig.figures import quantile
from benchmarks.rig.opening import OpenFailed, Target, open_session
from benchmarks.rig.window import Window

__all__ = ["Opens", "Storm"]

MS = 1_000_000


class Opens(Pattern):
    """One client after the other: the time from its dial to ``session.created``, TCP handshake included."""

    name = "opens"

    def __init__(self, count: int) -> None:
        self.count = count

    async def run(self, bench: Bench, target: Target) -> Taken:
        took = []
        async with bench.traffic() as traffic:
            for _ in range(self.count):
                opened = await open_session(traffic, target)
                took.append(opened.took_ns)
                await opened.close()
                await asyncio.sleep(
                    0.002
                )  # what a proxy tidies up behind a session is not the next one's wait
        took.sort()
        shares = (0.5, 0.9, 0.99)
        return Taken({f"created_p{share * 100:g}_ms": quantile(took, share) / MS for share in shares})


class Storm(Pattern):
    """Many clients at once, each opening, hearing ``session.created``, closing, and opening the next."""

    name = "storm"

    def __init__(self, seconds: float, at_once: int = 32) -> None:
        self.seconds = seconds
        self.at_once = at_once

    async def run(self, bench: Bench, target: Target) -> Taken:
        took: list[int] = []
        failed: list[str] = []
        async with bench.traffic() as traffic:
            window = Window.open(target.pid, bench.cores)
            deadline = time.monotonic() + self.seconds

            async def client() -> None:
                while time.monotonic() < deadline:
                    try:
                        opened = await open_session(traffic, target)
                    except OpenFailed as error:
                        failed.append(str(error))
                        await asyncio.sleep(0.01)
                    else:
                        took.append(opened.took_ns)
                        await opened.close()

            async with asyncio.TaskGroup() as group:
                for _ in range(self.at_once):
                    group.create_task(client())
            spent = window.close()
        took.sort()
        values = spent.shares() | {
            "opens_per_s": len(took) / spent.seconds,
            "failed_opens": float(len(failed)),
            "created_p50_ms": quantile(took, 0.5) / MS,
            "created_p99_ms": quantile(took, 0.99) / MS,
        }
        notes = [f"{len(failed)} opens failed, the first: {failed[0]}"] if failed else []
        if target.pid is not None:
            values["cpu_ms_per_open"] = spent.proxy_ns / 1e6 / max(1, len(took))
        return Taken(values, notes)
