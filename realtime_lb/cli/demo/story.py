"""What the demo plays: two acts of sessions, and a provider that goes away in between."""

from __future__ import annotations

import asyncio

import aiohttp

from realtime_lb.cli.demo.board import Board
from realtime_lb.cli.demo.caller import Call, CallFailed, call
from realtime_lb.cli.demo.screens import Screen
from realtime_lb.cli.demo.stage import AZURE, MODEL, Stage
from realtime_lb.cli.demo.verdicts import Verdict, verdicts

__all__ = ["play"]

_ARRIVAL_GAP_S = 0.15
_ARRIVALS_WITHIN_S = 2.0
_SETTLE_S = 5.0
"""How long closing records may take: the longest closing handshake (`LimitSettings.close_timeout_s`)."""


async def play(stage: Stage, screen: Screen, sessions: int) -> list[Verdict]:
    """Play both acts with *sessions* sessions each, and return what is to be said of them."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        _begin(stage.board, screen, 1, f"{sessions} sessions, each with a written and a spoken turn")
        before = await _calls(stage, http, sessions, first=1)
        await _settled(stage.board)
        await stage.take_azure_down()
        _begin(stage.board, screen, 2, f"{AZURE} is down; {sessions} new sessions")
        after = await _calls(stage, http, sessions, first=sessions + 1)
    await _settled(stage.board)
    return verdicts(stage.board, before, after)


def _begin(board: Board, screen: Screen, act: int, title: str) -> None:
    board.act, board.title = act, title
    screen.act_begins()


async def _calls(
    stage: Stage, http: aiohttp.ClientSession, count: int, *, first: int
) -> list[Call | CallFailed]:
    """Hold *count* conversations at once, their callers arriving one after the other."""
    gap_s = min(_ARRIVAL_GAP_S, _ARRIVALS_WITHIN_S / count)

    async def one(number: int) -> Call | CallFailed:
        await asyncio.sleep(number * gap_s)
        try:
            return await call(http, stage.realtime_url, name=f"session-{first + number}", model=MODEL)
        except CallFailed as failure:
            return failure

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(number)) for number in range(count)]
    return [task.result() for task in tasks]


async def _settled(board: Board) -> None:
    try:
        async with asyncio.timeout(_SETTLE_S):
            await board.settled.wait()
    except TimeoutError:
        return  # the verdicts will say which session has not ended
