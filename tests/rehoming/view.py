"""What a client makes of what it is told: its own conversation, and every rule that it relies on."""

from collections import Counter
from typing import Any

from attrs import define, field

from realtime_lb.dialects.event_table import SERVER_EVENTS
from realtime_lb.typing import Dialect

Event = dict[str, Any]

KNOWN = {dialect: {row.name(dialect) for row in SERVER_EVENTS} - {None} for dialect in Dialect}
CHARS_PER_WORD = 300 * 48 * 4 // 3
"""Of sound: the simulator speaks 200 words a minute, in PCM."""


def _detection(session: Event) -> Event | None:
    found = session.get("audio", {}).get("input", {}).get("turn_detection") or session.get("turn_detection")
    return found and {name: value for name, value in found.items() if value is not None}


@define
class Seen:
    """An item as the client knows it."""

    id: str
    item: Event
    words: str = ""
    knows_words: bool = True
    truncated: bool = False
    done: bool = False
    streams: set[str] = field(factory=set)
    sound_chars: int = 0
    parts: set[int] = field(factory=set)


@define
class View:
    """One client's view. `take` raises `AssertionError` for what no server may say."""

    dialect: Dialect = Dialect.GA
    items: list[Seen] = field(factory=list)
    responses: dict[str, str] = field(factory=dict)
    outputs: dict[str, Seen] = field(factory=dict)
    counts: Counter[str] = field(factory=Counter)
    event_ids: set[str] = field(factory=set)
    session_id: str | None = None
    errors: dict[str, Event] = field(factory=dict)
    calls_made: Counter[str] = field(factory=Counter)
    turns: list[tuple[str, float, float | None]] = field(factory=list)
    stopped: str | None = None
    heard: list[Event] = field(factory=list)
    aside: set[str] = field(factory=set)
    statuses: dict[str, Event] = field(factory=dict)
    promised_words: set[str] = field(factory=set)
    transcribing: bool = False
    detection: Any = None

    def take(self, event: Event) -> None:
        kind = event["type"]
        self.heard.append({k: v for k, v in event.items() if k != "delta" or "audio.delta" not in kind})
        assert kind in KNOWN[self.dialect], f"unknown event {kind}"
        assert event["event_id"] not in self.event_ids, f"the same event twice: {event}"
        self.event_ids.add(event["event_id"])
        self.counts[kind] += 1
        name = kind.replace(".audio_transcript.", ".output_audio_transcript.").replace(
            ".text.", ".output_text."
        )
        name = name.replace("response.audio.", "response.output_audio.").replace(
            ".item.created", ".item.added"
        )
        handler = getattr(self, "_" + name.replace(".", "_"), None)
        if handler is not None:
            handler(event)
        elif kind.startswith("response.") and "response_id" in event:
            self._inside(event)

    # -- session ----------------------------------------------------------------------------------------

    def _session_created(self, event: Event) -> None:
        assert self.session_id is None, "a second session.created"
        session = event["session"]
        self.session_id = session["id"]
        self.detection = _detection(session)

    def _session_updated(self, event: Event) -> None:
        assert event["session"]["id"] == self.session_id, "the session's id changed"
        session = event["session"]
        heard = session.get("audio", {}).get("input", {}).get("transcription")
        self.transcribing = bool(heard or session.get("input_audio_transcription"))
        found = _detection(session)
        if found != self.detection:
            self._close_turn()  # the server listens anew
        self.detection = found

    def _conversation_created(self, event: Event) -> None:
        assert self.counts["conversation.created"] == 1

    def _error(self, event: Event) -> None:
        error = event["error"]
        assert not str(error.get("event_id")).startswith("rlb_"), error
        if error.get("event_id"):
            self.errors[error["event_id"]] = error

    # -- items ------------------------------------------------------------------------------------------

    def find(self, item_id: str) -> Seen | None:
        return next((seen for seen in self.items if seen.id == item_id), None)

    def _conversation_item_added(self, event: Event) -> None:
        item, before = event["item"], event.get("previous_item_id")
        assert self.find(item["id"]) is None, f"joined twice: {item}"
        at = 0 if before is None else next((n + 1 for n, s in enumerate(self.items) if s.id == before), None)
        seen = self.outputs.get(item["id"]) or Seen(item["id"], item)
        if item["type"] == "message" and item["role"] != "assistant":
            seen.words = " ".join(
                part.get("text") or part.get("transcript") or "" for part in item["content"]
            )
            if not seen.words:
                seen.knows_words = False
        self.items.insert(len(self.items) if at is None else at, seen)

    def _conversation_item_done(self, event: Event) -> None:
        seen = self.find(event["item"]["id"])
        assert seen is not None, f"done before it joined: {event}"
        assert not seen.done, f"done twice: {event}"
        seen.done = True

    def _conversation_item_deleted(self, event: Event) -> None:
        assert self.find(event["item_id"]) is not None, f"deleted what is not there: {event}"
        self.items = [seen for seen in self.items if seen.id != event["item_id"]]

    def _conversation_item_truncated(self, event: Event) -> None:
        seen = self.find(event["item_id"])
        assert seen is not None
        seen.knows_words, seen.truncated = False, True

    def _conversation_item_retrieved(self, event: Event) -> None:
        assert self.find(event["item"]["id"]) is not None, event

    def _conversation_item_input_audio_transcription_completed(self, event: Event) -> None:
        assert event["item_id"] in self.promised_words, f"a transcript of nothing: {event}"
        self.promised_words.discard(event["item_id"])
        seen = self.find(event["item_id"])
        if seen is not None:
            seen.words, seen.knows_words = event["transcript"], True

    def _conversation_item_input_audio_transcription_failed(self, event: Event) -> None:
        assert event["item_id"] in self.promised_words, f"no transcript of nothing: {event}"
        self.promised_words.discard(event["item_id"])

    # -- turns ------------------------------------------------------------------------------------------

    def _input_audio_buffer_speech_started(self, event: Event) -> None:
        start_ms = event["audio_start_ms"]
        assert not self.turns or self.turns[-1][2] is not None, "speech started twice"
        assert not self.turns or start_ms >= (self.turns[-1][2] or 0), "time went back"
        assert self.find(event["item_id"]) is None
        self.turns.append((event["item_id"], start_ms, None))

    def _input_audio_buffer_speech_stopped(self, event: Event) -> None:
        item_id, start_ms, end_ms = self.turns[-1]
        assert end_ms is None, "speech stopped twice"
        assert item_id == event["item_id"], "the turn's id changed"
        assert event["audio_end_ms"] > start_ms
        self.turns[-1] = (item_id, start_ms, event["audio_end_ms"])
        self.stopped = item_id

    def _close_turn(self) -> None:
        self.stopped = None
        if self.turns and self.turns[-1][2] is None:
            item_id, start_ms, _ = self.turns[-1]
            self.turns[-1] = (item_id, start_ms, start_ms)

    def _input_audio_buffer_committed(self, event: Event) -> None:
        assert self.find(event["item_id"]) is None
        if self.stopped is not None:
            assert event["item_id"] == self.stopped, "the turn's id changed"
        self.stopped = None
        self._close_turn()
        if self.transcribing:
            self.promised_words.add(event["item_id"])

    def _input_audio_buffer_cleared(self, event: Event) -> None:
        self._close_turn()

    # -- responses --------------------------------------------------------------------------------------

    def _response_created(self, event: Event) -> None:
        response = event["response"]
        assert response["id"] not in self.responses, f"created twice: {event}"
        assert response["status"] == "in_progress"
        self.responses[response["id"]] = "in_progress"
        if (response.get("metadata") or {}).get("aside"):
            self.aside.add(response["id"])
        else:
            running = [r for r, s in self.responses.items() if s == "in_progress" and r not in self.aside]
            assert len(running) == 1, f"two answers at once: {running}"

    def _inside(self, event: Event) -> Seen:
        assert self.responses.get(event["response_id"]) == "in_progress", f"of no running response: {event}"
        seen = self.outputs.get(event["item_id"])
        assert seen is not None, f"of an item that nobody announced: {event}"
        assert "item" not in seen.streams, f"after the item's end: {event}"
        return seen

    def _response_output_item_added(self, event: Event) -> None:
        assert self.responses.get(event["response_id"]) == "in_progress", event
        item = event["item"]
        assert item["id"] not in self.outputs, f"announced twice: {item}"
        self.outputs[item["id"]] = Seen(item["id"], item)

    def _response_content_part_added(self, event: Event) -> None:
        seen = self._inside(event)
        assert event["content_index"] not in seen.parts, f"part added twice: {event}"
        seen.parts.add(event["content_index"])

    def _open_stream(self, event: Event, name: str) -> Seen:
        seen = self._inside(event)
        assert event["content_index"] in seen.parts, f"of no part: {event}"
        assert name not in seen.streams, f"after its end: {event}"
        return seen

    def _response_output_text_delta(self, event: Event) -> None:
        self._open_stream(event, "text").words += event["delta"]

    _response_output_audio_transcript_delta = _response_output_text_delta

    def _response_output_audio_delta(self, event: Event) -> None:
        self._open_stream(event, "audio").sound_chars += len(event["delta"])

    def _response_output_text_done(self, event: Event) -> None:
        seen = self._open_stream(event, "text")
        assert seen.words == event["text"]
        seen.streams.add("text")

    def _response_output_audio_transcript_done(self, event: Event) -> None:
        seen = self._open_stream(event, "transcript")
        assert seen.words == event["transcript"]
        seen.streams.add("transcript")

    def _response_output_audio_done(self, event: Event) -> None:
        self._open_stream(event, "audio").streams.add("audio")

    def _response_content_part_done(self, event: Event) -> None:
        self._open_stream(event, "part").streams.add("part")

    def _response_function_call_arguments_delta(self, event: Event) -> None:
        self._inside(event).words += event["delta"]

    def _response_function_call_arguments_done(self, event: Event) -> None:
        seen = self._inside(event)
        assert seen.words == event["arguments"], (seen.words, event)
        self.calls_made[event["call_id"]] += 1
        assert self.calls_made[event["call_id"]] == 1, "a call twice"

    def _response_output_item_done(self, event: Event) -> None:
        item = event["item"]
        seen = self.outputs[item["id"]]
        assert "item" not in seen.streams, f"item done twice: {event}"
        assert seen.item.get("call_id") == item.get("call_id"), "the call's id changed"
        seen.streams.add("item")
        seen.item = item

    def _response_done(self, event: Event) -> None:
        response = event["response"]
        assert self.responses.get(response["id"]) == "in_progress", f"done twice: {event}"
        self.responses[response["id"]] = response["status"]
        self.statuses[response["id"]] = response
        for item in response["output"]:
            assert item["id"] in self.outputs, f"an item that nobody announced: {event}"
            if response["status"] == "completed" and item["type"] == "message":
                self._check_sound(self.outputs[item["id"]])

    def _check_sound(self, seen: Seen) -> None:
        """Every word of a whole answer was said aloud, once."""
        if "audio" in seen.streams:
            assert seen.sound_chars == CHARS_PER_WORD * len(seen.words.split()), seen

    # -- what must hold in the end ----------------------------------------------------------------------

    def nothing_is_open(self) -> None:
        assert "in_progress" not in self.responses.values(), self.responses
        assert not self.promised_words, f"transcripts that never came: {self.promised_words}"
        if self.dialect is Dialect.GA:
            assert all(seen.done for seen in self.items), [s.item for s in self.items if not s.done]
