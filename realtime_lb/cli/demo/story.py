"""What the demo plays: three acts of sessions, and a provider that dies in the middle of the second."""

from __future__ import annotations

import asyncio

import aiohttp
from attrs import define

from realtime_lb.cli.configuration import counted
from realtime_lb.cli.demo.caller import Call, CallFailed, call
from realtime_lb.cli.demo.microphone import Cue
from realtime_lb.cli.demo.screens import Screen
from realtime_lb.cli.demo.stage import AZURE, MODEL, OPENAI, Stage
from realtime_lb.cli.demo.verdicts import Acts, Verdict, verdicts

__all__ = ["play"]

_ARRIVAL_GAP_S = 0.15
_ARRIVALS_WITHIN_S = 2.0
_SUSPENSE_S = 1.0
"""Time to see that everybody talks, and who is where."""

_CUE_S = 10.0
"""How long all callers may take until they talk. One that cannot fails by itself, and is told of then."""

_SETTLE_S = 5.0
"""How long closing records may take: the longest closing handshake (`LimitSettings.close_timeout_s`)."""


async def play(stage: Stage, screen: Screen, sessions: int) -> list[Verdict]:
    """Play all acts with *sessions* sessions each, and return what is to be said of them."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        return await _Play(stage, screen, http, sessions).play()


@define(eq=False)
class _Play:
    _stage: Stage
    _screen: Screen
    _http: aiohttp.ClientSession
    _sessions: int

    async def play(self) -> list[Verdict]:
        board, sessions = self._stage.board, self._sessions
        self._begin(1, f"{sessions} sessions, each with a written and a spoken turn")
        before = await self._calls()
        self._begin(2, f"{sessions} more, each in the middle of a sentence when {AZURE} dies")
        struck, during = await self._calls_that_are_struck()
        self._begin(3, f"{AZURE} is down; {sessions} new sessions")
        after = await self._calls()
        return verdicts(board, Acts(before, during, after), struck)

    def _begin(self, act: int, title: str) -> None:
        self._stage.board.act, self._stage.board.title = act, title
        self._screen.act_begins()

    async def _calls_that_are_struck(self) -> tuple[int, list[Call | CallFailed]]:
        """Let Azure die while everybody talks; return how many calls it had, and what became of all."""
        cue = Cue(self._sessions)
        async with asyncio.TaskGroup() as group:
            calls = group.create_task(self._calls(cue))
            try:
                await _within(_CUE_S, cue.all_talk)
                await asyncio.sleep(_SUSPENSE_S)
                struck = await self._stage.kill_azure()
                self._stage.board.title = (
                    f"{AZURE} died under {counted(struck, 'caller')}; they go on at {OPENAI}"
                )
            finally:
                cue.given.set()
        return struck, calls.result()

    async def _calls(self, cue: Cue | None = None) -> list[Call | CallFailed]:
        """Hold an act's conversations at once, their callers arriving one after the other."""
        first = (self._stage.board.act - 1) * self._sessions + 1
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._call(first, nth, cue)) for nth in range(self._sessions)]
        await _within(_SETTLE_S, self._stage.board.settled)
        return [task.result() for task in tasks]

    async def _call(self, first: int, nth: int, cue: Cue | None) -> Call | CallFailed:
        name = f"session-{first + nth}"
        await asyncio.sleep(nth * min(_ARRIVAL_GAP_S, _ARRIVALS_WITHIN_S / self._sessions))
        try:
            return await call(self._http, self._stage.realtime_url, name=name, model=MODEL, cue=cue)
        except CallFailed as failure:
            return failure
        finally:
            if cue is not None:
                cue.reached(name)


async def _within(limit_s: float, event: asyncio.Event) -> None:
    """Wait for *event*, but not for longer than *limit_s*: the verdicts will say what has not come about."""
    try:
        async with asyncio.timeout(limit_s):
            await event.wait()
    except TimeoutError:
        return
