"""Many calls over three upstreams, each somewhere in a turn, when one upstream goes: who gets through?"""

import asyncio
import base64
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from inspect import isawaitable
from typing import Any

import aiohttp
from attrs import define, evolve, field, frozen

from realtime_lb import LimitSettings, RealtimeRouter, RehomeSettings, Settings
from realtime_lb.records import Record, SessionClosed, SessionRehomed
from realtime_lb.server import listening
from realtime_lb.simulator import SimulatedSession
from realtime_lb.typing import Dialect
from tests.clients.conversation import sound
from tests.rehoming.caller import MODEL, Caller, check_equal
from tests.rehoming.strikes import CAUSES, KINDS, Cause, Fleet, fleet
from tests.rehoming.view import View
from tests.support import QUIET

__all__ = ["CAUSES", "KINDS", "Outcome", "crowd"]

CHUNK_MS = 100
THINKS_S = 0.6
NEWCOMERS_EVERY_S = 0.1
PATIENCE_S = 30.0
CLIENT_LEFT = 499


@frozen
class Outcome:
    """What became of them.

    Attributes:
        sessions: How many calls there were.
        struck: How many of them were at the victim when it went.
        failures: What was not as it should be, a line for each call.
        moves: Every move of a call.
        newcomers: How many more calls came meanwhile.
        refused: Why some of these were not placed.
    """

    sessions: int
    struck: int
    failures: tuple[str, ...]
    moves: tuple[SessionRehomed, ...]
    newcomers: int
    refused: tuple[str, ...]

    @property
    def survivors(self) -> int:
        return self.sessions - len(self.failures)

    @property
    def causes(self) -> dict[str, int]:
        return dict(Counter(move.cause.value for move in self.moves))

    @property
    def lost(self) -> tuple[str, ...]:
        """What new upstreams could not be told."""
        return tuple(item for move in self.moves for item in move.lost)

    def gap_ms(self, share: float) -> float:
        ordered = sorted(move.gap_s for move in self.moves) or [0.0]
        return 1_000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@define
class Told:
    """A sink that keeps what it is told of moves, and of those who were not placed."""

    moves: list[SessionRehomed] = field(factory=list)
    of: Counter[str] = field(factory=Counter)
    refused: list[str] = field(factory=list)

    def __call__(self, record: Record) -> None:
        if isinstance(record, SessionRehomed):
            self.moves.append(record)
            self.of[record.session_id] += 1
        elif isinstance(record, SessionClosed) and record.http_status not in {None, CLIENT_LEFT}:
            dials = [f"{attempt.deployment} {attempt.outcome}" for attempt in record.attempts]
            self.refused.append(f"{record.error} {dials}")


@cache
def _speech(loud_ms: int) -> tuple[str, ...]:
    """So much sound, and enough silence for a turn to end."""
    pieces = [base64.b64decode(piece) for piece in sound(loud_ms=loud_ms, silent_ms=400)]
    size = CHUNK_MS // 20
    joined = (b"".join(pieces[at : at + size]) for at in range(0, len(pieces), size))
    return tuple(base64.b64encode(chunk).decode() for chunk in joined)


@define(eq=False)
class Call:
    """One call, which talks until it is told to stop.

    Attributes:
        caller: Its client, which checks every event.
        session_id: What the gateway calls it.
        rng: Decides what it does.
        moves: How often it was moved.
        pace: How many times faster than life it talks.
        stopping: Ends it, after another turn.
    """

    caller: Caller
    session_id: str
    rng: random.Random
    moves: Callable[[], int]
    pace: float
    stopping: asyncio.Event

    @property
    def instructions(self) -> str:
        """What tells this call from all others, wherever it is."""
        return f"Be brief with {self.session_id}."

    async def run(self) -> None:
        heard = self.rng.random() < 0.5
        await self.caller.configure(transcribe=heard, instructions=self.instructions)
        while not self.stopping.is_set():
            await self._turn()
            await asyncio.sleep(self.rng.random() * THINKS_S / self.pace)
        await self._turn()
        await self.caller.until(lambda: not self.caller.view.promised_words)
        self.caller.view.nothing_is_open()

    async def _turn(self) -> None:
        """Say something and be answered: completely, unless the upstream went in the middle of it."""
        moves = self.moves()
        done = await (self._written() if self.rng.random() < 0.4 else self._spoken())
        if done["status"] != "completed":
            await self._moved(moves, done)

    async def _moved(self, moves: int, done: dict[str, Any]) -> None:
        """An answer that is closed for a move is told before the move is made."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while self.moves() == moves:  # noqa: ASYNC110  # the record of it may be one of many calls
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(done) from None

    async def _written(self) -> dict[str, Any]:
        question = f"What about number {self.rng.randrange(1000)}?"
        await self.caller.write(question)
        done = await self.caller.ask()
        if done["status"] == "completed":
            assert question in done["output"][0]["content"][0]["transcript"], (question, done)
        return done

    async def _spoken(self) -> dict[str, Any]:
        view = self.caller.view
        before = view.counts["response.done"]
        for chunk in _speech(self.rng.randrange(3, 10) * 100):
            await self.caller.send("input_audio_buffer.append", audio=chunk)
            await asyncio.sleep(CHUNK_MS / 1_000 / self.pace)
        await self.caller.until(lambda: view.counts["response.done"] > before)
        return dict(list(view.statuses.values())[-1])

    async def check(self, upstreams: Fleet) -> None:
        """The upstream that has the call, and no other, holds what the client knows, under the same ids."""
        held = await self._held(upstreams)
        check_equal(self.caller, held)
        view = self.caller.view
        for seen in view.items:
            await self.caller.send("conversation.item.retrieve", item_id=seen.id)
        answered = "conversation.item.retrieved"
        await self.caller.until(lambda: view.counts[answered] >= len(view.items) or view.errors)
        assert view.errors == {}, view.errors
        assert self.caller.closed is None, self.caller.closed

    async def _held(self, upstreams: Fleet) -> SimulatedSession:
        """Return the one session that is this call's: one that was left is told so beside the call."""
        for _ in range(100):
            found = [
                (kind, session)
                for kind, simulator in upstreams.simulators.items()
                for session in simulator.sessions
                if session.settings.instructions == self.instructions
            ]
            if len(found) == 1:
                return found[0][1]
            await asyncio.sleep(0.1)
        raise AssertionError(found)


async def crowd(
    name: str, *, sessions: int, seed: int = 1, victim: str = KINDS[0], talk_s: float = 1.5, pace: float = 4.0
) -> Outcome:
    """Have *sessions* talk over three upstreams, let one of these go by the cause *name*, and count.

    Args:
        name: One of `CAUSES`.
        sessions: How many.
        seed: Decides what they say, and when.
        victim: Which upstream goes.
        talk_s: How long they talk before it goes, and afterwards.
        pace: How many times faster than life they talk.
    """
    cause = CAUSES[name]
    async with AsyncExitStack() as stack:
        upstreams = await stack.enter_async_context(fleet(cause, victim, pace))
        settings = Settings(
            deployments=upstreams.deployments(),
            logging=QUIET,
            limits=LimitSettings(heartbeat_s=2.0),
            rehome=RehomeSettings(answer_timeout_s=3.0),
        )
        settings = evolve(settings, routing=evolve(settings.routing, strategy="least-busy"))
        told = Told()
        upstreams.router = RealtimeRouter(settings, sinks=[told], rng=random.Random(seed))
        url = await stack.enter_async_context(listening(upstreams.router))
        connector = aiohttp.TCPConnector(limit=0)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        scene = Scene(upstreams, told, f"{url}/v1/realtime?model={MODEL}", http, random.Random(seed), pace)
        return await scene.play(cause, sessions, talk_s)


@define(eq=False)
class Scene:
    """A gateway over upstreams, and its clients."""

    upstreams: Fleet
    told: Told
    url: str
    http: aiohttp.ClientSession
    rng: random.Random
    pace: float
    stopping: asyncio.Event = field(factory=asyncio.Event)
    session_ids: set[str] = field(factory=set)
    newcomers: int = 0

    async def play(self, cause: Cause, sessions: int, talk_s: float) -> Outcome:
        calls = [await self._opened(number) for number in range(sessions)]
        talking = [asyncio.create_task(_told(call.run())) for call in calls]
        await asyncio.sleep(talk_s)
        struck = {s.id for s in self.upstreams.router.sessions() if s.deployment == self.upstreams.victim}
        async with self._newcomers():
            strike = cause.strike(self.upstreams)
            if isawaitable(strike):
                await strike
            await asyncio.sleep(talk_s)
        self.stopping.set()
        _, late = await asyncio.wait(talking, timeout=PATIENCE_S)
        for task in late:
            task.cancel()
        wrong = await asyncio.gather(*talking)
        for number, call in enumerate(calls):
            if wrong[number] is None:
                wrong[number] = await _told(asyncio.wait_for(call.check(self.upstreams), PATIENCE_S))
            if wrong[number] is None and call.session_id in struck and not call.moves():
                wrong[number] = "was not moved"
        ends = await asyncio.gather(*(_told(call.caller.end()) for call in calls))
        failures = [f"{n}: {first or last}" for n, (first, last) in enumerate(zip(wrong, ends, strict=True))]
        return Outcome(
            sessions=sessions,
            struck=len(struck),
            failures=tuple(text for text in failures if not text.endswith(": None")),
            moves=tuple(self.told.moves),
            newcomers=self.newcomers,
            refused=tuple(self.told.refused),
        )

    async def _opened(self, number: int) -> Call:
        dialect = Dialect.BETA if number % 3 == 2 else Dialect.GA
        headers = {"OpenAI-Beta": "realtime=v1"} if dialect is Dialect.BETA else {}
        socket = await self.http.ws_connect(self.url, headers=headers, max_msg_size=0)
        (session_id,) = {session.id for session in self.upstreams.router.sessions()} - self.session_ids
        self.session_ids.add(session_id)
        caller = Caller(socket, View(dialect))
        caller.begin()
        rng, of = random.Random(self.rng.random()), self.told.of
        return Call(caller, session_id, rng, lambda: of[session_id], self.pace, self.stopping)

    @asynccontextmanager
    async def _newcomers(self) -> AsyncIterator[None]:
        """Short calls that come meanwhile, one after the other."""
        coming = asyncio.create_task(self._come())
        try:
            yield
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)

    async def _come(self) -> None:
        async with asyncio.TaskGroup() as visits:
            while True:
                self.newcomers += 1
                visits.create_task(self._visit())
                await asyncio.sleep(NEWCOMERS_EVERY_S)

    async def _visit(self) -> None:
        with contextlib.suppress(aiohttp.ClientError):  # which the gateway has told of
            async with self.http.ws_connect(self.url) as socket:
                await socket.receive()


async def _told(work: Coroutine[Any, Any, None]) -> str | None:
    """Say what went wrong, if anything did."""
    try:
        await work
    except asyncio.CancelledError:
        return "still waits"
    except Exception as error:  # noqa: BLE001  # whatever it is, it is one call that did not get through
        return f"{type(error).__name__} {error}"[:400]
    return None
