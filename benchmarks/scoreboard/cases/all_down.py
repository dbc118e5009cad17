"""All upstreams are gone, and then one is back."""

from __future__ import annotations

import asyncio
import os

import aiohttp

from benchmarks.rig.proc import cpu_between, read_cpu, read_memory
from benchmarks.scoreboard.case import Case, Outcome, Size
from benchmarks.scoreboard.figures import percentile
from benchmarks.scoreboard.parties import greet_and_echo, upstream
from benchmarks.scoreboard.stand import Proxy, Stand
from realtime_lb.testing import Door, FaultProxy, Faults

__all__ = ["AllDown"]

OPENS_PER_S = 200
MOST_ANSWER_S = {Size.SHORT: 5.0, Size.FULL: 1.0}
"""The short form runs where others do, too."""

LASTS_S = {Size.SHORT: 1.0, Size.FULL: 20.0}
PATIENCE_S = 12.0
MOST_BACK_S = 2.0


class AllDown(Case):
    """Clients go on asking, 200 a second."""

    id = "A9"
    title = "All three upstreams are down, then one is back"
    bar = "503 with Retry-After within 1 s, 30 % of a core, 5 MB; served 2 s after the return"
    limit_s = 300.0

    async def run(self, stand: Stand, size: Size) -> Outcome:
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        async with (
            upstream(greet_and_echo) as url,
            FaultProxy(url, Faults(door=Door.REFUSE)) as network,
            stand.proxy(*[network.url] * 3) as proxy,
            aiohttp.ClientSession(connector=connector) as http,
        ):
            await asyncio.gather(*(_knock(http, proxy) for _ in range(20)))
            cpu, memory, began_s = read_cpu(proxy.pid), read_memory(proxy.pid), _now_s()
            answers = await _knock_on(http, proxy, LASTS_S[size])
            share = cpu_between(cpu, read_cpu(proxy.pid)) / 1e9 / (_now_s() - began_s)
            grown_mb = (read_memory(proxy.pid).pss_bytes - memory.pss_bytes) / 1e6
            network.faults = Faults()
            back_s = await _until_served(http, proxy)
        right = sum(status == 503 and waits for status, waits, _ in answers)
        slow_s = percentile([took_s for _, _, took_s in answers], 99)
        figure = (
            f"{right:,} of {len(answers):,} got 503 with Retry-After, p99 {slow_s * 1000:,.0f} ms, "
            f"{share:.0%} of a core, {grown_mb:+.1f} MB, served again after {back_s:.1f} s"
        )
        is_alone = proxy.pid != os.getpid()
        within = not is_alone or (share <= 0.3 and grown_mb <= 5)
        return Outcome(
            figure,
            holds=right == len(answers)
            and slow_s <= MOST_ANSWER_S[size]
            and back_s <= MOST_BACK_S
            and within,
        )


def _now_s() -> float:
    return asyncio.get_running_loop().time()


async def _knock_on(
    http: aiohttp.ClientSession, proxy: Proxy, lasts_s: float
) -> list[tuple[int, bool, float]]:
    began_s = _now_s()
    async with asyncio.TaskGroup() as group:
        tasks = []
        for number in range(int(OPENS_PER_S * lasts_s)):
            await asyncio.sleep(began_s + number / OPENS_PER_S - _now_s())
            tasks.append(group.create_task(_knock(http, proxy)))
    return [task.result() for task in tasks]


async def _knock(http: aiohttp.ClientSession, proxy: Proxy) -> tuple[int, bool, float]:
    """Return the status of one open, whether it says when to come again, and how long it took."""
    began_s = _now_s()
    try:
        async with (
            asyncio.timeout(PATIENCE_S),
            http.ws_connect(proxy.url + proxy.path, headers=proxy.headers) as client,
        ):
            first = await client.receive()
            served = first.type is aiohttp.WSMsgType.TEXT and '"session.created"' in first.data
            return 101 if served else 1006, False, _now_s() - began_s
    except aiohttp.WSServerHandshakeError as error:
        return error.status, "Retry-After" in (error.headers or {}), _now_s() - began_s
    except (aiohttp.ClientError, TimeoutError):
        return 0, False, _now_s() - began_s


async def _until_served(http: aiohttp.ClientSession, proxy: Proxy) -> float:
    began_s = _now_s()
    while _now_s() - began_s < 5 * MOST_BACK_S:
        if (await _knock(http, proxy))[0] == 101:
            break
        await asyncio.sleep(0.05)
    return _now_s() - began_s
