"""The GA dialect: nested sessions, ``session.type``, ``conversation.item.added`` and ``.done``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from realtime_lb.simulator import ga_schema
from realtime_lb.simulator.audio import AudioFormat
from realtime_lb.simulator.checks import Check, one_of
from realtime_lb.simulator.common_schema import client_events
from realtime_lb.simulator.item_schema import ItemSchema
from realtime_lb.simulator.refusals import invalid_value, missing_parameter
from realtime_lb.simulator.settings import ResponseOrder, SessionKind, SessionSettings
from realtime_lb.simulator.shape import EventNames, ItemReader, ResponseState, Shape, Terms
from realtime_lb.simulator.shared_values import (
    full_turn_detection,
    output_limit,
    read_limit,
    read_transcription,
    read_turn_detection,
)
from realtime_lb.typing import JsonObject

__all__ = ["GaShape"]

_FORMATS = {
    "audio/pcm": AudioFormat.PCM16,
    "audio/pcmu": AudioFormat.ULAW,
    "audio/pcma": AudioFormat.ALAW,
}
_NESTED = frozenset({"audio", "input", "output"})
"""The objects that an update reaches into; all others are replaced."""


class GaShape(Shape):
    """Sessions as OpenAI and Azure's v1 endpoints have them since 2025."""

    names = EventNames(
        text="response.output_text",
        audio="response.output_audio",
        transcript="response.output_audio_transcript",
        item_added="conversation.item.added",
        item_done="conversation.item.done",
    )
    items = ItemSchema(output_text="output_text", output_audio="output_audio", images=True)

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        most_tokens = output_limit(terms.model)
        is_realtime = terms.kind is SessionKind.REALTIME
        self._check_session = (
            ga_schema.realtime_session(most_tokens) if is_realtime else ga_schema.transcription_session()
        )
        self._check_response = ga_schema.response(most_tokens)

    def client_events(self) -> Mapping[str, Check]:
        """Return the client events, each with its check."""
        return client_events()

    def new_session(self) -> JsonObject:
        """Return the session object of the first event."""
        heard: JsonObject = {
            "format": _full_format({"type": "audio/pcm"}),
            "transcription": None,
            "noise_reduction": None,
            "turn_detection": full_turn_detection({"type": "server_vad"}, idle_timeout=True),
        }
        session: JsonObject = {
            "type": self.terms.kind,
            "object": "realtime.session",
            "id": self.terms.session_id,
            "expires_at": self.terms.expires_at,
            "audio": {"input": heard},
            "include": None,
        }
        if self.terms.kind is SessionKind.TRANSCRIPTION:
            return session | {"object": "realtime.transcription_session"}
        session["audio"]["output"] = {
            "format": _full_format({"type": "audio/pcm"}),
            "voice": "marin",
            "speed": 1.0,
        }
        return session | {
            "model": self.terms.model,
            "output_modalities": ["audio"],
            "instructions": "",
            "tools": [],
            "tool_choice": "auto",
            "max_output_tokens": "inf",
            "tracing": None,
            "prompt": None,
            "truncation": "auto",
        }

    def updated(self, session: JsonObject, update: JsonObject, *, spoke: bool) -> JsonObject:
        """Return *session* with *update* applied, or refuse it whole."""
        if "type" not in update:
            raise missing_parameter("session.type")
        one_of(*SessionKind)(update["type"], "session.type")
        if update["type"] != self.terms.kind:
            raise invalid_value("session.type", "The type of a session cannot be changed.")
        self._check_session(update, "session")
        self.hold_model(update)
        merged = _merge(session, update)
        self._hold(session, merged, spoke=spoke)
        return merged

    def _hold(self, old: JsonObject, new: JsonObject, *, spoke: bool) -> None:
        place = "session.audio.output.voice"
        if self.terms.kind is SessionKind.REALTIME:
            voices = (session["audio"]["output"]["voice"] for session in (old, new))
            self.hold_voice(place, *voices, spoke=spoke)
        transcription = new["audio"]["input"]["transcription"]
        self.hold_transcription_model("session.audio.input.transcription.model", transcription)

    def settings(self, session: JsonObject) -> SessionSettings:
        """Read a session object."""
        heard = session["audio"]["input"]
        said = session["audio"].get("output", {"format": heard["format"], "voice": ""})
        return SessionSettings(
            speaks=session.get("output_modalities") == ["audio"],
            voice=_voice_id(said["voice"]),
            input_format=_FORMATS[heard["format"]["type"]],
            output_format=_FORMATS[said["format"]["type"]],
            turn_detection=read_turn_detection(heard["turn_detection"]),
            transcription=read_transcription(heard["transcription"], session["include"]),
            instructions=session.get("instructions", ""),
            tools=tuple(session.get("tools", ())),
            tool_choice=session.get("tool_choice", "auto"),
            max_output_tokens=read_limit(session.get("max_output_tokens", "inf")),
        )

    def order(
        self, session: JsonObject, params: JsonObject, read: ItemReader, *, spoke: bool
    ) -> ResponseOrder:
        """Read a ``response.create``, or refuse it."""
        self._check_response(params, "response")
        overrides: JsonObject = {
            name: params[name]
            for name in (
                "audio",
                "instructions",
                "tools",
                "tool_choice",
                "max_output_tokens",
                "output_modalities",
            )
            if name in params
        }
        effective = _merge(session, overrides)
        voices = (one["audio"]["output"]["voice"] for one in (session, effective))
        self.hold_voice("response.audio.output.voice", *voices, spoke=spoke)
        given = params.get("input")
        context = None
        if given is not None:
            context = tuple(read(item, f"response.input[{index}]") for index, item in enumerate(given))
        return ResponseOrder(
            settings=self.settings(effective),
            out_of_band=params.get("conversation") == "none",
            metadata=params.get("metadata"),
            context=context,
        )

    def response(self, state: ResponseState) -> JsonObject:
        """Return the response object."""
        settings = state.order.settings
        wire_name = next(name for name, known in _FORMATS.items() if known is settings.output_format)
        said = {"format": _full_format({"type": wire_name}), "voice": settings.voice}
        return {
            "object": "realtime.response",
            "id": state.id,
            "status": state.status,
            "status_details": state.details,
            "output": [self.items.write(item) for item in state.output],
            "conversation_id": state.conversation_id,
            "output_modalities": ["audio"] if settings.speaks else ["text"],
            "max_output_tokens": settings.max_output_tokens or "inf",
            "audio": {"output": said},
            "usage": state.usage,
            "metadata": state.order.metadata,
        }


def _voice_id(voice: Any) -> str:
    return str(voice["id"]) if isinstance(voice, dict) else str(voice)


def _full_format(given: JsonObject) -> JsonObject:
    return given | {"rate": 24_000} if given["type"] == "audio/pcm" else given


def _merge(old: JsonObject, update: JsonObject) -> JsonObject:
    merged = dict(old)
    for name, value in update.items():
        if name in _NESTED and name in old:
            merged[name] = _merge(old[name], value)
        elif name == "turn_detection":
            merged[name] = full_turn_detection(value, idle_timeout=True)
        elif name == "format":
            merged[name] = _full_format(value)
        else:
            merged[name] = value
    return merged
