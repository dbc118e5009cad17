"""A session in memory: a client, the gateway's passage, and one simulated upstream after another."""

import itertools
import json
from collections import deque
from typing import Any

from attrs import define, field

from realtime_lb.dialects import Translator
from realtime_lb.events import parse_event
from realtime_lb.frames import Frame, Opcode
from realtime_lb.journal import Continuity, Journal, Phase, settled
from realtime_lb.passage import Passage
from realtime_lb.shortcut import Shortcut
from realtime_lb.simulator.beta import BetaShape
from realtime_lb.simulator.dialogue import Dialogue
from realtime_lb.simulator.face import Face
from realtime_lb.simulator.faults import Plan
from realtime_lb.simulator.ga import GaShape
from realtime_lb.simulator.ids import Ids
from realtime_lb.simulator.items import Item, ItemKind
from realtime_lb.simulator.settings import SessionKind
from realtime_lb.simulator.shape import Terms
from realtime_lb.typing import Dialect
from tests.rehoming.view import Event, View

_SHAPES = {Dialect.GA: GaShape, Dialect.BETA: BetaShape}


LARGE_BYTES = 4_000
"""What is larger is handed on as a view."""


def frame(event: Event) -> Frame:
    return Frame(Opcode.TEXT, json.dumps(event).encode())


@define(eq=False)
class Peer:
    """An upstream: what is on its way to it, and what it has said that is on its way to us."""

    dialogue: Dialogue
    inbox: deque[bytes] = field(factory=deque)
    outbox: deque[Event] = field(factory=deque)

    @classmethod
    def of(cls, dialect: Dialect, number: int, seed: int) -> "Peer":
        ids = Ids(f"{seed}:{number}")
        terms = Terms(
            face=Face.OPENAI,
            dialect=dialect,
            kind=SessionKind.REALTIME,
            model="gpt-realtime",
            session_id=ids.new("sess"),
            expires_at=4_000_000_000,
        )
        dialogue = Dialogue(terms, _SHAPES[dialect](terms), ids, seed, Plan)
        return cls(dialogue, outbox=deque(dialogue.open()))

    def step(self) -> bool:
        """Read one event, or move an answer on; say whether there was anything to do."""
        if self.inbox:
            self.outbox += self.dialogue.receive(parse_event(self.inbox.popleft()))
        elif self.dialogue.busy:
            self.outbox += self.dialogue.advance().events
        else:
            return False
        return True


@define(eq=False)
class Session:
    """A client's session over upstreams that come and go."""

    client: Dialect
    seed: int = 1
    view: View = field(init=False)
    journal: Journal = field(init=False)
    peer: Peer = field(init=False)
    passage: Passage = field(init=False)
    sent: list[Event] = field(factory=list)
    lost: list[str] = field(factory=list)
    _numbers: Any = field(factory=lambda: itertools.count(1))
    most_bytes: int = 2**21
    _streamed: bool = False

    def __attrs_post_init__(self) -> None:
        self.view = View(self.client)
        self.journal = Journal(self.client, most_bytes=self.most_bytes)

    def name(self) -> str:
        return f"n{next(self._numbers)}"

    def begin(self, dialect: Dialect) -> None:
        self._meet(dialect, Continuity.first(self.journal, self.name))

    def _meet(self, dialect: Dialect, continuity: Continuity) -> None:
        self.peer = Peer.of(dialect, next(self._numbers), self.seed)
        translator = Translator(client=self.client, upstream=dialect, on_loss=lambda *_: None)
        self.passage = Passage(self.journal, translator, continuity, write_up=self._up, write_down=self._down)

    def _up(self, told: Frame) -> None:
        self.peer.inbox.append(bytes(told.payload))

    def _down(self, told: Frame) -> None:
        self.view.take(json.loads(bytes(told.payload)))

    def send(self, kind: str, **fields: Any) -> Event:
        event = {"type": kind, "event_id": f"mine_{next(self._numbers)}", **fields}
        if kind != "input_audio_buffer.append":
            self.sent.append(event)
        said, sound = frame(event), self.passage.sound
        if sound is not None and kind in sound.kinds:
            self._take(sound, said)
            self._up(said)
        else:
            for told in self.passage.from_client(said):
                self._up(told)
        return event

    @staticmethod
    def _take(shortcut: Shortcut, event: Frame) -> None:
        assert shortcut.seen is not None
        assert shortcut.backlog is not None
        if len(event.payload) > LARGE_BYTES:
            shortcut.seen(memoryview(event.payload))
        else:
            shortcut.backlog.keep(bytes(event.payload))

    def work(self, steps: int = 1_000_000) -> None:
        """Let the upstream do so much."""
        while steps and self.peer.step():
            steps -= 1

    def deliver(self, count: int = 1_000_000) -> None:
        """Let so many of its events arrive, of an answer all pieces but the first by the shortcut."""
        while count and self.peer.outbox:
            event, pieces = self.peer.outbox.popleft(), self.passage.pieces
            streams, said = event["type"] in pieces.kinds, frame(event)
            if streams and self._streamed and pieces.is_open():
                self._take(pieces, said)
                self._down(said)
            else:
                for told in self.passage.from_upstream(said):
                    self._down(told)
            self._streamed = streams
            count -= 1

    def drain(self) -> None:
        while self.peer.inbox or self.peer.dialogue.busy or self.peer.outbox:
            self.work()
            self.deliver()

    def cut(self, dialect: Dialect, said_meanwhile: tuple[Event, ...] = ()) -> None:
        """Lose the upstream with all that is under way, and go on with another."""
        for event in settled(self.journal):
            self.passage.tell(event)
        for event in said_meanwhile:
            self.sent.append(event)
            self.journal.client_said(event["type"], json.dumps(event).encode())
        continuity = Continuity(self.journal, self.name)
        self._meet(dialect, continuity)
        for _ in range(100):
            if continuity.is_ready or continuity.phase is Phase.FAILED:
                break
            self.deliver()
            while self.peer.inbox:
                self.peer.outbox += self.peer.dialogue.receive(parse_event(self.peer.inbox.popleft()))
        assert continuity.is_ready, (continuity.phase, continuity._telling.__dict__)
        self.lost += continuity.lost
        self.passage.go_live()

    # -- what must hold ---------------------------------------------------------------------------------

    def check_equal(self) -> None:
        """The client's conversation is the upstream's, item by item."""
        theirs = list(self.peer.dialogue.conversation.items)
        named = [self.passage.continuity.shown_id(item.id) for item in theirs]
        assert named == [seen.id for seen in self.view.items], (named, [seen.id for seen in self.view.items])
        for item, seen in zip(theirs, self.view.items, strict=True):
            assert item.kind == seen.item["type"]
            assert item.role == seen.item.get("role")
            if item.kind is ItemKind.FUNCTION_CALL:
                call_id = self.passage.continuity.shown_id(item.call_id or "")
                assert (call_id, item.name) == (seen.item["call_id"], seen.item["name"])
                assert item.arguments == (seen.item.get("arguments") or seen.words)
            elif item.kind is ItemKind.FUNCTION_CALL_OUTPUT:
                assert (item.call_id, item.output) == (seen.item["call_id"], seen.item["output"]) or seen.item
            elif seen.knows_words and seen.words:
                assert _words(item) == seen.words, (item, seen)

    def check_answered(self) -> None:
        """Each event of the client's was answered or refused, once."""
        wanted = {"session.update": "session.updated", "conversation.item.create": None}
        wanted |= {
            f"conversation.item.{verb}": f"conversation.item.{verb}d"
            for verb in ("retrieve", "truncate", "delete")
        }
        orders = [event for event in self.sent if event["type"] == "response.create"]
        refused = sum(event["event_id"] in self.view.errors for event in orders)
        assert self.view.counts["response.created"] + refused >= len(orders), "an order was lost"
        for kind, answer in wanted.items():
            sent = [event for event in self.sent if event["type"] == kind]
            refused = sum(event["event_id"] in self.view.errors for event in sent)
            if answer is not None and kind != "conversation.item.delete":
                assert self.view.counts[answer] + refused == len(sent), (
                    kind,
                    self.view.counts,
                    self.view.errors,
                )


def _words(item: Item) -> str:
    return item.text


def said(text: str, **more: Any) -> Event:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}], **more}
