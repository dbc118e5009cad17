"""The state machine behind one session: client events in, server events out, and nothing else.

It neither sleeps nor sends. What takes time (answers, transcripts) waits in a ring of jobs;
`Dialogue.advance` moves the next of them one beat on, and its caller decides how long a beat lasts.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from attrs import frozen

from realtime_lb.simulator import transcription
from realtime_lb.simulator.checks import one_of
from realtime_lb.simulator.conversation import Conversation
from realtime_lb.simulator.ear import Ear, TurnEnded, TurnStarted
from realtime_lb.simulator.face import Face
from realtime_lb.simulator.faults import Plan
from realtime_lb.simulator.ids import Ids
from realtime_lb.simulator.item_schema import decode_audio
from realtime_lb.simulator.items import Item, Part, PartKind
from realtime_lb.simulator.jobs import Jobs
from realtime_lb.simulator.refusals import EventRefused, invalid_value, missing_parameter
from realtime_lb.simulator.response_run import Beat, ResponseRun, Surroundings
from realtime_lb.simulator.settings import SessionKind, SessionSettings
from realtime_lb.simulator.shape import Shape, Terms
from realtime_lb.simulator.vad import has_speech
from realtime_lb.typing import JsonObject

__all__ = ["Dialogue", "Step"]

MAX_APPEND_CHARS = 15 * 1024 * 1024
"""OpenAI's limit of the ``audio`` of one ``input_audio_buffer.append``."""

_TOKENS_PER_MINUTE = 40_000
"""What ``rate_limits.updated`` counts down from: OpenAI's first tier for gpt-realtime."""


@frozen
class Step:
    """What one move of a job came to: events to send, then a beat to wait."""

    events: tuple[JsonObject, ...]
    beat: Beat


class Dialogue:
    """One session's state machine.

    Args:
        terms: What was agreed at the handshake.
        shape: The dialect.
        ids: Where ids come from.
        seed: Decides between answers.
        next_response: Counts a response and returns the faults that take it.

    Attributes:
        conversation: The default conversation.
        session: The session object in force, as the wire has it.
    """

    def __init__(
        self, terms: Terms, shape: Shape, ids: Ids, seed: int, next_response: Callable[[], Plan]
    ) -> None:
        self.terms = terms
        self.shape = shape
        self.session = shape.new_session()
        self.conversation = Conversation(ids.new("conv"))
        self._ids = ids
        self._seed = seed
        self._next_response = next_response
        self._random = random.Random(seed)  # noqa: S311  # when transcripts come, not a secret
        self._checks = shape.client_events()
        self._settings = shape.settings(self.session)
        self._ear = Ear(self._settings.input_format, self._settings.turn_detection)
        self._turn_item_id: str | None = None
        self._spoke = False
        self._answered = False  # what was committed has been answered, and nothing came since
        self._jobs = Jobs()
        self._known_items: set[str] = set()
        self._outbox: list[JsonObject] = []
        self._orders: dict[str, Callable[[JsonObject], None]] = {
            "session.update": self._update_session,
            "transcription_session.update": self._update_session,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit,
            "input_audio_buffer.clear": self._clear,
            "output_audio_buffer.clear": self._clear_output,
            "conversation.item.create": self._create_item,
            "conversation.item.retrieve": self._retrieve_item,
            "conversation.item.delete": self._delete_item,
            "conversation.item.truncate": self._truncate_item,
            "response.create": self._create_response,
            "response.cancel": self._cancel,
        }

    @property
    def settings(self) -> SessionSettings:
        """The settings in force."""
        return self._settings

    @property
    def busy(self) -> bool:
        """There is something for `advance` to do."""
        return self._jobs.busy

    def open(self) -> tuple[JsonObject, ...]:
        """Return the events that open the session."""
        for event_type, fields in self.shape.opening(self.session, self.conversation.id):
            self._say(event_type, **fields)
        return self._drain()

    def ping(self, timestamp_ms: int) -> tuple[JsonObject, ...]:
        """Return the event by which xAI keeps a connection alive."""
        self._say("ping", timestamp=timestamp_ms)
        return self._drain()

    def receive(self, event: JsonObject | None) -> tuple[JsonObject, ...]:
        """Take one client event, None where it was no JSON object; return the server's answer.

        A refused event changes nothing.
        """
        if event is None:
            why = "We could not parse the JSON body of your event."
            self._refuse(EventRefused(why, code="invalid_event"), None)
            return self._drain()
        event_id = event.get("event_id")
        try:
            self._obey(event)
        except EventRefused as refused:
            self._refuse(refused, event_id if isinstance(event_id, str) else None)
        return self._drain()

    def advance(self) -> Step:
        """Move the next job one beat on. Call it only while `busy`."""
        beat = self._jobs.advance()
        return Step(self._drain(), beat)

    def expire(self, lifetime_s: float) -> tuple[JsonObject, ...]:
        """Return what is said when the session has lived its *lifetime_s*."""
        why = f"Your session hit the maximum duration of {lifetime_s / 60:g} minutes."
        self._refuse(EventRefused(why, code="session_expired"), None)
        return self._drain()

    def _say(self, event_type: str, /, **fields: Any) -> None:
        self._spoke = self._spoke or event_type == f"{self.shape.names.audio}.delta"
        shown_type, shown = self.shape.dress(event_type, fields)
        self._outbox.append({"type": shown_type, "event_id": self._ids.new("event"), **shown})

    def _refuse(self, refused: EventRefused, event_id: str | None) -> None:
        self._say("error", error=refused.as_error(event_id))

    def _drain(self) -> tuple[JsonObject, ...]:
        events = tuple(self._outbox)
        self._outbox.clear()
        return events

    def _obey(self, event: JsonObject) -> None:
        event_type = event.get("type")
        if event_type is None:
            raise EventRefused("The 'type' field is missing.", code="invalid_event")
        one_of(*self._checks)(event_type, "type")
        self._checks[event_type](event, "")
        self._orders[event_type](event)

    # -- the session ------------------------------------------------------------------------------------

    def _update_session(self, event: JsonObject) -> None:
        self.session = self.shape.updated(self.session, event["session"], spoke=self._spoke)
        self._settings = self.shape.settings(self.session)
        self._ear.adapt(self._settings.input_format, self._settings.turn_detection)
        self._say(f"{self.shape.session_family}.updated", session=self.session)

    # -- the user's audio -------------------------------------------------------------------------------

    def _append(self, event: JsonObject) -> None:
        if len(event["audio"]) > MAX_APPEND_CHARS:
            raise invalid_value("audio", "Invalid 'audio': at most 15 MiB can be appended at once.")
        for turn in self._ear.hear(decode_audio(event["audio"], "audio")):
            if isinstance(turn, TurnStarted):
                self._turn_started(turn)
            else:
                self._turn_ended(turn)

    def _turn_started(self, turn: TurnStarted) -> None:
        self._turn_item_id = self._ids.new("item")
        self._say(
            "input_audio_buffer.speech_started",
            audio_start_ms=turn.audio_start_ms,
            item_id=self._turn_item_id,
        )
        detection, run = self._settings.turn_detection, self._active_run()
        if detection is not None and detection.interrupt_response and run is not None:
            run.stop("cancelled", "turn_detected")

    def _turn_ended(self, turn: TurnEnded) -> None:
        item_id = self._turn_item_id or self._ids.new("item")
        self._say("input_audio_buffer.speech_stopped", audio_end_ms=turn.audio_end_ms, item_id=item_id)
        self._commit_audio(turn.audio)
        detection = self._settings.turn_detection
        if detection is None or not detection.create_response or self._is_transcription:
            return
        try:
            self._respond({})
        except EventRefused as refused:  # nobody's event, so nobody's id: a response still runs
            self._refuse(refused, None)

    @property
    def _is_transcription(self) -> bool:
        return self.terms.kind is SessionKind.TRANSCRIPTION

    def _commit(self, _event: JsonObject) -> None:
        if self._settings.turn_detection is not None and not self.shape.commits_under_vad:
            why = "input_audio_buffer.commit is only available when turn_detection is null."
            raise EventRefused(why, code="invalid_event", param="type")
        audio = self._ear.commit()
        self._commit_audio(audio)
        if self.shape.answers_commits and has_speech(audio, self._settings.input_format):
            self._respond({})
            self._answered = True

    def _commit_audio(self, audio: bytes) -> None:
        item_id, self._turn_item_id = self._turn_item_id or self._ids.new("item"), None
        part = Part(kind=PartKind.INPUT_AUDIO, audio=audio, audio_format=self._settings.input_format)
        self._say(
            "input_audio_buffer.committed",
            previous_item_id=self.conversation.last_id,
            item_id=item_id,
        )
        self._add_item(Item(id=item_id, role="user", parts=(part,)), None)
        wanted = self._settings.transcription
        if wanted is not None:
            work = transcription.Work(
                item_id=item_id,
                part=part,
                wanted=wanted,
                seed=self._seed,
                lag=self._random.randrange(transcription.MAX_LAG_BEATS),
            )
            self._jobs.add(transcription.beats(work, self._say, self.conversation))

    def _clear(self, _event: JsonObject) -> None:
        self._ear.clear()
        self._answered = False
        self._turn_item_id = None
        self._say("input_audio_buffer.cleared")

    def _clear_output(self, _event: JsonObject) -> None:
        why = "output_audio_buffer.clear is only supported over WebRTC and SIP."
        raise EventRefused(why, code="invalid_event", param="type")

    # -- the conversation -------------------------------------------------------------------------------

    def _create_item(self, event: JsonObject) -> None:
        item = self._read_item(event["item"], "item")
        self._answered = False
        self._add_item(item, event.get("previous_item_id"))

    def _read_item(self, value: JsonObject, place: str) -> Item:
        new_id = self._ids.new("item")
        return self.shape.items.read(value, place, new_id, self._settings.input_format)

    def _add_item(self, item: Item, after: str | None) -> None:
        before = self.conversation.add(item, after)
        names = self.shape.names
        wire = self.shape.items.write(item)
        for name in filter(None, (names.item_added, names.item_done)):
            self._say(name, previous_item_id=before, item=wire)

    def _retrieve_item(self, event: JsonObject) -> None:
        item = self.conversation.require(event["item_id"], "retrieve")
        self._say("conversation.item.retrieved", item=self.shape.items.write(item, with_audio=True))

    def _delete_item(self, event: JsonObject) -> None:
        self.conversation.delete(event["item_id"])
        self._say("conversation.item.deleted", item_id=event["item_id"])

    def _truncate_item(self, event: JsonObject) -> None:
        named = {name: event[name] for name in ("item_id", "content_index", "audio_end_ms")}
        self.conversation.truncate(**named)
        self._say("conversation.item.truncated", **named)

    # -- responses --------------------------------------------------------------------------------------

    def _create_response(self, event: JsonObject) -> None:
        if self._is_transcription:
            raise EventRefused(
                "response.create is not supported in transcription sessions.",
                code="invalid_event",
                param="type",
            )
        if not self._answered:
            self._respond(event.get("response") or {})

    def _respond(self, params: JsonObject) -> None:
        order = self.shape.order(self.session, params, self._read_input, spoke=self._spoke)
        active = self._active_run()
        if active is not None and not order.out_of_band:
            raise EventRefused(
                f"Conversation already has an active response in progress: {active.id}. Wait until the "
                "response is finished before creating a new one.",
                code="conversation_already_has_active_response",
            )
        run = ResponseRun(order, self._next_response(), self._surroundings())
        run.start()
        self._jobs.add(run.beats(), run)

    def _read_input(self, value: JsonObject, place: str) -> Item:
        if value.get("type") != "item_reference":
            return self._read_item(value, place)
        if "id" not in value:
            raise missing_parameter(f"{place}.id")
        item = self.conversation.get(value["id"])
        if item is None:
            raise invalid_value(f"{place}.id", f"Item with id '{value['id']}' not found in the conversation.")
        return item

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            shape=self.shape,
            ids=self._ids,
            say=self._say_of_response,
            conversation=self.conversation,
            known_items=self._known_items,
            seed=self._seed,
            ended=self._jobs.forget,
        )

    def _say_of_response(self, event_type: str, /, **fields: Any) -> None:
        self._say(event_type, **fields)
        if event_type == "response.done" and self.terms.face is Face.OPENAI:
            self._say("rate_limits.updated", rate_limits=[_rate_limit(fields["response"])])

    def _active_run(self) -> ResponseRun | None:
        return next((run for run in self._jobs.responses() if not run.out_of_band), None)

    def _cancel(self, event: JsonObject) -> None:
        wanted, run = event.get("response_id"), self._active_run()
        if wanted is not None:
            run = next((one for one in self._jobs.responses() if one.id == wanted), None)
        if run is None:
            raise EventRefused(
                "Cancellation failed: no active response found", code="response_cancel_not_active"
            )
        self._answered = False
        run.stop("cancelled", "client_cancelled")


def _rate_limit(response: JsonObject) -> JsonObject:
    used = response["usage"]["total_tokens"]
    return {
        "name": "tokens",
        "limit": _TOKENS_PER_MINUTE,
        "remaining": max(0, _TOKENS_PER_MINUTE - used),
        "reset_seconds": round(used * 60 / _TOKENS_PER_MINUTE, 3),
    }
