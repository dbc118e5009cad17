"""One client does its worst, and another talks on."""

from __future__ import annotations

import asyncio
import itertools
import os
import statistics
import time
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from benchmarks.rig.cores import Cores, pin
from benchmarks.rig.proc import read_memory
from benchmarks.scoreboard.attacker import Flood, flooding
from benchmarks.scoreboard.case import Case, Outcome, Size
from benchmarks.scoreboard.parties import clients, greet_and_echo, upstream
from benchmarks.scoreboard.raw import handshake, masked, raw
from benchmarks.scoreboard.stand import Proxy, Stand
from benchmarks.scoreboard.wire import CONTINUATION, FIN, PING, PONG, RSV1, TEXT

__all__ = ["Bombs", "Deflate", "Floods", "Oversize", "Unfinished"]

ADDED_MS, MOST_MB, MOST_UNFINISHED_MB = 10.0, 5.0, 2.0
FLOODS = masked(PING), masked(PONG), masked(TEXT), masked(TEXT, b"x")
MANY = 1_000_000
LOOKS = 20
"""At the memory, during each flood."""

_EVENT = '{"type":"response.cancel"}'


class Neighbour:
    """A session that is answered, and how soon."""

    def __init__(self) -> None:
        self.took_ms: list[float] = []

    def p99_ms(self) -> float:
        """Return that of all answers since it was asked last."""
        taken, self.took_ms = sorted(self.took_ms), []
        return taken[int(len(taken) * 0.99)] if taken else float("inf")


@asynccontextmanager
async def talking(proxy: Proxy) -> AsyncIterator[Neighbour]:
    """Have a session that sends an event every 20 ms, and waits for it to come back."""
    found = Neighbour()
    async with clients(proxy) as opening, opening.open() as client:
        await client.receive()

        async def talk() -> None:
            while True:
                began_s = time.perf_counter()
                await client.send_str(_EVENT)
                await client.receive()
                found.took_ms.append((time.perf_counter() - began_s) * 1_000)
                await asyncio.sleep(0.02)

        async with asyncio.TaskGroup() as group:
            task = group.create_task(talk())
            yield found
            task.cancel()


async def most_grown_mb(proxy: Proxy, duration_s: float) -> float:
    """Look at the memory of *proxy* for so long; return by how much it was more than at first."""
    before = most = read_memory(proxy.pid).rss_bytes
    for _ in range(LOOKS):
        await asyncio.sleep(duration_s / LOOKS)
        most = max(most, read_memory(proxy.pid).rss_bytes)
    return (most - before) / 1e6


class Floods(Case):
    """Frames as small as they come, as fast as they are taken, by who reads the answers and by who does not.

    The same is sent to nobody, too: what the sending itself costs this machine does not count.
    """

    id = "C6"
    title = "A client floods with a million pings, pongs or tiny frames"
    bar = f"another's p99 grows by {ADDED_MS:g} ms at most, memory by {MOST_MB:g} MB"
    limit_s = 300.0

    async def run(self, stand: Stand, size: Size) -> Outcome:
        duration_s = 2.0 if size is Size.SHORT else 15.0
        with self._apart(stand.cores):
            async with upstream(greet_and_echo) as url, stand.proxy(url) as proxy, talking(proxy) as other:
                await asyncio.sleep(duration_s)
                calm_ms = other.p99_ms()
                nobody = Flood(port=0, head="", frame=FLOODS[0].hex(), frames=MANY, reads=True)
                async with flooding(nobody, stand.cores.rig):
                    await asyncio.sleep(duration_s)
                rig_ms = max(0.0, other.p99_ms() - calm_ms)
                added_ms, grown_mb = [], []
                for frame, reads in itertools.product(FLOODS, (True, False)):
                    flood = Flood(
                        port=proxy.port, head=handshake(proxy), frame=frame.hex(), frames=MANY, reads=reads
                    )
                    async with flooding(flood, stand.cores.rig):
                        grown_mb.append(await most_grown_mb(proxy, duration_s))
                    added_ms.append(other.p99_ms() - calm_ms - rig_ms)
        figure = f"p99 + {max(added_ms):.0f} ms, + {max(grown_mb):.1f} MB"
        return Outcome(figure, holds=max(added_ms) <= ADDED_MS and max(grown_mb) <= MOST_MB)

    @contextmanager
    def _apart(self, cores: Cores) -> Iterator[None]:
        """Keep this process off the core of the proxy."""
        before = os.sched_getaffinity(0)
        pin(cores.rig)
        try:
            yield
        finally:
            os.sched_setaffinity(0, before)


class Unfinished(Case):
    """Fragments without end, slowly and 131,000 as fast as they are taken, and one frame a byte at a time."""

    id = "C7"
    title = "A message is never finished"
    bar = f"closed with 1008 or 1009 within 30 s, memory grows by {MOST_UNFINISHED_MB:g} MB at most for each"
    limit_s = 120.0

    async def run(self, stand: Stand, size: Size) -> Outcome:
        limit_s = 3.0 if size is Size.SHORT else 30.0
        settings = f"limits: {{message_timeout_s: {limit_s:g}}}"
        async with upstream(greet_and_echo) as url, stand.proxy(url, settings=settings) as proxy:
            fragment = masked(CONTINUATION, flags=0)
            pieces = (
                (masked(TEXT, b"{", flags=0), fragment, MANY),
                (masked(TEXT, b"{", flags=0), fragment * 1_000, 131),
                (masked(TEXT, b"{", declared=1_000_000), b"x", MANY),
            )
            looking = asyncio.create_task(most_grown_mb(proxy, limit_s))
            codes = await asyncio.gather(*(self._code(proxy, *each, limit_s + 0.5) for each in pieces))
            grown_mb = await looking
        closed = ", ".join(map(str, codes))
        return Outcome(
            f"closed with {closed}, + {grown_mb:.1f} MB",
            holds={*codes} <= {1008, 1009} and grown_mb <= MOST_UNFINISHED_MB * len(pieces),
        )

    async def _code(self, proxy: Proxy, first: bytes, then: bytes, times: int, limit_s: float) -> int:
        async with raw(proxy) as attacker:
            told = asyncio.create_task(attacker.hears_goodbye())
            until_s = time.monotonic() + limit_s
            await attacker.say(first)
            while not told.done() and time.monotonic() < until_s:
                if times:
                    times -= 1
                    await attacker.say(then)
                await asyncio.wait({told}, timeout=0.01)
            told.cancel()
            await asyncio.wait({told})
            return 0 if told.cancelled() else told.result()


class _Said(Case):
    """Something is said that must end the session of who said it."""

    code: int
    said: tuple[tuple[bytes, ...], ...]
    offers_deflate = False

    async def run(self, stand: Stand, size: Size) -> Outcome:
        async with upstream(greet_and_echo) as url, stand.proxy(url) as proxy:
            codes: list[int] = []
            for _ in range(1 if size is Size.SHORT else 20):
                codes += [await self._code(proxy, frames) for frames in self.said]
                if self.code not in codes:  # and each takes its time
                    break
        fits = codes.count(self.code)
        return Outcome(f"{fits} of {len(codes)} closed with {self.code}", holds=fits == len(codes))

    async def _code(self, proxy: Proxy, frames: tuple[bytes, ...]) -> int:
        async with raw(proxy, offers_deflate=self.offers_deflate) as attacker:
            await attacker.say(*frames)
            try:
                async with asyncio.timeout(2.0):
                    return await attacker.hears_goodbye()
            except TimeoutError:
                return 0


class Oversize(_Said):
    """Frames that say that they are larger than may be."""

    id = "C8"
    title = "A message is over the cap, by its head or by its fragments"
    bar = "closed with 1009 before it is there"
    code = 1009
    said = (
        (masked(TEXT, b"{", declared=2**63 - 1),),
        (masked(TEXT, b"{", declared=2**31),),
        (masked(TEXT, b"{", declared=16 * 1024 * 1024 + 1),),
        (masked(TEXT, bytes(2**23), flags=0), *[masked(CONTINUATION, bytes(2**22), flags=0)] * 3),
    )


class Deflate(_Said):
    """A bomb, compressed, by a client that has offered to compress."""

    id = "C9"
    title = "A deflate bomb"
    bar = "not agreed to; closed with 1002"
    code = 1002
    offers_deflate = True
    said = ((masked(TEXT, zlib.compress(bytes(2**22))[2:-4], flags=FIN | RSV1),),)


class Bombs(Case):
    """Events that take long to parse."""

    id = "C10"
    title = "Events that are made to cost"
    bar = "another waits 20 ms more for one at most, and lives"

    async def run(self, stand: Stand, size: Size) -> Outcome:
        bombs = (
            b"[" * 100_000 + b"]" * 100_000,
            b"[" + b"{}," * 1_400_000 + b"0]",
            b"1" * 1_000_000,
        )
        event = b'{"type":"session.update","session":{"type":"realtime","tools":%s}}'
        frames = [masked(TEXT, event % bomb) for bomb in bombs]
        rounds = 2 if size is Size.SHORT else 20
        async with upstream(greet_and_echo) as url, stand.proxy(url) as proxy, talking(proxy) as other:
            await asyncio.sleep(1.0)
            usual_ms, waits_ms = statistics.median(other.took_ms), []
            for frame in frames * rounds:
                async with raw(proxy) as attacker:
                    other.took_ms.clear()
                    await attacker.say(frame)
                    await asyncio.sleep(0.4)
                    waits_ms.append(max(other.took_ms, default=float("inf")) - usual_ms)
        worst_ms = statistics.median(waits_ms) if size is Size.SHORT else max(waits_ms)
        return Outcome(f"waited {worst_ms:.0f} ms more", holds=worst_ms <= 20)
