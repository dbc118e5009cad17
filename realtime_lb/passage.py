"""What becomes of each frame between a client and one upstream: named, translated, written down."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from realtime_lb.dialects import Translator
from realtime_lb.errors import TooCostly
from realtime_lb.events import APPEND, SOUND, STREAMED, costs_much, parse_event, type_of
from realtime_lb.frames import Frame, Opcode
from realtime_lb.journal import Continuity, Journal, is_read
from realtime_lb.shortcut import Backlog, Shortcut
from realtime_lb.typing import JsonObject

__all__ = ["Judge", "Passage"]

Judge = Callable[[str, Frame], bool]
"""Says whether an event, by its type, is to be kept from the client: its upstream is to be left for it."""

_TEXT = Opcode.TEXT

_MOST_PASSED_BYTES = 32 * 1024
"""Of an answer's pieces that are kept whole: half a second of sound, or a quarter of a minute of words."""


def _keeps_nothing(_kind: str, _frame: Frame) -> bool:
    return False


def _nothing() -> None:
    """Nobody wants to know."""


class Passage:
    """Both ways between a client and one upstream.

    Args:
        journal: Told of all that passes.
        translator: Between the two.
        continuity: How the upstream takes over from another; the first one has none.
        write_up: Sends the upstream a frame of ours.
        write_down: Sends the client one.

    Attributes:
        continuity: As given.
        judge: Looks at the upstream's events first, but for pieces of a stream where that is the first one.
        on_turn: Called when anything has passed but the next piece of sound, words or arguments.
    """

    __slots__ = ("_journal", "_translator", "_write_down", "_write_up", "continuity", "judge", "on_turn")

    def __init__(  # two ends, and what is between them
        self,
        journal: Journal,
        translator: Translator,
        continuity: Continuity,
        *,
        write_up: Callable[[Frame], object],
        write_down: Callable[[Frame], object],
    ) -> None:
        self.continuity = continuity
        self.judge: Judge = _keeps_nothing
        self.on_turn: Callable[[], None] = _nothing
        self._journal = journal
        self._translator = translator
        self._write_up = write_up
        self._write_down = write_down

    @property
    def sound(self) -> Shortcut | None:
        """Takes a client's sound where all of it passes as it is; None where it does not."""
        if not self._translator.leaves_sound():
            return None
        tail = self._journal.tail
        return Shortcut(SOUND, tail.hear, tail.backlog)

    @property
    def pieces(self) -> Shortcut:
        """Takes the pieces of an answer, while they pass as they are."""
        backlog = Backlog(self._journal.in_flight.keep, _MOST_PASSED_BYTES, self._settle)
        return Shortcut(STREAMED, self._streamed, backlog, self._leaves_pieces)

    def _leaves_pieces(self) -> bool:
        return self.continuity.is_first and self._translator.leaves_pieces()  # the first one renames nothing

    def _streamed(self, payload: bytes | memoryview) -> None:
        if self._journal.in_flight.streamed(payload):
            self.on_turn()

    def _settle(self) -> None:
        if self._journal.in_flight.settle():
            self.on_turn()

    def from_client(self, frame: Frame) -> Sequence[Frame]:
        """Return what the upstream gets for a client's frame. Raises `InvalidEvent` as a translator does."""
        kind = type_of(frame) if frame.opcode is _TEXT else None
        if kind == APPEND:  # which no continuity changes
            says = self._translator.from_client(frame)
            if says:
                self._journal.tail.hear(frame.payload)
            return says
        return self._translator.from_client(frame) if kind is None else self._said(kind, frame)

    def _said(self, kind: str, frame: Frame) -> Sequence[Frame]:
        frame = frame.kept()  # it is searched and read more than once
        payload = frame.payload
        event = None
        if is_read(kind):
            if costs_much(frame):
                raise TooCostly
            event = parse_event(payload, at_any_cost=True)
        sent, answers = self.continuity.from_client(kind, payload, event)
        says: list[Frame] = []
        for told in sent:
            says += self._translator.from_client(frame if told is payload else Frame(_TEXT, told))
        if self._translator.client is not self._journal.words.dialect:
            self._journal.speaks(self._translator.client)
        if event is not None and (says or not sent):
            self._journal.client_said(kind, payload, event)
        for answer in answers:
            self.tell(answer)
        self.on_turn()
        return says

    def from_upstream(self, frame: Frame) -> Sequence[Frame]:
        """Return what the client gets for an upstream's frame."""
        says: list[Frame] = []
        for said in self._translator.from_upstream(frame):
            kind = type_of(said) if said.opcode is _TEXT else None
            if kind is None:
                says.append(said)
            elif kind in STREAMED and self.continuity.is_first:  # nothing to be renamed, or to be left for
                self._streamed(said.payload)
                says.append(said)
            elif not self.judge(kind, said):
                says += self.shown(kind, said)
        if self.continuity.to_upstream:
            self.flush()
        return says

    def shown(self, kind: str, said: Frame) -> Sequence[Frame]:
        """Return what the client gets for an event of the upstream's in the client's dialect."""
        payload = said.payload
        shown = (payload,) if self.continuity.is_first else self.continuity.from_upstream(kind, payload)
        if len(shown) == 1 and shown[0] is payload:
            if self._journal.client_told(kind, said):
                self.on_turn()
            return (said,)
        frames = [Frame(_TEXT, told) for told in shown]
        for told in frames:
            self._journal.client_told(type_of(told) or "", told)
        self.on_turn()
        return frames

    def tell(self, event: JsonObject) -> None:
        """Send the client an event of ours."""
        told = Frame(_TEXT, self.continuity.written(event))
        self._journal.client_told(str(event["type"]), told)
        self._write_down(told)

    def flush(self) -> None:
        """Send the upstream what it is to be told by us."""
        told, self.continuity.to_upstream = self.continuity.to_upstream, []
        for payload in told:
            sent = self._translator.from_client(Frame(_TEXT, payload))
            for frame in sent:
                self._write_up(frame)
            if not sent:
                self.continuity.unsayable(payload)

    def go_live(self) -> None:
        """Tell the upstream what it has not heard, and let the client have it."""
        for answer in self.continuity.go_live():
            self.tell(answer)
        self.flush()
