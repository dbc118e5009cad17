"""Ten thousand sessions that come and go, and two hundred that stay."""

from __future__ import annotations

import asyncio
import itertools
import os
import ssl
import time
from statistics import linear_regression

from benchmarks.rig.bench import Bench
from benchmarks.rig.ends import Upstream
from benchmarks.rig.events import Stencils
from benchmarks.rig.opening import Target
from benchmarks.rig.patterns.churn import Churn
from benchmarks.rig.proc import open_files, read_memory
from benchmarks.scoreboard.case import Case, Outcome, Size
from benchmarks.scoreboard.stand import Proxy, Stand

SEED = 1
SOAK_S = float(os.environ.get("SOAK_S", "600"))

SESSIONS = {Size.SHORT: 300, Size.FULL: 10_000}
SLOW_SESSIONS = 1_000
LIVE = {Size.SHORT: 20, Size.FULL: 200}
MESSAGES = 5
ABRUPT = 0.1

CHURN_LIMIT_S = 900.0
SETTLE_S = 2.0
WORDS = {Size.SHORT: 2, Size.FULL: 20}
"""Of each session of the soak, one a second: what a gateway keeps of a session ends with it."""

ENDLESS = 10**9
SAMPLES = 200

WARM_UP = 0.25
"""The share of the soak before memory is looked at."""

MOST_GROWTH = 0.02
"""From the 4,000th session to the last, and in the soak: the allocator's coming and going is some 1 %."""


class Soak(Case):
    """Does anything of a session stay? Memory is not judged in the short form: there is too little of it."""

    id = "H1"
    title = (
        "10,000 sessions of five messages, one in ten cut off by a reset; then "
        f"{SOAK_S:g} s with 200 at any time, 20 s each"
    )
    bar = "no socket stays; memory flat within 2 % from the 4,000th on, and in the soak"
    limit_s = CHURN_LIMIT_S + SOAK_S + 120.0

    async def run(self, stand: Stand, size: Size) -> Outcome:
        count = min(SESSIONS[size], SLOW_SESSIONS) if stand.subject.is_slow else SESSIONS[size]
        async with (
            Upstream.listening(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)) as upstream,
            stand.proxy(f"http://127.0.0.1:{upstream.ws_port}") as proxy,
        ):
            bench = Bench(upstream, Stencils(SEED), stand.cores, SEED, itertools.count())
            target = Target(proxy.url.replace("http", "ws", 1) + proxy.path, proxy.headers, proxy.pid)
            await _come_and_go(bench, target, 20)
            before = open_files(proxy.pid)
            growth = await _come_and_go(bench, target, count)
            soaked = await _soaked(bench, target, proxy, size)
            left, live = await _what_stays(proxy, upstream, before)
        flat = size is Size.SHORT or max(growth, soaked) <= MOST_GROWTH
        figure = (
            f"of {count:,} sessions {left} sockets and {live} upstreams stay; "
            f"memory {growth:+.1%}, then {soaked:+.1%}"
        )
        return Outcome(figure, holds=flat and not left and not live)


async def _what_stays(proxy: Proxy, upstream: Upstream, before: int) -> tuple[int, int]:
    """Return how many sockets and upstreams are left when none is, or `SETTLE_S` after the last session."""
    deadline_s = time.monotonic() + SETTLE_S
    while True:
        left, live = max(0, open_files(proxy.pid) - before), len(upstream.live)
        if not (left or live) or time.monotonic() > deadline_s:
            return left, live
        await asyncio.sleep(0.05)


async def _come_and_go(bench: Bench, target: Target, count: int) -> float:
    """Return by what share memory has grown, from the first two fifths of the sessions to the last."""
    churn = Churn(count, CHURN_LIMIT_S, messages=MESSAGES, abrupt=ABRUPT)
    return (await churn.run(bench, target)).values["rss_growth"]


async def _soaked(bench: Bench, target: Target, proxy: Proxy, size: Size) -> float:
    """Return by what share memory grows while so many sessions talk at any time, by a line through it."""
    soak_s = SOAK_S if size is Size.FULL else 2.0
    churn = Churn(ENDLESS, soak_s, at_once=LIVE[size], messages=WORDS[size], abrupt=ABRUPT, pause_s=1.0)
    talking = asyncio.create_task(churn.run(bench, target))
    seconds, mb = [], []
    await asyncio.sleep(soak_s * WARM_UP)
    for _ in range(SAMPLES):
        seconds.append(time.monotonic())
        mb.append(read_memory(proxy.pid).pss_bytes / 2**20)
        await asyncio.sleep(soak_s * (1 - WARM_UP) / SAMPLES)
    await talking
    line = linear_regression(seconds, mb)
    return line.slope * (seconds[-1] - seconds[0]) / (line.intercept + line.slope * seconds[0])
