"""Churn: thousands of short sessions, after which a proxy should be as small as before."""

from __future__ import annotations

import asyncio
import random
import time

from attrs import define, field

from benchmarks.rig.bench import Bench, Pattern, Taken, fates
from benchmarks.rig.ends import Session, Traffic
from benchmarks.rig.opening import OpenFailed, Target, open_session
from benchmarks.rig.proc import read_memory

__all__ = ["Churn"]

EARLY = 0.4
SETTLE_S = 0.5
TALK_TIMEOUT_S = 10.0


class Churn(Pattern):
    """Measures whether memory grows with the number of sessions that are over.

    Each session opens, says a little, hears an answer to each of its messages and closes. Memory is read when
    all are closed: after the first two fifths, by when pools and caches are full, and at the end.

    Args:
        sessions: How many.
        limit_s: How long that may take.
        at_once: How many there are at any time.
        messages: How many each of them sends.
        abrupt: The share of them that end by a reset instead of a closing handshake.
        pause_s: How long they are silent behind an answer, give or take a half.
    """

    name = "churn"

    def __init__(
        self,
        sessions: int,
        limit_s: float,
        *,
        at_once: int = 16,
        messages: int = 1,
        abrupt: float = 0.0,
        pause_s: float = 0.0,
    ) -> None:
        self.sessions = sessions
        self.limit_s = limit_s
        self.at_once = at_once
        self.messages = messages
        self.abrupt = abrupt
        self.pause_s = pause_s

    async def run(self, bench: Bench, target: Target) -> Taken:
        if target.pid is None:
            return Taken({})
        early = int(self.sessions * EARLY)
        async with bench.traffic() as traffic:
            crowd = _Crowd(
                traffic,
                target,
                at_once=self.at_once,
                messages=self.messages,
                abrupt=self.abrupt,
                pause_s=self.pause_s,
                deadline=time.monotonic() + self.limit_s,
                chance=bench.random(),
            )
            traffic.on_up, traffic.on_down = _answer, crowd.hear
            await crowd.come_and_go(early)
            await asyncio.sleep(SETTLE_S)
            before = read_memory(target.pid)
            await crowd.come_and_go(self.sessions - early)
            await asyncio.sleep(SETTLE_S)
            after = read_memory(target.pid)
        values, notes = fates(traffic)
        values |= {
            "churned": float(crowd.done),
            "rss_early_kb": before.rss_bytes / 1024,
            "rss_late_kb": after.rss_bytes / 1024,
        }
        if crowd.done == self.sessions:
            values["rss_growth"] = after.rss_bytes / before.rss_bytes - 1
        else:
            notes.append(f"churn: {crowd.done} of {self.sessions} sessions within {self.limit_s:g} s")
        return Taken(values, notes)


def _answer(session: Session) -> None:
    session.send_down(session.traffic.stencils.audio[0])


@define
class _Crowd:
    """Clients that come and go, a few at a time.

    Attributes:
        traffic: Where they are counted.
        target: What they dial.
        at_once: How many there are at any time.
        messages: How many each sends.
        abrupt: The share of them that are cut off.
        pause_s: How long they are silent behind an answer, give or take a half.
        deadline: When the last one may begin, on the monotonic clock, in seconds.
        chance: Says which.
        done: How many have come and gone.
    """

    traffic: Traffic
    target: Target
    at_once: int
    messages: int
    abrupt: float
    pause_s: float
    deadline: float
    chance: random.Random
    done: int = 0
    _waiting: dict[int, asyncio.Future[None]] = field(factory=dict)
    _left: int = 0

    def hear(self, session: Session) -> None:
        """Note that a client has its answer, if it still waits for it."""
        waiting = self._waiting.pop(session.number, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def come_and_go(self, count: int) -> None:
        """Let *count* clients come and go, or fewer if time is up."""
        self._left = count
        async with asyncio.TaskGroup() as group:
            for _ in range(self.at_once):
                group.create_task(self._clients())

    async def _clients(self) -> None:
        while self._left > 0 and time.monotonic() < self.deadline:
            self._left -= 1
            await self._client()
            self.done += 1

    async def _client(self) -> None:
        """Open, say something, wait for the answer, and so on; then leave, one way or the other."""
        opened = await open_session(self.traffic, self.target)
        for _ in range(self.messages):
            await self._heard(opened.session)
            if self.pause_s:
                await asyncio.sleep(self.pause_s * self.chance.uniform(0.5, 1.5))
        await (opened.cut() if self.chance.random() < self.abrupt else opened.close())

    async def _heard(self, session: Session) -> None:
        heard = asyncio.get_running_loop().create_future()
        self._waiting[session.number] = heard
        session.send_up(self.traffic.stencils.appends[0])
        try:
            async with asyncio.timeout(TALK_TIMEOUT_S):
                await heard
        except TimeoutError:
            raise OpenFailed("an open session did not answer") from None
