"""From an old upstream to a new one: what is said to the new one so that the client need not notice.

A state machine, without I/O. *Opening*: the new upstream has not said what its session is like. *Telling*: it
has been told of the session and of the items, and its answers are kept from the client. *Live*: the
client's frames go to it and its own to the client, but for ids, times and announcements that the client knows
otherwise.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from realtime_lb.events import APPEND, parse_event
from realtime_lb.journal.asked_again import AskedAgain
from realtime_lb.journal.closing import closed_out
from realtime_lb.journal.items import Kept
from realtime_lb.journal.journal import Journal
from realtime_lb.journal.matching import hearing
from realtime_lb.journal.names import Names, written
from realtime_lb.journal.tail import Said, Sound
from realtime_lb.journal.telling import Telling
from realtime_lb.journal.words import OUR_EVENTS, OURS, canonical
from realtime_lb.typing import JsonObject

__all__ = ["Continuity", "Phase"]

_Events = list[JsonObject]


class Phase(enum.Enum):
    """How far the new upstream is."""

    OPENING = enum.auto()
    TELLING = enum.auto()
    LIVE = enum.auto()
    FAILED = enum.auto()


class Continuity:
    """One upstream that takes over.

    Args:
        journal: What the session has come to. Its client is told by whoever uses this.
        new_id: Returns an id that nobody else has.
        in_good_time: The old upstream is still there, so what it has promised may yet come.
        is_first: It takes over from nobody.

    Attributes:
        phase: How far it is.
        is_first: As given; then nothing has to change on either way.
        to_upstream: Events to send to the upstream, in the client's dialect; to be taken by the caller.
        told_bytes: How much it was told in all.
        version: Which version of the journal it was told of.
        expires_at: When the upstream ends the session, in seconds since 1970; None where it has not said.
    """

    def __init__(
        self,
        journal: Journal,
        new_id: Callable[[], str],
        *,
        in_good_time: bool = False,
        is_first: bool = False,
    ) -> None:
        self._in_good_time = in_good_time
        self.phase = Phase.LIVE if is_first else Phase.OPENING
        self.is_first = is_first
        self.to_upstream: list[bytes] = []
        self.told_bytes = 0
        self.version = -1
        self.expires_at: Any = None
        self._journal = journal
        self._new_id = new_id
        self._names = Names()
        self._telling = Telling(journal, self._say, self._our_id)
        self._leaving: set[str] = set()
        self._again: list[AskedAgain] = []
        self._following: dict[str, AskedAgain] = {}
        self._offset_ms = 0.0
        self._turn_known: tuple[str, bool] | None = None
        self._steps: Mapping[str, Callable[[JsonObject], _Events]] = {} if is_first else self._needed()

    @classmethod
    def first(cls, journal: Journal, new_id: Callable[[], str]) -> Continuity:
        """Return that of a session's first upstream, which takes over from nobody."""
        return cls(journal, new_id, is_first=True)

    @property
    def told_items(self) -> int:
        """How many items it was told of."""
        return self._telling.count

    @property
    def lost(self) -> list[str]:
        """What it could not be told of, in words."""
        return self._telling.lost

    @property
    def is_ready(self) -> bool:
        """It has answered all that it was told."""
        return self.phase is Phase.TELLING and self._telling.is_answered

    # -- telling ----------------------------------------------------------------------------------------

    def _opened(self, event: JsonObject) -> _Events:
        session = event.get("session")
        if self.phase is not Phase.OPENING or not isinstance(session, dict):
            return []
        journal = self._journal
        self.expires_at = session.get("expires_at")
        if journal.session_id and session.get("id"):
            self._names.rename(str(session["id"]), journal.session_id)
        self.phase = Phase.TELLING
        self._telling.session(session)
        self.tell_items()
        return []

    def tell_items(self) -> None:
        """Tell of all items that it has not been told of."""
        self.version = self._journal.version
        self._telling.items(until_promised=self._in_good_time)

    @property
    def is_up_to_date(self) -> bool:
        """Nothing has changed since that telling further items could not mend."""
        return self._telling.is_up_to_date

    def unsayable(self, payload: bytes) -> None:
        """Take in that the upstream's dialect has no word for something that it was to be told."""
        event = parse_event(payload) or {}
        self._telling.refused(str(event.get("event_id")), "no word for it")

    def _our_id(self) -> str:
        return f"{OURS}{self._new_id()}"

    def _say(self, event: JsonObject) -> None:
        payload = written(event)
        self.told_bytes += len(payload)
        self.to_upstream.append(payload)

    # -- going live -------------------------------------------------------------------------------------

    def go_live(self) -> list[JsonObject]:
        """Ask again for what was not heard, tell the tail; return what the client is answered at once.

        Call it once `is_ready`, when the old upstream's last frame has passed and the journal is settled.
        """
        journal = self._journal
        self.phase = Phase.LIVE
        tail = journal.tail
        self._offset_ms = tail.sound_from_ms
        turn = journal.turn
        if turn is not None:
            self._turn_known = (turn.item_id, turn.end_ms is not None)
        for running in journal.running:
            order = {} if running.order is None else running.order.event
            event_id, running.anew = self._our_id(), True
            again = AskedAgain(running, journal, event_id, self._names.rename, self._names.forget)
            self._again.append(again)
            self._say({**order, "type": "response.create", "event_id": event_id})
        if journal.owes_answer and turn is None:
            self._say({"type": "response.create", "event_id": self._our_id()})
        elif journal.owes_answer:
            journal.owes_answer = False  # the user speaks already: the answer would be cut off at once
        answers: list[JsonObject] = []
        for entry in list(tail.entries):
            sent, said = self.from_client(
                APPEND if isinstance(entry, Sound) else entry.kind, entry.payload, _meant(entry)
            )
            self.told_bytes += sum(map(len, sent))
            self.to_upstream += map(bytes, sent)
            answers += said
        return answers

    # -- the client's frames ----------------------------------------------------------------------------

    def from_client(
        self, kind: str, payload: bytes | memoryview, event: JsonObject | None = None
    ) -> tuple[Sequence[bytes | memoryview], Sequence[JsonObject]]:
        """Return what the upstream gets for a client's event, and what the client is answered at once."""
        if kind == APPEND:
            return (payload,), ()
        if kind == "conversation.item.truncate" and self._telling.as_text:
            event = event or parse_event(payload) or {}
            if event.get("item_id") in self._telling.as_text and event["item_id"] not in self._leaving:
                return self._truncated(event)
        if kind == "conversation.item.delete":
            event = event or parse_event(payload) or {}
            item_id = str(event.get("item_id"))
            if self._telling.as_text:
                self._leaving.add(item_id)
            if item_id in self._journal.items.gone:
                del self._journal.items.gone[item_id]
                return (), ({"type": "conversation.item.deleted", "item_id": item_id},)
        return (self._names.up(payload),), ()

    def _truncated(self, event: JsonObject) -> tuple[Sequence[bytes], Sequence[JsonObject]]:
        """Shorten an answer that the upstream knows as text: it would refuse to, so it is told anew."""
        fields = {n: event.get(n) for n in ("item_id", "content_index", "audio_end_ms")}
        answer: JsonObject = {"type": "conversation.item.truncated", **fields}
        kept = self._journal.items.get(event["item_id"])
        if kept is None:
            return [], [answer]
        index, until_ms = event.get("content_index"), event.get("audio_end_ms")
        shorter = Kept(kept.id, kept.value, audio_ms=kept.audio_ms)
        shorter.truncated(
            index if isinstance(index, int) else 0, until_ms if isinstance(until_ms, int | float) else 0
        )
        item = shorter.to_create(self._journal.words)
        self._telling.expected.update((kept.id, answer) for answer in ("added", "done", "deleted"))
        told: list[JsonObject] = [
            {"type": "conversation.item.delete", "event_id": self._our_id(), "item_id": kept.id},
            {
                "type": "conversation.item.create",
                "event_id": self._our_id(),
                "previous_item_id": self._journal.items.before(kept, self._leaving),
                "item": item,
            },
        ]
        return [bytes(self._names.up(written(one))) for one in told], [answer]

    # -- the upstream's frames --------------------------------------------------------------------------

    def from_upstream(self, kind: str, payload: bytes | memoryview) -> Sequence[bytes | memoryview]:
        """Return what the client gets for an upstream's event; the very *payload* where nothing changes."""
        step = self._steps.get(canonical(kind))
        if step is None and self.phase is Phase.LIVE and not self._is_followed(kind):
            return (self._names.down(payload),)
        event = parse_event(payload)
        if event is None:
            return (payload,)
        step = step or (self._followed if self.phase is Phase.LIVE else _unsaid)
        return [self._names.down(payload if said is event else self.written(said)) for said in step(event)]

    def written(self, event: JsonObject) -> bytes:
        """Return an event of ours as the client gets it."""
        named = event if "event_id" in event else {**event, "event_id": f"{OUR_EVENTS}{self._new_id()}"}
        return written(named)

    def _is_followed(self, kind: str) -> bool:
        return bool(self._following) and kind.startswith("response.")

    def _followed(self, event: JsonObject) -> _Events:
        again = self._following.get(str(event.get("response_id")))
        return [event] if again is None else again.follow(event)

    def _needed(self) -> Mapping[str, Callable[[JsonObject], _Events]]:
        return {
            "session.created": self._opened,
            "session.updated": self._updated,
            "conversation.created": self._conversation,
            "conversation.item.added": self._joined("added"),
            "conversation.item.done": self._joined("done"),
            "conversation.item.deleted": self._deleted,
            "input_audio_buffer.speech_started": self._turn_started,
            "input_audio_buffer.speech_stopped": self._turn_stopped,
            "input_audio_buffer.timeout_triggered": self._timed,
            "input_audio_buffer.committed": self._turn_over,
            "input_audio_buffer.cleared": self._turn_over,
            "response.created": self._response_created,
            "response.done": self._response_done,
            "error": self._refused,
        }

    def _updated(self, event: JsonObject) -> _Events:
        if self._telling.update_taken():
            return []
        session = event.get("session")
        if isinstance(session, dict) and hearing(session) != hearing(self._journal.session):
            self._turn_known = None  # the upstream listens anew: what it hears next is another turn
        return [event] if self.phase is Phase.LIVE else []

    def _conversation(self, event: JsonObject) -> _Events:
        conversation, known = event.get("conversation"), self._journal.conversation_id
        if known and isinstance(conversation, dict) and conversation.get("id"):
            self._names.rename(str(conversation["id"]), known)
        return [] if self._journal.conversation_shown else [event]

    def _joined(self, kind: str) -> Callable[[JsonObject], _Events]:
        def joined(event: JsonObject) -> _Events:
            item = event.get("item")
            item_id = str(item.get("id")) if isinstance(item, dict) else ""
            if kind == "added":
                self._telling.joined(item_id)
            if self._telling.swallows(self.shown_id(item_id), kind):
                return []
            return self._of_again(item_id, event)

        return joined

    def _of_again(self, item_id: str, event: JsonObject) -> _Events:
        """Hold back what tells again of an item that a response was announced with."""
        again = next((a for a in self._following.values() if not a.fresh and _holds(a, item_id)), None)
        if again is None or canonical(str(event.get("type"))) != "conversation.item.added":
            return [event]
        kept = self._journal.items.get(self.shown_id(item_id))
        if kept is None or not kept.shown:
            return [event]
        again.held.append(event)
        return []

    def shown_id(self, item_id: str) -> str:
        """Return what the client calls something of the upstream's."""
        return self._names.shown(item_id)

    def _deleted(self, event: JsonObject) -> _Events:
        return [] if self._telling.swallows(str(event.get("item_id")), "deleted") else [event]

    def _turn_started(self, event: JsonObject) -> _Events:
        known = self._turn_known
        if known is not None:
            self._names.rename(str(event.get("item_id")), known[0])
            if not known[1]:
                self._turn_known = None
            return []
        return self._timed(event)

    def _turn_stopped(self, event: JsonObject) -> _Events:
        if self._turn_known is not None:
            self._turn_known = None
            return []
        return self._timed(event)

    def _turn_over(self, event: JsonObject) -> _Events:
        self._turn_known = None
        return [event]

    def _timed(self, event: JsonObject) -> _Events:
        """Count sound from where the client began to, and never back.

        It may hear a turn in sound that the upstream before had done with when it began to listen anew.
        """
        shift, told_ms = round(self._offset_ms), round(self._journal.tail.told_ms)
        times = {
            name: max(event[name] + shift, least_ms)
            for name, least_ms in (("audio_start_ms", told_ms), ("audio_end_ms", told_ms + 1))
            if isinstance(event.get(name), int | float)
        }
        return [event if event == {**event, **times} else {**event, **times}]

    def _response_created(self, event: JsonObject) -> _Events:
        response = event.get("response")
        if not isinstance(response, dict):
            return [event]
        known, theirs = self._journal.conversation_id, response.get("conversation_id")
        if known and isinstance(theirs, str):
            self._names.rename(theirs, known)
        if not self._again:
            return [event]
        again = self._again.pop(0)
        self._following[str(response.get("id"))] = again
        return again.began(event)

    def _response_done(self, event: JsonObject) -> _Events:
        response = event.get("response")
        again = self._following.pop(str(response.get("id")), None) if isinstance(response, dict) else None
        return [event] if again is None else again.follow(event)

    def _refused(self, event: JsonObject) -> _Events:
        error = event.get("error")
        error = error if isinstance(error, dict) else {}
        event_id = str(error.get("event_id") or "")
        if not event_id.startswith(OURS):
            return [event] if self.phase is Phase.LIVE else []
        if event_id == self._telling.update_id:
            if not self._telling.update_refused(error.get("param")):
                self.phase = Phase.FAILED
        else:
            self._telling.refused(event_id, str(error.get("code")))
        return self._not_asked_again(event_id)

    def _not_asked_again(self, event_id: str) -> _Events:
        """Close a response that was announced and that this upstream will not begin."""
        again = next((again for again in self._again if again.event_id == event_id), None)
        if again is None:
            return []
        self._again.remove(again)
        return list(
            closed_out(again.running, self._journal.words, "client_cancelled", self._journal.items.joined)
        )


def _unsaid(_event: JsonObject) -> _Events:
    """Say nothing to the client before the new upstream has taken over."""
    return []


def _meant(entry: Sound | Said) -> JsonObject | None:
    return entry.event if isinstance(entry, Said) else None


def _holds(again: AskedAgain, item_id: str) -> bool:
    items: Iterable[Any] = (event.get("item") for event in again.held)
    return any(isinstance(item, dict) and item.get("id") == item_id for item in items)
