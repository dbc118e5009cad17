"""The rig sees what becomes of every frame: a proxy that loses or changes a single one is caught."""

import asyncio
import itertools
import os
import ssl

import pytest
import trustme

from benchmarks.rig.bench import Bench
from benchmarks.rig.cores import Cores
from benchmarks.rig.ends import Upstream
from benchmarks.rig.events import Stencils
from benchmarks.rig.opening import OpenFailed, Target, open_session
from benchmarks.rig.patterns.voice import Voice
from tests.benchmarks.meddling import Meddle, Swap, damage, drop, meddling, nothing, repeat, rewrite

VOICE = Voice(sessions=1, seconds=0.4, warm_s=0.1)
FATES = ("misplaced", "damaged", "rewritten")


def server_tls() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    return context


def bench_on(upstream: Upstream) -> Bench:
    core = min(os.sched_getaffinity(0))
    return Bench(upstream, Stencils(1), Cores(core, core), 1, itertools.count())


async def voice_through(meddle: Meddle) -> dict[str, float]:
    async with (
        Upstream.listening(server_tls()) as upstream,
        meddling(meddle, upstream.ws_port) as url,
    ):
        taken = await VOICE.run(bench_on(upstream), Target(url, {}, None))
    assert taken.notes == []
    assert sum(taken.histogram) > 0
    return taken.values


@pytest.mark.parametrize(
    ("meddle", "missing", "fates"),
    [
        (nothing, 0, (0, 0, 0)),
        (drop, 1, (1, 0, 0)),
        (repeat, -1, (1, 0, 0)),
        (Swap(), 0, (2, 0, 0)),
        (damage, 0, (0, 1, 0)),
        (rewrite, 0, (0, 0, 1)),
    ],
    ids=["nothing", "drop", "repeat", "swap", "damage", "rewrite"],
)
async def test_what_a_proxy_does_to_one_frame_is_seen(
    meddle: Meddle, missing: int, fates: tuple[int, int, int]
) -> None:
    values = await voice_through(meddle)
    assert values["frames_sent"] > 20
    assert values["frames_sent"] * (1 - values["delivered"]) == pytest.approx(missing)
    assert tuple(values[fate] for fate in FATES) == fates


async def test_every_direct_frame_arrives_as_it_was_sent() -> None:
    async with Upstream.listening(server_tls()) as upstream:
        url = f"ws://127.0.0.1:{upstream.ws_port}/v1/realtime?model=any"
        taken = await VOICE.run(bench_on(upstream), Target(url, {}, None))
    assert taken.values["delivered"] == 1
    assert [taken.values[fate] for fate in FATES] == [0, 0, 0]
    assert 0 < taken.values["latency_p50_ms"] < taken.values["latency_p99_ms"]
    assert "cpu_us_per_frame" not in taken.values


async def test_a_proxy_that_ends_a_session_is_named() -> None:
    async with Upstream.listening(server_tls()) as upstream:
        bench = bench_on(upstream)
        url = f"ws://127.0.0.1:{upstream.ws_port}/v1/realtime"
        async with bench.traffic() as traffic:
            opened = await open_session(traffic, Target(url, {}, None))
            next(iter(upstream.live)).disconnect()
            async with asyncio.timeout(5):
                await opened.session.gone.wait()
    assert traffic.ended_early == 1


async def test_a_session_that_is_cut_between_two_turns_is_told_of_in_the_second() -> None:
    async with Upstream.listening(server_tls()) as upstream:
        bench = bench_on(upstream)
        target = Target(f"ws://127.0.0.1:{upstream.ws_port}/v1/realtime", {}, None)
        async with bench.talking(target, 1) as (traffic, opened):
            first = await VOICE.measured(bench, target, traffic, opened)
            next(iter(upstream.live)).disconnect()
            async with asyncio.timeout(5):
                await opened[0].session.gone.wait()
            second = await VOICE.measured(bench, target, traffic, opened)
    assert (first.values["delivered"], first.values["ended_early"]) == (1, 0)
    assert (second.values["frames_sent"], second.values["ended_early"]) == (0, 1)


async def test_a_proxy_that_does_not_serve_is_no_session() -> None:
    async with Upstream.listening(server_tls()) as upstream, bench_on(upstream).traffic() as traffic:
        with pytest.raises(OpenFailed, match="404"):
            await open_session(traffic, Target(f"ws://127.0.0.1:{upstream.ws_port}/elsewhere", {}, None))
