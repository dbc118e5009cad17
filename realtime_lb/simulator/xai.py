"""xAI's Grok Voice: GA's event names, a session of its own, and events with parts missing.

What is done here was seen in live recordings (pydantic-ai, July and November 2026), unless its line says
otherwise. Not played: resumption, web and X searches, ``force_message``, the extra fields of audio deltas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from realtime_lb.simulator import xai_schema
from realtime_lb.simulator.audio import AudioFormat
from realtime_lb.simulator.checks import Check
from realtime_lb.simulator.common_schema import client_events
from realtime_lb.simulator.settings import ResponseOrder, SessionSettings, Transcription, TurnDetection
from realtime_lb.simulator.shape import (
    EventNames,
    ItemReader,
    ResponseState,
    Shape,
    Terms,
    conversation_created,
)
from realtime_lb.simulator.xai_items import XaiItems
from realtime_lb.typing import JsonObject

__all__ = ["XaiShape"]

_G711 = {"audio/pcmu": AudioFormat.ULAW, "audio/pcma": AudioFormat.ALAW}
_TRANSCRIBED = "conversation.item.input_audio_transcription"
_PCM = {"type": "audio/pcm", "rate": 24_000}
_NESTED = frozenset({"audio", "input", "output"})


class XaiShape(Shape):
    """One session of xAI's."""

    names = EventNames(
        text="response.output_text",
        audio="response.output_audio",
        transcript="response.output_audio_transcript",
        item_added="conversation.item.added",
        item_done=None,
    )
    items = XaiItems(output_text="output_text", output_audio="output_audio", images=False)
    answers_commits: ClassVar[bool] = True
    commits_under_vad: ClassVar[bool] = False
    """Its page: a commit is only available without turn detection. How it is refused is assumed."""

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        self._heard: dict[str, str] = {}

    def client_events(self) -> Mapping[str, Check]:
        """Return the client events, each with its check."""
        return client_events()

    def opening(self, session: JsonObject, conversation_id: str) -> Sequence[tuple[str, JsonObject]]:
        """Return the events that open a session. Its page has the conversation first, and no session."""
        named = ("id", "object", "model", "instructions", "voice", "modalities", "tools")
        shown = {name: session[name] for name in named} | {"turn_detection": {"type": None}}
        events = (("session.created", {"session": shown}), conversation_created(conversation_id))
        return events[::-1] if self.terms.conversation_first else events

    def new_session(self) -> JsonObject:
        """Return the session object in force before any update."""
        return {
            "id": self.terms.session_id,
            "object": "realtime.session",
            "model": self.terms.model,
            "instructions": "",
            "voice": "ara",
            "modalities": ["audio"],
            "turn_detection": None,
            "tools": [],
            "tool_choice": "auto",
            "temperature": -1.0,
            "max_response_output_tokens": "inf",
            "input_audio_format": "not specified",
            "output_audio_format": "not specified",
            "input_audio_transcription": None,
            "audio": {"input": {"format": _PCM}, "output": {"format": _PCM}},
        }

    def updated(self, session: JsonObject, update: JsonObject, *, spoke: bool) -> JsonObject:  # noqa: ARG002  # a voice may change at any time
        """Return *session* with what *update* says and is known; all else is ignored without a word."""
        xai_schema.SESSION(update, "session")
        known = {name: value for name, value in update.items() if name in _SETTABLE}
        return _merge(session, known)

    def settings(self, session: JsonObject) -> SessionSettings:
        """Read a session object. It always speaks, and has no limit of tokens."""
        heard, said = session["audio"]["input"], session["audio"]["output"]
        return SessionSettings(
            speaks=True,
            voice=session["voice"] or "ara",
            input_format=_format(heard["format"]),
            output_format=_format(said["format"]),
            turn_detection=_detection(session["turn_detection"]),
            transcription=_transcription(heard.get("transcription")),
            instructions=session["instructions"],
            tools=tuple(tool for tool in session["tools"] if tool["type"] == "function"),
            tool_choice=session["tool_choice"],
            max_output_tokens=None,
        )

    def order(
        self,
        session: JsonObject,
        params: JsonObject,
        read: ItemReader,
        *,
        spoke: bool,  # noqa: ARG002  # as in updated
    ) -> ResponseOrder:
        """Read a ``response.create``. Which fields are heeded is not documented: here, these."""
        xai_schema.RESPONSE(params, "response")
        overrides = {name: params[name] for name in ("instructions",) if name in params}
        given = params.get("input")
        context = None
        if given is not None:
            context = tuple(read(item, f"response.input[{index}]") for index, item in enumerate(given))
        return ResponseOrder(
            settings=self.settings({**session, **overrides}),
            out_of_band=params.get("conversation") == "none",
            context=context,
        )

    def response(self, state: ResponseState) -> JsonObject:
        """Return the response object; its tokens are moved by `dress`."""
        return {
            "id": state.id,
            "object": "realtime.response",
            "output": [self.items.write(item) for item in state.output],
            "status": state.status,
            "status_details": state.details or "unimplemented",
            "usage": state.usage or {},
        }

    def dress(self, event_type: str, fields: JsonObject) -> tuple[str, JsonObject]:
        """Return an event with what xAI leaves out left out, and the rest where xAI has it."""
        if event_type.startswith(_TRANSCRIBED):
            return self._transcribed(event_type, fields)
        dressed = _DRESSED.get(event_type)
        return event_type, dressed(fields) if dressed else fields

    def _transcribed(self, event_type: str, fields: JsonObject) -> tuple[str, JsonObject]:
        """Tell the whole text so far, where OpenAI tells what is new."""
        where = {"item_id": fields["item_id"], "content_index": 0}
        if event_type == f"{_TRANSCRIBED}.completed":
            return event_type, {**where, "transcript": fields["transcript"], "status": "completed"}
        text = self._heard.get(fields["item_id"], "") + fields["delta"]
        self._heard[fields["item_id"]] = text
        return f"{_TRANSCRIBED}.updated", {**where, "transcript": text}


_SETTABLE = frozenset({"instructions", "voice", "turn_detection", "tools", "tool_choice", "audio"})


def _merge(old: JsonObject, update: JsonObject) -> JsonObject:
    merged = dict(old)
    for name, value in update.items():
        merged[name] = _merge(old[name], value) if name in _NESTED and name in old else value
    return merged


def _shown(session: JsonObject) -> JsonObject:
    """Return what an update is answered with: no id, and no detector where there is none."""
    hidden = {"id", "object"} | ({"turn_detection"} if session["turn_detection"] is None else set())
    shown = {name: value for name, value in session.items() if name not in hidden}
    return {**shown, "input_audio_transcription": session["audio"]["input"].get("transcription")}


def _without(fields: JsonObject, name: str) -> JsonObject:
    return {key: value for key, value in fields.items() if key != name}


def _with_bare_item(fields: JsonObject) -> JsonObject:
    return {**fields, "item": _without(fields["item"], "content")}


def _with_tokens_beside(fields: JsonObject) -> JsonObject:
    response = fields["response"]
    moved = {"usage": response["usage"], "response_id": response["id"]}
    return {"response": {**response, "usage": {}}, **moved}


_DRESSED: Mapping[str, Callable[[JsonObject], JsonObject]] = {
    "session.updated": lambda fields: {"session": _shown(fields["session"])},
    "response.done": _with_tokens_beside,
    "response.output_item.added": _with_bare_item,
    "response.output_item.done": _with_bare_item,
    "response.function_call_arguments.delta": lambda fields: _without(fields, "output_index"),
    "response.content_part.done": lambda fields: _without(fields, "part"),
    "conversation.item.deleted": lambda _: {"item_id": ""},  # LiveKit
}
"""Server event → its fields as xAI has them."""


def _format(given: JsonObject) -> AudioFormat:
    return _G711.get(given["type"]) or AudioFormat.pcm(given.get("rate", 24_000))


def _detection(given: JsonObject | None) -> TurnDetection | None:
    """``create_response: false`` is echoed, and an answer comes all the same."""
    if given is None or given.get("type") is None:
        return None
    return TurnDetection(
        threshold=given.get("threshold", 0.85),
        prefix_padding_ms=given.get("prefix_padding_ms", 333),
        silence_duration_ms=given.get("silence_duration_ms", 200),
        interrupt_response=given.get("interrupt_response", True),
    )


def _transcription(given: Any) -> Transcription | None:
    return Transcription(model=given.get("model", "grok-transcribe")) if given is not None else None
