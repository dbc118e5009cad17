"""What a session has come to, kept from the events that pass, so that another upstream can be told of it.

No I/O, no clock: two calls, one for what the client said and one for what it was told, both in the client's
own words. Audio is counted and kept as it came, never read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from attrs import define, field

from realtime_lb.events import APPEND, STREAMED, event_of, parse_event, value_at
from realtime_lb.frames import Frame
from realtime_lb.journal import sessions
from realtime_lb.journal.in_flight import InFlight
from realtime_lb.journal.items import Items, Kept, OpenTurn, Speech
from realtime_lb.journal.matching import (
    ALREADY_ANSWERING,
    as_sent,
    cancels,
    creates,
    hearing,
    number_or,
    order_of,
    refused,
)
from realtime_lb.journal.responses import Output, Running
from realtime_lb.journal.tail import Said, Tail, is_read
from realtime_lb.journal.words import OUR_EVENTS, WORDS, Words, canonical, canonical_item
from realtime_lb.typing import Dialect, JsonObject

__all__ = ["Journal"]

MOST_BYTES = 2 * 1024 * 1024
"""Half a minute of PCM, or an hour of words."""

MOST_ITEMS = 1_000
_STRETCHES = 32
"""In how many pieces the room fills with sound, and after each it is looked how much there is. At 2 MiB that
is once a second."""

QUIET_KEPT_MS = 2_000
"""What a voice detector may still need of sound in which it heard nobody: its padding, and time to notice."""

_NO_DETAIL: JsonObject = {}


def _by_its_response(step: Callable[[InFlight, JsonObject], None]) -> Callable[[Journal, JsonObject], None]:
    return lambda journal, event: step(journal.in_flight, event)


@define(eq=False)
class Journal:
    """Follows one session, that of a client who speaks a dialect.

    Attributes:
        most_bytes: How much to keep. Above it the oldest sound goes first, then the oldest items.
        most_items: How many items to keep.
        words: The client's names of things.
        session: The session object in force, as the client was shown it last.
        session_id: The session's id as the client knows it.
        conversation_id: The same of the conversation, if it was shown.
        items: The conversation.
        tail: What the client has said without an answer.
        turn: What the user is saying.
        owes_answer: A turn ended, and the server has not begun the answer that it starts by itself.
        version: Grows with every change of the session or the conversation.
        speech_lost: Items whose sound fell out for want of room, while it was all that was known of them.
        in_flight: Responses that have begun and not ended; takes the pieces that the client is being sent.
    """

    _dialect: Dialect
    most_bytes: int = field(default=MOST_BYTES, kw_only=True)
    most_items: int = field(default=MOST_ITEMS, kw_only=True)
    words: Words = field(init=False)
    session: JsonObject = field(factory=dict, init=False)
    session_id: str | None = field(default=None, init=False)
    conversation_id: str | None = field(default=None, init=False)
    conversation_shown: bool = field(default=False, init=False)
    items: Items = field(factory=Items, init=False)
    tail: Tail = field(init=False)
    turn: OpenTurn | None = field(default=None, init=False)
    owes_answer: bool = field(default=False, init=False)
    version: int = field(default=0, init=False)
    speech_lost: int = field(default=0, init=False)
    in_flight: InFlight = field(init=False)
    _out_bytes_per_ms: float = field(default=48.0, init=False)
    _detects_turns: bool = field(default=True, init=False)
    _is_ours: bool = field(default=False, init=False)
    _full_bytes: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        stretch_bytes = self.most_bytes // _STRETCHES
        self._full_bytes = self.most_bytes - 3 * stretch_bytes  # may be kept unlooked at: two up, one down
        self.words, self.tail = WORDS[self._dialect], Tail(stretch_bytes, self._make_room)
        self.in_flight = InFlight(self._begin, self._made)
        self._follow_turn(None)

    # -- what passes ------------------------------------------------------------------------------------

    def client_said(self, kind: str, payload: bytes | memoryview, event: JsonObject | None = None) -> None:
        """Take in an event of the client's that an upstream is sent; *event* where it is parsed already."""
        if kind == APPEND:
            self.tail.hear(payload)
            return
        event = event or (parse_event(payload) if is_read(kind) else None)
        if event is not None:
            self.tail.say(Said(canonical(kind), bytes(payload), event))
            self._make_room()

    def client_told(self, kind: str, told: Frame) -> bool:
        """Take in an event that the client is being sent; False for one more piece of a stream."""
        if kind in STREAMED:
            return self.in_flight.streamed(told.payload)
        follow = self._FOLLOWED.get(canonical(kind))
        event = None if follow is None else event_of(told)
        if follow is not None and event is not None:
            self._is_ours = str(event.get("event_id")).startswith(OUR_EVENTS)
            follow(self, event)
            if self._is_too_much:
                self._make_room()
        return True

    @property
    def running(self) -> list[Running]:
        """Responses that have begun and not ended."""
        return self.in_flight.running

    @property
    def kept_bytes(self) -> int:
        """How much is kept now."""
        return self.items.size_bytes + self.tail.sound_bytes + self.tail.said_bytes

    @property
    def is_quiet(self) -> bool:
        """Nobody speaks, nothing is being answered or written down, and nothing waits for an answer."""
        busy = self.running or self.owes_answer or self.turn is not None
        if busy or next(self.tail.waiting(), None) is not None:
            return False
        return not any(kept.awaits_words for kept in self.items)

    @property
    def awaited(self) -> tuple[str, ...]:
        """What was asked for, or is due, and of which nothing has come; changes as it comes nearer."""
        unheard = [running.id for running in self.running if not running.was_heard and not running.half_call]
        asked = [said.kind for said in self.tail.waiting("response.create")]
        return (*unheard, *asked, *(["due"] if self.owes_answer else []))

    def heard_nothing_of(self, response_id: object) -> bool:
        """Say whether this response runs and nothing of it reached the client: it may be asked for again."""
        found = next((running for running in self.running if running.id == response_id), None)
        return found is not None and not found.was_heard and not found.half_call

    def forget(self) -> None:
        """Let go of all that is kept, when nothing comes any more: a part of it refers to the whole."""
        del self.items, self.tail, self.in_flight

    def speaks(self, dialect: Dialect) -> None:
        """The client turned out to speak *dialect*."""
        self.words = WORDS[dialect]

    # -- the session ------------------------------------------------------------------------------------

    def _session_shown(self, event: JsonObject) -> None:
        session = event.get("session")
        if not isinstance(session, dict):
            return
        listens_anew = self.turn is not None and hearing(session) != hearing(self.session)
        self.session = sessions.small(session)
        self.session_id = self.session_id or session.get("id")
        self.tail.expect(sessions.bytes_per_ms(session, "input"))
        self._out_bytes_per_ms = sessions.bytes_per_ms(session, "output")
        self._detects_turns = sessions.turn_detection(session) is not None
        self._follow_turn(None if listens_anew else self.turn)
        self.version += 1

    def _session_updated(self, event: JsonObject) -> None:
        self._session_shown(event)
        self._answer("session.update")

    def _conversation_shown(self, event: JsonObject) -> None:
        self.conversation_shown = True
        conversation = event.get("conversation")
        if isinstance(conversation, dict):
            self.conversation_id = self.conversation_id or conversation.get("id")

    # -- the user's sound -------------------------------------------------------------------------------

    def _follow_turn(self, turn: OpenTurn | None) -> None:
        self.turn = turn
        may_forget = self._detects_turns and turn is None
        self.tail.keeps_ms = QUIET_KEPT_MS if may_forget else math.inf

    def _turn_started(self, event: JsonObject) -> None:
        start_ms = number_or(event.get("audio_start_ms"), self.tail.position_ms)
        self._follow_turn(OpenTurn(str(event.get("item_id")), start_ms))
        self.tail.told_ms = start_ms

    def _turn_stopped(self, event: JsonObject) -> None:
        if self.turn is not None:
            self.turn.end_ms = number_or(event.get("audio_end_ms"), self.tail.position_ms)
            self.tail.told_ms = self.turn.end_ms

    def _committed(self, event: JsonObject) -> None:
        item_id, turn, tail = str(event.get("item_id")), self.turn, self.tail
        order = tail.first("input_audio_buffer.commit")
        if turn is not None and turn.end_ms is not None and turn.item_id == item_id:
            sounds = tail.take_until(turn.end_ms)
            span = (turn.start_ms, turn.end_ms)
            self.owes_answer = sessions.creates_responses(self.session)
        else:
            sounds = tail.take_until(order)
            span = (sounds[0].start_ms, sounds[-1].start_ms + sounds[-1].length_ms) if sounds else (0.0, 0.0)
            if order is not None:
                tail.answered(order)
        self._follow_turn(None)
        sounds = [sound for sound in sounds if sound.start_ms + sound.length_ms > span[0]]
        speech = Speech(sounds, *span) if sounds else None
        value = {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_audio", "transcript": None}],
        }
        kept = Kept(item_id, value, speech, awaits_words=sessions.transcribes(self.session))
        self._keep(kept, event.get("previous_item_id"))

    def _cleared(self, _event: JsonObject) -> None:
        order = self.tail.first("input_audio_buffer.clear")
        self.tail.take_until(order)
        if order is not None:
            self.tail.answered(order)
        self._follow_turn(None)

    # -- the conversation -------------------------------------------------------------------------------

    def _keep(self, kept: Kept, after: Any) -> None:
        self.items.put(kept, after, self.in_flight.to_come)
        self.version += 1

    def _item_added(self, event: JsonObject) -> None:
        shown = event.get("item")
        if not isinstance(shown, dict):
            return
        item, after = canonical_item(shown), event.get("previous_item_id")
        kept = self.items.get(item.get("id"))
        if kept is None:
            said = self.tail.first("conversation.item.create", lambda said: creates(said, item))
            if said is not None:
                item = {**item, **as_sent(said), "id": item.get("id")}
                after = said.event.get("previous_item_id") or after
                self.tail.answered(said)
            kept = Kept(str(item.get("id")), item)
            self._keep(kept, after)
        kept.shown = True
        kept.complete = self.words.item_done is None and item.get("status") != "in_progress"

    def _item_done(self, event: JsonObject) -> None:
        item = event.get("item")
        kept = self.items.get(item.get("id")) if isinstance(item, dict) else None
        if kept is not None:
            kept.complete = True

    def _item_retrieved(self, event: JsonObject) -> None:
        item = event.get("item")
        item_id = item.get("id") if isinstance(item, dict) else None
        self._answer("conversation.item.retrieve", lambda said: said.event.get("item_id") == item_id)

    def _item_truncated(self, event: JsonObject) -> None:
        item_id = event.get("item_id")
        self._answer("conversation.item.truncate", lambda said: said.event.get("item_id") == item_id)
        kept = self.items.get(item_id)
        if kept is not None:
            index = event.get("content_index")
            kept.truncated(index if isinstance(index, int) else 0, number_or(event.get("audio_end_ms"), 0.0))
            self._resize(kept)

    def _item_deleted(self, event: JsonObject) -> None:
        item_id = event.get("item_id")
        self._answer("conversation.item.delete", lambda said: said.event.get("item_id") == item_id)
        kept = self.items.get(item_id)
        if kept is not None:
            self._forget(kept)

    def _forget(self, kept: Kept) -> None:
        self.items.remove(kept)
        self.version += 1

    def _transcribed(self, event: JsonObject) -> None:
        kept = self.items.get(event.get("item_id"))
        if kept is not None:
            index = event.get("content_index")
            kept.transcribed(index if isinstance(index, int) else 0, event.get("transcript"))
            kept.awaits_words = False
            self._resize(kept)

    def _not_transcribed(self, event: JsonObject) -> None:
        kept = self.items.get(event.get("item_id"))
        if kept is not None:
            kept.awaits_words = False

    def _resize(self, kept: Kept) -> None:
        self.items.resize(kept)
        self.version += 1

    # -- responses --------------------------------------------------------------------------------------

    def _response_created(self, event: JsonObject) -> None:
        value = event.get("response")
        if isinstance(value, dict) and all(r.id != value.get("id") for r in self.running):
            self._begin(value)

    def _begin(self, value: JsonObject) -> None:
        order = order_of(value, self.tail, is_due=self.owes_answer)
        if order is not None:
            self.tail.answered(order)
        else:
            self.owes_answer = False
        self.conversation_id = self.conversation_id or value.get("conversation_id")
        self.running.append(Running(str(value.get("id")), value, order))

    def _response_done(self, event: JsonObject) -> None:
        ended = self.in_flight.ended(event.get("response"))
        reason = value_at(event, "response", "status_details", "reason")
        if ended is not None and reason == "client_cancelled":
            self._answer("response.cancel", lambda said: cancels(said, ended))

    def _made(self, output: Output) -> None:
        """Let the conversation hold what an item has come to."""
        kept = self.items.get(output.id)
        if kept is not None:
            kept.value = output.item
            kept.complete = kept.complete or self.words.item_done is None
            kept.audio_ms = output.sound_chars * 3 / 4 / self._out_bytes_per_ms
            self._resize(kept)

    # -- answers ----------------------------------------------------------------------------------------

    def _answer(self, kind: str, matches: Callable[[Said], bool] = lambda _: True) -> None:
        said = self.tail.first(kind, matches)
        if said is not None and self._is_ours:
            self.tail.forget(said)  # which tells nothing of what was said before
        elif said is not None:
            self.tail.answered(said)

    def _refused(self, event: JsonObject) -> None:
        """Find out what of the client's an ``error`` refuses, and wait for no other answer to that."""
        error = event.get("error")
        error = error if isinstance(error, dict) else _NO_DETAIL
        is_of_the_turn = error.get("event_id") is None and error.get("code") == ALREADY_ANSWERING
        if is_of_the_turn and self.owes_answer:
            self.owes_answer = False
        elif (said := refused(self.tail, error)) is not None:
            self.tail.answered(said)

    # -- bounds -----------------------------------------------------------------------------------------

    def _make_room(self) -> None:
        """Where it is too much, let the oldest sound go, that of items first, then the oldest items."""
        while self.kept_bytes > self._full_bytes:
            quiet = self.items.drop_oldest_speech()
            if quiet is not None:
                self.speech_lost += not any(part.get("transcript") for part in quiet.parts())
            elif not self.tail.drop_oldest_sound():
                break
        while self.items.order and self._is_too_much:
            self.items.drop_oldest()
            self.version += 1
        while self.kept_bytes > self._full_bytes and self.tail.drop_oldest_said():
            pass  # who asks and asks of an upstream that answers nothing

    @property
    def _is_too_much(self) -> bool:
        return self.kept_bytes > self._full_bytes or len(self.items) > self.most_items

    _FOLLOWED: ClassVar[Mapping[str, Callable[[Journal, JsonObject], None]]] = {
        "session.created": _session_shown,
        "session.updated": _session_updated,
        "conversation.created": _conversation_shown,
        "conversation.item.added": _item_added,
        "conversation.item.done": _item_done,
        "conversation.item.retrieved": _item_retrieved,
        "conversation.item.truncated": _item_truncated,
        "conversation.item.deleted": _item_deleted,
        "conversation.item.input_audio_transcription.completed": _transcribed,
        "conversation.item.input_audio_transcription.failed": _not_transcribed,
        "input_audio_buffer.speech_started": _turn_started,
        "input_audio_buffer.speech_stopped": _turn_stopped,
        "input_audio_buffer.committed": _committed,
        "input_audio_buffer.cleared": _cleared,
        **{name: _by_its_response(step) for name, step in InFlight.FOLLOWED.items()},
        "response.created": _response_created,
        "response.done": _response_done,
        "error": _refused,
    }
    """One table for all sessions: an idle one is smaller by three kilobytes than with its own."""
