"""A client on a socket that checks every event as it comes, and a stage of simulated upstreams for it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Self

import aiohttp
from attrs import define, evolve, field

from realtime_lb import Deployment, RealtimeRouter, Secret, Settings
from realtime_lb.records import SessionRehomed
from realtime_lb.server import listening
from realtime_lb.simulator import Fault, SimulatedSession, Simulator
from realtime_lb.simulator.items import Item
from realtime_lb.typing import Dialect
from tests.clients.conversation import sound
from tests.clients.matrix import PLAYS
from tests.rehoming.view import Event, View
from tests.support import QUIET, Records

MODEL = "voice"
VAD = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200}


@define(eq=False)
class Caller:
    """One client. Its view holds all that it was told."""

    socket: Any
    view: View
    _numbers: int = 0
    closed: aiohttp.WSMessage | None = None
    _news: asyncio.Event = field(factory=asyncio.Event)
    _reader: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while True:
            message = await self.socket.receive()
            if message.type is aiohttp.WSMsgType.TEXT:
                self.view.take(json.loads(message.data))
                self._news.set()
                continue
            self.closed = message
            self._news.set()
            return

    async def send(self, kind: str, **fields: Any) -> None:
        self._numbers += 1
        await self.socket.send_json({"type": kind, "event_id": f"mine_{self._numbers}", **fields})

    async def until(self, happened: Callable[[], Any]) -> None:
        """Wait until *happened*; fail if the session ends before."""
        while not happened():
            self._news.clear()
            if self._reader is not None and self._reader.done():
                self._reader.result()
                raise AssertionError(f"closed: {self.closed}")
            await self._news.wait()

    async def next(self, kind: str, count: int = 1) -> Event:
        wanted = self.view.counts[kind] + count
        await self.until(lambda: self.view.counts[kind] >= wanted)
        return next(event for event in reversed(self.view.heard) if event["type"] == kind)

    async def seen(self, kind: str, count: int = 1) -> Event:
        await self.until(lambda: self.view.counts[kind] >= count)
        return next(event for event in reversed(self.view.heard) if event["type"] == kind)

    # -- what clients do --------------------------------------------------------------------------------

    async def write(self, text: str, **item: Any) -> None:
        content = [{"type": "input_text", "text": text}]
        message = {"type": "message", "role": "user", "content": content, **item}
        kind = "conversation.item.done" if self.is_ga else "conversation.item.created"
        done = self.view.counts[kind]
        await self.send("conversation.item.create", item=message)
        await self.until(lambda: self.view.counts[kind] > done)

    async def ask(self, **response: Any) -> Event:
        """Have a response made to its end; return it."""
        done = self.view.counts["response.done"]
        await self.send("response.create", **({"response": response} if response else {}))
        await self.until(lambda: self.view.counts["response.done"] > done)
        return dict(list(self.view.statuses.values())[-1])

    async def speak(self, *, loud_ms: int, silent_ms: int) -> None:
        for chunk in sound(loud_ms=loud_ms, silent_ms=silent_ms):
            await self.send("input_audio_buffer.append", audio=chunk)

    async def configure(self, *, vad: bool = True, transcribe: bool = True, **session: Any) -> None:
        turn = VAD if vad else None
        heard = {"model": "whisper-1"} if transcribe else None
        if self.is_ga:
            audio = {"input": {"turn_detection": turn, "transcription": heard}}
            session = {"type": "realtime", "audio": audio, **session}
        else:
            session = {"turn_detection": turn, "input_audio_transcription": heard, **session}
        done = self.view.counts["session.updated"]
        await self.send("session.update", session=session)
        await self.until(lambda: self.view.counts["session.updated"] > done)

    @property
    def is_ga(self) -> bool:
        return self.view.dialect is Dialect.GA

    def words(self) -> list[tuple[str, str]]:
        return [(seen.item.get("role") or seen.item["type"], seen.words) for seen in self.view.items]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.end()

    async def end(self) -> None:
        await self.socket.close()
        if self._reader is not None:
            await self._reader


@define(eq=False)
class House:
    """A gateway over simulated upstreams."""

    router: RealtimeRouter
    simulators: dict[str, Simulator]
    url: str
    http: aiohttp.ClientSession
    told: Records

    @property
    def rehomed(self) -> list[SessionRehomed]:
        return [record for record in self.told.all if isinstance(record, SessionRehomed)]

    @asynccontextmanager
    async def caller(self, dialect: Dialect = Dialect.GA, query: str = "") -> AsyncIterator[Caller]:
        async with await self.arrive(dialect, query) as caller:
            yield caller

    async def arrive(self, dialect: Dialect = Dialect.GA, query: str = "") -> Caller:
        headers = {"OpenAI-Beta": "realtime=v1"} if dialect is Dialect.BETA else {}
        path = f"{self.url}/v1/realtime?model={MODEL}{query}"
        caller = Caller(await self.http.ws_connect(path, headers=headers, max_msg_size=0), View(dialect))
        caller.begin()
        return caller

    async def live(self, name: str, count: int) -> None:
        """Wait until so many sessions have, or are getting, an upstream there."""

        def now() -> int:
            return {d.id: d.live_sessions for d in self.router.snapshot().deployments}[name]

        while now() != count:  # noqa: ASYNC110  # nobody tells of a lease
            await asyncio.sleep(0.001)

    def where(self) -> tuple[str, SimulatedSession]:
        """Where the only session is."""
        ((name, session),) = [(n, s) for n, sim in self.simulators.items() for s in sim.sessions]
        return name, session

    def other(self, name: str) -> str:
        return next(other for other in self.simulators if other != name)

    def items(self) -> tuple[Item, ...]:
        return self.where()[1].conversation.items

    async def moved(self, count: int = 1) -> SessionRehomed:
        await self.told.until(lambda: len(self.rehomed) >= count)
        return self.rehomed[-1]


@asynccontextmanager
async def house(
    *plays: str,
    rules: dict[str, Any] | None = None,
    faults: Mapping[str, Sequence[Fault]] | None = None,
    twins: Mapping[str, str] | None = None,
    **settings: Any,
) -> AsyncIterator[House]:
    """Upstreams that are played so, in this order of preference, and a gateway.

    *twins* are further deployments, the last to be picked, at the upstream of another and with its key.
    """
    async with AsyncExitStack() as stack:
        simulators: dict[str, Simulator] = {}
        deployments = []
        for number, kind in enumerate(plays):
            play, name = PLAYS[kind], f"{kind} {number}"
            given_faults = (faults or {}).get(name, ())
            options = {"seed": 7, "faults": given_faults, **play.rules, **(rules or {})}
            simulator = Simulator(play.face, **options)
            simulators[name] = await stack.enter_async_context(simulator)
            place = {"api_base": f"{simulator.base_url}{play.path}", **play.place}
            deployments.append(
                Deployment(id=name, model_group=MODEL, api_key=Secret("sk-sim"), order=number, **place)
            )
        by_name = {deployment.id: deployment for deployment in deployments}
        deployments += [evolve(by_name[of], id=name, order=9) for name, of in (twins or {}).items()]
        given = evolve(Settings(deployments=tuple(deployments), logging=QUIET), **settings)
        told = Records()
        router = RealtimeRouter(given, sinks=[told])
        url = await stack.enter_async_context(listening(router))
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        yield House(router, simulators, url, http, told)


def check_equal(caller: Caller, session: SimulatedSession) -> None:
    """The conversation on the upstream is what the client was told, but for ids that are known otherwise."""
    theirs, ours = list(session.conversation.items), list(caller.view.items)
    assert len(theirs) == len(ours), (theirs, [seen.item for seen in ours])
    for item, seen in zip(theirs, ours, strict=True):
        assert (item.kind, item.role) == (seen.item["type"], seen.item.get("role"))
        if seen.knows_words and seen.words:
            words = item.text or item.arguments or item.output
            assert words == seen.words, f"{item.id} {item.role}: {words!r} there, {seen.words!r} here"
