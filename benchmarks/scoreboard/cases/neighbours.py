"""Twenty sessions send as fast as they are served; twenty others only want their small events in time."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import aiohttp

from benchmarks.scoreboard.case import Case, Outcome, Size
from benchmarks.scoreboard.figures import percentile
from benchmarks.scoreboard.parties import Websocket, clients, upstream
from benchmarks.scoreboard.stand import Proxy, Stand

__all__ = ["NoisyNeighbours"]

SESSIONS = {Size.SHORT: 4, Size.FULL: 20}
WORDS = {Size.SHORT: 20, Size.FULL: 250}
"""That each quiet session says, and hears again."""

EVERY_S = 0.04
MOST_ADDED_S, MOST_SELDOM_ADDED_S = 0.010, 0.050
LARGE = '{"type":"noise","pad":"%s"}' % ("x" * 2**20)
MEDIUM = '{"type":"noise","pad":"%s"}' % ("x" * 20_000)
MEDIUM_FOR_ONE_LARGE = 10
CREATED = '{"type":"session.created","event_id":"event_1","session":{"type":"realtime"}}'


class NoisyNeighbours(Case):
    """The same noise is made without a proxy, too: what it costs the ends themselves does not count."""

    id = "B6"
    title = "20 sessions flood the proxy with messages of 20 kB and 1 MiB, 20 are quiet"
    bar = "quiet ones wait 10 ms longer for an echo at p99, 50 ms at p99.9"
    limit_s = 300.0

    async def run(self, stand: Stand, size: Size) -> Outcome:
        async with upstream(behave) as url, stand.proxy(url) as proxy:
            straight = Direct(int(url.rpartition(":")[2]), 0, proxy.log)
            calm, noisy = await waits_s(proxy, size, noise=False), await waits_s(proxy, size, noise=True)
            straight_calm = await waits_s(straight, size, noise=False)
            straight_noisy = await waits_s(straight, size, noise=True)
        if not noisy:
            return Outcome("no echo", holds=False)

        def added_s(share: float) -> float:
            rig_s = percentile(straight_noisy, share) - percentile(straight_calm, share)
            return percentile(noisy, share) - percentile(calm, share) - max(0.0, rig_s)

        often_s, seldom_s = added_s(99), added_s(99.9)
        figure = f"p99 {often_s * 1000:+,.0f} ms, p99.9 {seldom_s * 1000:+,.0f} ms"
        return Outcome(figure, holds=often_s <= MOST_ADDED_S and seldom_s <= MOST_SELDOM_ADDED_S)


class Direct(Proxy):
    """The upstream itself."""


async def behave(websocket: Websocket) -> None:
    """Echo what is quiet, and answer noise with a word when it has come."""
    await websocket.send_str(CREATED)
    async for message in websocket:
        if message.type is aiohttp.WSMsgType.TEXT:
            is_noise = message.data.startswith('{"type":"noise"')
            await websocket.send_str('{"type":"taken"}' if is_noise else message.data)


async def waits_s(proxy: Proxy, size: Size, *, noise: bool) -> list[float]:
    """Return how long the quiet ones waited for each of their echoes."""
    waits: list[float] = []
    async with AsyncExitStack() as stack:
        crowd = await stack.enter_async_context(clients(proxy))
        sessions = [await stack.enter_async_context(crowd.open()) for _ in range(2 * SESSIONS[size])]
        for session in sessions:
            await session.receive()
        half = SESSIONS[size]
        floods = [asyncio.create_task(_flood(session)) for session in sessions[:half] if noise]
        try:
            async with asyncio.TaskGroup() as quiet:
                for session in sessions[half:]:
                    quiet.create_task(_talk(session, WORDS[size], waits))
        finally:
            for flood in floods:
                flood.cancel()
            await asyncio.gather(*floods, return_exceptions=True)
    return waits


async def _flood(session: aiohttp.ClientWebSocketResponse[bool]) -> None:
    while True:
        for number in range(MEDIUM_FOR_ONE_LARGE + 1):
            await session.send_str(LARGE if number == 0 else MEDIUM)
        for _ in range(MEDIUM_FOR_ONE_LARGE + 1):
            await session.receive()


async def _talk(session: aiohttp.ClientWebSocketResponse[bool], words: int, waits: list[float]) -> None:
    loop = asyncio.get_running_loop()
    for number in range(words):
        began_s = loop.time()
        await session.send_str(f'{{"type":"word","n":{number}}}')
        await session.receive_str()
        waits.append(loop.time() - began_s)
        await asyncio.sleep(max(0.0, began_s + EVERY_S - loop.time()))
