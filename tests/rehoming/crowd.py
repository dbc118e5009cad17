"""Many calls over three upstreams, each somewhere in a turn, when one upstream goes: who gets through?"""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
from attrs import define, evolve, field, frozen

from realtime_lb import Deployment, LimitSettings, RealtimeRouter, RehomeSettings, Secret, Settings
from realtime_lb.records import SessionRehomed
from realtime_lb.server import listening
from realtime_lb.settings import HealthSettings
from realtime_lb.simulator import Face, FailResponse, Simulator
from realtime_lb.typing import Dialect
from tests.cli.processes import running
from tests.clients.matrix import PLAYS
from tests.rehoming.caller import MODEL, Caller, House, check_equal
from tests.rehoming.view import View
from tests.support import QUIET, Records

PACE = 8.0
"""Seconds of sound that upstreams send in one."""


@define(eq=False)
class Victim:
    """The upstream that goes."""

    base_url: str
    simulator: Simulator | None = None
    process: Any = None


@frozen
class Cause:
    """How it goes. In a process of its own where signals are meant."""

    strike: Callable[[Victim], Any]
    in_process: bool = True
    lifetime_s: float | None = None


def _signal(number: signal.Signals) -> Callable[[Victim], Any]:
    return lambda victim: victim.process.send_signal(number)


def _simulator(victim: Victim) -> Simulator:
    assert victim.simulator is not None
    return victim.simulator


def _refuse(victim: Victim) -> None:
    _simulator(victim).faults = [FailResponse(code="rate_limit_exceeded")]


CAUSES = {
    "kill -9": Cause(_signal(signal.SIGKILL), in_process=False),
    "freeze": Cause(_signal(signal.SIGSTOP), in_process=False),
    "reset": Cause(lambda victim: _simulator(victim).cut()),
    "close 1011": Cause(lambda victim: _simulator(victim).close_all(1011)),
    "close 1001": Cause(lambda victim: _simulator(victim).close_all(1001)),
    "rate limit": Cause(_refuse),
    "session_expired": Cause(lambda _: None, lifetime_s=2.5),
}


@frozen
class Outcome:
    """What became of them."""

    sessions: int
    struck: int
    survivors: int
    failures: tuple[str, ...]
    gaps_s: tuple[float, ...]
    lost: tuple[str, ...]
    causes: tuple[str, ...]

    def gap_ms(self, share: float) -> float:
        ordered = sorted(self.gaps_s) or [0.0]
        return 1_000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@define(eq=False)
class Call:
    """One call, which talks until it is told to stop."""

    caller: Caller
    rng: random.Random
    stopping: asyncio.Event
    began: asyncio.Event = field(factory=asyncio.Event)

    async def run(self) -> None:
        await self.caller.configure(transcribe=self.rng.random() < 0.5, instructions="Be brief.")
        while not self.stopping.is_set():
            await self._turn()
            self.began.set()
        await self._turn()
        assert list(self.caller.view.statuses.values())[-1]["status"] == "completed"
        await self.caller.until(lambda: not self.caller.view.promised_words)
        self.caller.view.nothing_is_open()
        assert self.caller.view.errors == {}, self.caller.view.errors

    async def _turn(self) -> None:
        if self.rng.random() < 0.4:
            await self.caller.write("What about number " + str(self.rng.randrange(1000)))
            await self.caller.ask()
            return
        before = self.caller.view.counts["response.done"]
        await self.caller.speak(loud_ms=self.rng.randrange(3, 10) * 100, silent_ms=400)
        await self.caller.until(lambda: self.caller.view.counts["response.done"] > before)


@asynccontextmanager
async def _victim(cause: Cause) -> AsyncIterator[Victim]:
    if cause.in_process:
        rules: dict[str, Any] = PLAYS["OpenAI GA"].rules
        async with Simulator(
            Face.OPENAI, seed=7, realtime_factor=PACE, session_lifetime_s=cause.lifetime_s, **rules
        ) as simulator:
            yield Victim(f"{simulator.base_url}/v1", simulator)
        return
    pace = ("--speed", str(PACE))
    async with running("simulate", "--face", "openai", "--port", "0", *pace) as process:
        found = await process.says(r"(http://127\.0\.0\.1:\d+/v1)")
        try:
            yield Victim(found[1], process=process.process)
        finally:
            if process.process.returncode is None:
                process.process.send_signal(signal.SIGCONT)


async def crowd(name: str, *, sessions: int, seed: int = 1, talk_s: float = 1.5) -> Outcome:
    """Have *sessions* talk over three upstreams, let one of these go by the cause *name*, and count."""
    cause, rng = CAUSES[name], random.Random(seed)
    async with AsyncExitStack() as stack:
        victim = await stack.enter_async_context(_victim(cause))
        places = [
            Deployment(
                id="victim",
                model_group=MODEL,
                api_key=Secret("sk-sim"),
                api_base=victim.base_url,
                **PLAYS["OpenAI GA"].place,
            )
        ]
        simulators: dict[str, Simulator] = {} if victim.simulator is None else {"victim": victim.simulator}
        for kind in ("Azure v1", "Azure preview"):
            play = PLAYS[kind]
            simulators[kind] = await stack.enter_async_context(
                Simulator(play.face, **{"seed": 7, "realtime_factor": PACE, **play.rules})
            )
            base = f"{simulators[kind].base_url}{play.path}"
            places.append(
                Deployment(id=kind, model_group=MODEL, api_key=Secret("sk-sim"), api_base=base, **play.place)
            )
        settings = Settings(
            deployments=tuple(places),
            logging=QUIET,
            limits=LimitSettings(heartbeat_s=2.0),
            rehome=RehomeSettings(answer_timeout_s=3.0),
            health=HealthSettings(max_ejected_share=0.9),
        )
        settings = evolve(settings, routing=evolve(settings.routing, strategy="least-busy"))
        told = Records()
        router = RealtimeRouter(settings, sinks=[told], rng=random.Random(seed))
        url = await stack.enter_async_context(listening(router))
        connector = aiohttp.TCPConnector(limit=0)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        house = House(router, simulators, url, http, told)
        return await _played(house, cause, victim, sessions, rng, talk_s)


async def _played(
    house: House, cause: Cause, victim: Victim, sessions: int, rng: random.Random, talk_s: float
) -> Outcome:
    stopping = asyncio.Event()
    calls: list[Call] = []
    for number in range(sessions):
        dialect = Dialect.BETA if number % 3 == 2 else Dialect.GA
        headers = {"OpenAI-Beta": "realtime=v1"} if dialect is Dialect.BETA else {}
        path = f"{house.url}/v1/realtime?model={MODEL}"
        socket = await house.http.ws_connect(path, headers=headers, max_msg_size=0)
        call = Call(Caller(socket, View(dialect)), random.Random(rng.random()), stopping)
        call.caller.begin()
        calls.append(call)
    tasks = [asyncio.create_task(call.run()) for call in calls]
    await asyncio.sleep(talk_s)
    struck = sum(session.deployment == "victim" for session in house.router.sessions())
    cause.strike(victim)
    await asyncio.sleep(talk_s)
    stopping.set()
    results = await asyncio.gather(*(asyncio.wait_for(t, 90) for t in tasks), return_exceptions=True)
    failures = [
        f"{number}: {type(r).__name__} {r}"[:400] for number, r in enumerate(results) if r is not None
    ]
    failures += _unequal(house, calls, results)
    moved = [record for record in house.told.all if isinstance(record, SessionRehomed)]
    await asyncio.gather(*(call.caller.end() for call in calls), return_exceptions=True)
    return Outcome(
        sessions=sessions,
        struck=struck,
        survivors=sum(result is None for result in results) - len(_unequal_only(failures)),
        failures=tuple(failures),
        gaps_s=tuple(record.gap_s for record in moved),
        lost=tuple(item for record in moved for item in record.lost),
        causes=tuple(sorted({str(record.cause) for record in moved})),
    )


def _unequal_only(failures: list[str]) -> list[str]:
    return [failure for failure in failures if failure.startswith("unequal")]


def _unequal(house: House, calls: list[Call], results: list[Any]) -> list[str]:
    """Compare each call with the upstream that holds its last item."""
    held = {
        seen: session
        for simulator in house.simulators.values()
        for session in simulator.sessions
        for seen in [tuple(item.text for item in session.conversation.items)]
    }
    found = []
    for number, (call, result) in enumerate(zip(calls, results, strict=True)):
        if result is not None:
            continue
        session = held.get(tuple(seen.words for seen in call.caller.view.items))
        if session is None:
            by_first = [s for s in held.values() if _same_ids(s, call.caller)]
            if not by_first:
                found.append(f"unequal {number}: nobody has {call.caller.words()}"[:300])
                continue
            session = by_first[0]
        try:
            check_equal(call.caller, session)
        except AssertionError as error:
            found.append(f"unequal {number}: {error}"[:300])
    return found


def _same_ids(session: Any, caller: Caller) -> bool:
    theirs = {item.id for item in session.conversation.items}
    ours = {seen.id for seen in caller.view.items}
    return len(theirs & ours) >= len(ours) / 2
