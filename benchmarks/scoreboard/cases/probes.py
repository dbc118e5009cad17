"""Somebody asks again and again whether a proxy is well, while it has all that it can do."""

from __future__ import annotations

import asyncio
import itertools
import ssl
from contextlib import suppress

from benchmarks.rig.bench import Bench
from benchmarks.rig.ends import Upstream
from benchmarks.rig.events import Stencils
from benchmarks.rig.opening import OpenFailed, Target, open_session
from benchmarks.rig.patterns.voice import Voice
from benchmarks.scoreboard.asker import Question, ask
from benchmarks.scoreboard.case import Case, Outcome, Size
from benchmarks.scoreboard.figures import percentile
from benchmarks.scoreboard.stand import Stand

__all__ = ["Probes"]

SEED = 1
SESSIONS = {Size.SHORT: 5, Size.FULL: 100}
OPENS_PER_S = 20
QUESTIONS = {Size.SHORT: 10, Size.FULL: 500}
EVERY_S = 0.02
MOST_S = {Size.SHORT: 2.0, Size.FULL: 0.050}
"""The short form runs where others do, too."""


class Probes(Case):
    """The full load: a hundred calls, and twenty more a second that come and go."""

    id = "G3"
    title = "100 calls talk and 20 a second come and go while a probe asks for readiness"
    bar = "every answer is yes, p99 within 50 ms"
    not_for = {"relay": "it answers no probes"}  # noqa: RUF012  # as the class says

    async def run(self, stand: Stand, size: Size) -> Outcome:
        async with (
            Upstream.listening(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)) as upstream,
            stand.proxy(f"http://127.0.0.1:{upstream.ws_port}") as proxy,
        ):
            bench = Bench(upstream, Stencils(SEED), stand.cores, SEED, itertools.count())
            target = Target(proxy.url.replace("http", "ws", 1) + proxy.path, proxy.headers, proxy.pid)
            question = Question(
                port=proxy.port, path="/health/readiness", times=QUESTIONS[size], every_s=EVERY_S
            )
            voice = Voice(SESSIONS[size], seconds=3600.0, warm_s=0.0)
            async with asyncio.TaskGroup() as group:
                talk = group.create_task(voice.run(bench, target))
                await _all_talk(bench, SESSIONS[size])
                crowd = group.create_task(_come_and_go(bench, target))
                answers = await ask(question, stand.cores.rig)
                talk.cancel()
                crowd.cancel()
        took_s = [answer for answer in answers if answer is not None]
        p99_s = percentile(took_s, 99) if took_s else float("inf")
        figure = f"{len(took_s):,} of {len(answers):,} answered with yes, p99 {p99_s * 1000:.0f} ms"
        return Outcome(figure, holds=len(took_s) == len(answers) and p99_s <= MOST_S[size])


async def _all_talk(bench: Bench, count: int) -> None:
    while bench.upstream.traffic is None or len(bench.upstream.traffic.sessions) < count:
        await asyncio.sleep(0.05)


async def _come_and_go(bench: Bench, target: Target) -> None:
    async with asyncio.TaskGroup() as group:
        while True:
            group.create_task(_one(bench, target))
            await asyncio.sleep(1 / OPENS_PER_S)


async def _one(bench: Bench, target: Target) -> None:
    traffic = bench.upstream.traffic
    if traffic is not None:
        with suppress(OpenFailed):
            await (await open_session(traffic, target)).close()
