"""Voice Live: beta's events around a session of its own, as live recordings of 2026 show it.

It opens with ``session.created`` alone, its voice is an object, a call's arguments end with the function's
name, and a detector that is given in part is filled up with other values than that of a new session has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve

from realtime_lb.simulator import voice_live_schema
from realtime_lb.simulator.audio import AudioFormat
from realtime_lb.simulator.beta import BetaShape
from realtime_lb.simulator.checks import Check
from realtime_lb.simulator.common_schema import client_events
from realtime_lb.simulator.settings import ResponseOrder, SessionSettings
from realtime_lb.simulator.shape import ItemReader, ResponseState, Terms
from realtime_lb.simulator.shared_values import (
    output_limit,
    read_limit,
    read_transcription,
    read_turn_detection,
)
from realtime_lb.typing import JsonObject

__all__ = ["VoiceLiveShape"]

_G711 = {"g711_ulaw": AudioFormat.ULAW, "g711_alaw": AudioFormat.ALAW}
_OUTPUT = {
    **_G711,
    "pcm16": AudioFormat.PCM16,
    "pcm16_8000hz": AudioFormat.PCM16_8K,
    "pcm16_16000hz": AudioFormat.PCM16_16K,
}
_FIRST_VAD = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 200,
    "create_response": True,
    "interrupt_response": True,
    "auto_truncate": False,
}
_UPDATED_VAD = {**_FIRST_VAD, "prefix_padding_ms": 400, "silence_duration_ms": 500}
_OVERRIDABLE = (
    "modalities",
    "instructions",
    "voice",
    "output_audio_format",
    "tools",
    "tool_choice",
    "temperature",
)


class VoiceLiveShape(BetaShape):
    """One session of Voice Live."""

    names = evolve(BetaShape.names, calls_named=True)

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        most_tokens = output_limit(terms.model)
        self._check_session = voice_live_schema.session(most_tokens)
        self._check_response = voice_live_schema.response(most_tokens)

    def client_events(self) -> Mapping[str, Check]:
        """Return the client events, each with its check. Avatars' and turns' are not played."""
        return client_events()

    def opening(self, session: JsonObject, conversation_id: str) -> Sequence[tuple[str, JsonObject]]:  # noqa: ARG002  # it shows no conversation
        """Return the one event that opens a session."""
        return (("session.created", {"session": session}),)

    def new_session(self) -> JsonObject:
        """Return the session object of the first event."""
        return {
            "id": self.terms.session_id,
            "object": "realtime.session",
            "expires_at": self.terms.expires_at,
            "model": self.terms.model,
            "modalities": ["audio"],
            "instructions": "",
            "voice": {"name": "alloy", "type": "openai"},
            "input_audio_format": "pcm16",
            "input_audio_sampling_rate": 24_000,
            "output_audio_format": "pcm16",
            "input_audio_transcription": None,
            "input_audio_noise_reduction": None,
            "input_audio_echo_cancellation": None,
            "turn_detection": _FIRST_VAD,
            "tools": [],
            "tool_choice": "auto",
            "max_response_output_tokens": "inf",
            "animation": None,
            "avatar": None,
            "output_audio_timestamp_types": None,
            "include": None,
        }

    def updated(self, session: JsonObject, update: JsonObject, *, spoke: bool) -> JsonObject:
        """Return *session* with *update* applied, or refuse it whole."""
        self._check_session(update, "session")
        self.hold_model(update)
        merged = session | update
        merged["voice"] = _full_voice(merged["voice"])
        if update.get("turn_detection"):
            given = {name: value for name, value in update["turn_detection"].items() if value is not None}
            merged["turn_detection"] = _UPDATED_VAD | given
        self.hold_voice("session.voice", session["voice"], merged["voice"], spoke=spoke)
        transcription = merged["input_audio_transcription"]
        self.hold_transcription_model("session.input_audio_transcription.model", transcription)
        return merged

    def settings(self, session: JsonObject) -> SessionSettings:
        """Read a session object."""
        detection = session["turn_detection"]
        heard = _G711.get(session["input_audio_format"])
        rate_hz = session["input_audio_sampling_rate"] or 24_000
        return SessionSettings(
            speaks="audio" in session["modalities"],
            voice=session["voice"]["name"],
            input_format=heard or AudioFormat.pcm(rate_hz),
            output_format=_OUTPUT[session["output_audio_format"]],
            turn_detection=read_turn_detection(detection and {**detection, "type": "server_vad"}),
            transcription=read_transcription(session["input_audio_transcription"], session["include"]),
            instructions=session["instructions"],
            tools=tuple(session["tools"]),
            tool_choice=session["tool_choice"],
            max_output_tokens=read_limit(session["max_response_output_tokens"]),
        )

    def order(
        self, session: JsonObject, params: JsonObject, read: ItemReader, *, spoke: bool
    ) -> ResponseOrder:
        """Read a ``response.create``, or refuse it."""
        self._check_response(params, "response")
        effective = session | {name: params[name] for name in _OVERRIDABLE if name in params}
        effective["voice"] = _full_voice(effective["voice"])
        if "max_output_tokens" in params:
            effective["max_response_output_tokens"] = params["max_output_tokens"]
        self.hold_voice("response.voice", session["voice"], effective["voice"], spoke=spoke)
        name = "input_items" if "input_items" in params else "input"
        given = params.get(name)
        context = None
        if given is not None:
            context = tuple(read(item, f"response.{name}[{index}]") for index, item in enumerate(given))
        shown = {
            key: effective.get(key) for key in ("modalities", "voice", "output_audio_format", "temperature")
        }
        return ResponseOrder(
            settings=self.settings(effective),
            out_of_band=params.get("conversation") == "none" or params.get("commit") is False,
            metadata=params.get("metadata"),
            context=context,
            extras=tuple(shown.items()),
        )

    def response(self, state: ResponseState) -> JsonObject:
        """Return the response object."""
        return {**super().response(state), **dict(state.order.extras)}


def _full_voice(given: Any) -> JsonObject:
    """Return a voice as the server shows it: one of OpenAI's may be given by its name."""
    return {"name": given, "type": "openai"} if isinstance(given, str) else dict(given)
