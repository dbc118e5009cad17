"""There is little memory left, and thousands want in."""

from __future__ import annotations

import asyncio
import resource
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from benchmarks.scoreboard.case import Case, Outcome, Size
from benchmarks.scoreboard.parties import Clients, clients, greet_and_echo, upstream
from benchmarks.scoreboard.stand import Stand

__all__ = ["Shortage"]

IN_USE = 0.8
"""Of its address space, when it has its threads, for each of which the C library sets much of that aside."""

AT_ONCE = 50
_EVENT = '{"type":"response.cancel"}'


class Shortage(Case):
    """Its address space is limited while it runs."""

    id = "C12"
    title = f"5,000 dials, with {IN_USE:.0%} of the memory in use before"
    bar = "who was let in is served on, who was not got 503, and it lives"
    limit_s = 300.0

    async def run(self, stand: Stand, size: Size) -> Outcome:
        dials = 500 if size is Size.SHORT else 5_000
        async with (
            upstream(greet_and_echo) as url,
            stand.proxy(url) as proxy,
            clients(proxy) as opening,
            AsyncExitStack() as let_in,
        ):
            for _ in range(2):
                await asyncio.gather(*(self._warm(opening) for _ in range(AT_ONCE)))
            limit = int(_address_space_bytes(proxy.pid) / IN_USE)
            resource.prlimit(proxy.pid, resource.RLIMIT_AS, (limit, limit))
            sessions: list[aiohttp.ClientWebSocketResponse] = []
            answers: list[int] = []
            waiting = iter(range(dials))

            async def dial() -> None:
                for _ in waiting:
                    answer = await self._dial(opening, let_in, sessions)
                    answers.append(answer)

            await asyncio.gather(*(dial() for _ in range(AT_ONCE)))
            served = sum(await asyncio.gather(*map(self._is_served, sessions)))
        refused = answers.count(503)
        lost, other = len(sessions) - served, dials - len(sessions) - refused
        figure = (
            f"{len(sessions):,} let in, {lost:,} of them lost; {refused:,} got 503, {other:,} anything else"
        )
        return Outcome(figure, holds=lost == other == 0 < len(sessions))

    async def _warm(self, opening: Clients) -> None:
        async with opening.open() as first:
            await first.receive()

    async def _dial(
        self, opening: Clients, let_in: AsyncExitStack, sessions: list[aiohttp.ClientWebSocketResponse]
    ) -> int:
        try:
            session = await let_in.enter_async_context(opening.open())
        except aiohttp.WSServerHandshakeError as refusal:
            return refusal.status
        except (OSError, aiohttp.ClientError):
            return 0
        sessions.append(session)
        await session.receive()
        return 101

    async def _is_served(self, session: aiohttp.ClientWebSocketResponse) -> bool:
        try:
            async with asyncio.timeout(30):
                await session.send_str(_EVENT)
                return bool((await session.receive()).data == _EVENT)
        except (TimeoutError, OSError, aiohttp.ClientError):
            return False


def _address_space_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
