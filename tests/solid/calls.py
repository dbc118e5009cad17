"""Whole calls in memory: the simulator's dialogue at one end, a script at the other, and time that jumps."""

import asyncio
import itertools
import json
import random
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from attrs import define, field

from realtime_lb import Deployment, RealtimeRouter, SessionRequest, Settings
from realtime_lb.abc import Connection
from realtime_lb.errors import SessionEnded, UpstreamUnreachable
from realtime_lb.events import parse_event
from realtime_lb.frames import Frame, Opcode
from realtime_lb.library import RealtimeSession
from realtime_lb.records import Record, SessionClosed, SessionOpened, SessionRehomed
from realtime_lb.requests import DialRequest
from realtime_lb.simulator.dialogue import Dialogue
from realtime_lb.simulator.face import Face
from realtime_lb.simulator.faults import Plan
from realtime_lb.simulator.ga import GaShape
from realtime_lb.simulator.ids import Ids
from realtime_lb.simulator.settings import SessionKind
from realtime_lb.simulator.shape import Terms
from realtime_lb.transports.memory import MemoryConnection, MemoryTransport, memory_pair
from realtime_lb.typing import Dialect
from tests.support import QUIET, deployment

Event = dict[str, Any]

REQUEST = SessionRequest(model="voice")
DEPLOYMENTS = tuple(deployment(name, f"http://{name}.test", order=order) for order, name in enumerate("abc"))
BEAT_S = 0.02
"""Between two pieces of an answer."""

HELLO = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}
SAY_HELLO: Event = {"type": "conversation.item.create", "item": HELLO}
ASK: Event = {"type": "response.create"}


def frame(event: Event) -> Frame:
    return Frame(Opcode.TEXT, json.dumps(event).encode())


@define(eq=False)
class Upstreams:
    """Upstreams that talk as the simulator does.

    Attributes:
        live: Their ends of the connections that are open.
        refusing: All are down.
    """

    live: list[Connection] = field(factory=list)
    refusing: bool = False
    _numbers: Any = field(factory=itertools.count)

    async def serve(self, _dial: DialRequest, connection: Connection) -> None:
        dialogue = _dialogue(next(self._numbers))

        def say(events: Sequence[Event]) -> None:
            for event in events:
                connection.write(frame(event))

        def hear(told: Frame) -> None:
            say(dialogue.receive(parse_event(told.payload)))
            if dialogue.busy:
                loop.call_later(BEAT_S, go_on)

        def go_on() -> None:
            if dialogue.busy:
                say(dialogue.advance().events)
                loop.call_later(BEAT_S, go_on)

        loop = asyncio.get_running_loop()

        say(dialogue.open())
        self.live.append(connection)
        try:
            await connection.pump(hear)
        finally:
            self.live.remove(connection)

    def cut(self) -> None:
        for connection in tuple(self.live):
            connection.abort()


def _dialogue(number: int) -> Dialogue:
    ids = Ids(str(number))
    terms = Terms(
        face=Face.OPENAI,
        dialect=Dialect.GA,
        kind=SessionKind.REALTIME,
        model="gpt-realtime",
        session_id=ids.new("sess"),
        expires_at=4_000_000_000,
    )
    return Dialogue(terms, GaShape(terms), ids, number, Plan)


class _Refusing(MemoryTransport):
    def __init__(self, upstreams: Upstreams) -> None:
        super().__init__(upstreams.serve)
        self._upstreams = upstreams

    async def connect(self, dial: DialRequest, timeout_s: float) -> Connection:
        await asyncio.sleep(0.01)
        if self._upstreams.refusing:
            raise UpstreamUnreachable("No connection: refused")
        return await super().connect(dial, timeout_s)


HOOKS = ("sinks", "providers", "strategy")

Act = Callable[["Call"], None]
Script = Sequence[tuple[str, Event | Act]]
"""What to do when an event of this type has come, one after the other; ``moved`` comes of a move's record."""


@define(eq=False)
class Stage:
    """A router over such upstreams, and what it told.

    Attributes:
        router: The router.
        upstreams: Its upstreams.
        told: Its records.
        on_moved: Called when a session has moved.
    """

    router: RealtimeRouter = field(init=False)
    upstreams: Upstreams = field(factory=Upstreams)
    told: list[Record] = field(factory=list)
    on_moved: Callable[[], None] = lambda: None

    def open(self, *, deployments: tuple[Deployment, ...] = DEPLOYMENTS, **settings: Any) -> None:
        given = {"logging": QUIET, **{k: v for k, v in settings.items() if k not in HOOKS}}
        hooks = {k: v for k, v in settings.items() if k in HOOKS}
        self.router = RealtimeRouter(
            Settings(deployments=deployments, **given),
            transport=_Refusing(self.upstreams),
            sinks=[self._take, *hooks.pop("sinks", ())],
            rng=random.Random(1),
            clock=asyncio.get_running_loop().time,
            **hooks,
        )

    def _take(self, record: Record) -> None:
        self.told.append(record)
        if isinstance(record, SessionRehomed):
            self.on_moved()

    def leases(self) -> int:
        return sum(d.live_sessions for d in self.router.snapshot().deployments)

    def counts(self, kind: type[SessionOpened | SessionClosed | SessionRehomed]) -> int:
        return sum(isinstance(record, kind) for record in self.told)


@define(eq=False)
class Call:
    """One client in memory that acts on what it hears. It waits for nothing.

    Attributes:
        stage: Where.
        script: What it does.
        heard: Types of events that it was told.
        done: How much of the script it has done.
        has_left: It has ended the call.
    """

    stage: Stage
    script: Script
    heard: list[str] = field(factory=list)
    done: int = 0
    has_left: bool = False
    near: MemoryConnection = field(init=False)
    far: MemoryConnection = field(init=False)
    _tasks: set[asyncio.Task[None]] = field(factory=set)

    def __attrs_post_init__(self) -> None:
        self.near, self.far = memory_pair()
        self.stage.on_moved = lambda: self.hear("moved")
        self._begin(self._listen())

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listen(self) -> None:
        await self.near.pump(lambda told: self.hear(str(json.loads(bytes(told.payload))["type"])))

    async def accept(self) -> Connection:
        await asyncio.sleep(0.01)
        return self.far

    def hear(self, kind: str) -> None:
        """Take in an event, and do what the script has for it."""
        self.heard.append(kind)
        act = self.next(kind)
        if isinstance(act, dict):
            self.say(act)
        elif act is not None:
            act(self)

    def say(self, event: Event) -> None:
        """Send an event."""
        self.near.write(frame(event))

    def next(self, kind: str) -> Event | Act | None:
        """Return what comes next in the script, if *kind* is what it waits for."""
        if self.done == len(self.script) or self.script[self.done][0] != kind:
            return None
        self.done += 1
        return self.script[self.done - 1][1]

    async def _close(self) -> None:
        await self.near.close()

    def leave(self) -> None:
        """End the call, as a client does."""
        self.has_left = True
        self._begin(self._close())

    def lose(self) -> None:
        """Have its upstream die."""
        self.stage.upstreams.cut()

    def lose_all(self) -> None:
        """Have all upstreams die, for good."""
        self.stage.upstreams.refusing = True
        self.stage.upstreams.cut()

    def drain(self) -> None:
        """Have the deployment that it is at drained."""
        (session,) = self.stage.router.sessions()
        self.stage.router.drain(session.deployment or "")


@define(eq=False)
class App(Call):
    """The same in this process: a task that uses a library session."""

    on_rehomed: Callable[[SessionRehomed], None] | None = None
    _session: RealtimeSession | None = None

    async def use(self) -> None:
        """Open the session and do what the script says."""
        async with self.stage.router.connect("voice", on_rehomed=self.on_rehomed) as session:
            self._session = session
            async for event in session:
                self.hear(str(event["type"]))
                if self.has_left:
                    return

    def say(self, event: Event) -> None:
        self._begin(self._send(event))

    async def _send(self, event: Event) -> None:
        assert self._session is not None
        with suppress(SessionEnded):
            await self._session.send(event)
