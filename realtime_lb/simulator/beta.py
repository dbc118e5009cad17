"""The beta dialect of 2024: flat sessions, as Azure's preview endpoint still speaks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from realtime_lb.simulator import beta_schema
from realtime_lb.simulator.audio import AudioFormat
from realtime_lb.simulator.checks import Check
from realtime_lb.simulator.common_schema import client_events
from realtime_lb.simulator.item_schema import ItemSchema
from realtime_lb.simulator.settings import ResponseOrder, SessionKind, SessionSettings
from realtime_lb.simulator.shape import (
    EventNames,
    ItemReader,
    ResponseState,
    Shape,
    Terms,
    conversation_created,
)
from realtime_lb.simulator.shared_values import (
    full_turn_detection,
    output_limit,
    read_limit,
    read_transcription,
    read_turn_detection,
)
from realtime_lb.typing import JsonObject

__all__ = ["BetaShape"]

_FORMATS = {known.value[2]: known for known in (AudioFormat.PCM16, AudioFormat.ULAW, AudioFormat.ALAW)}
_OVERRIDABLE = (
    "modalities",
    "instructions",
    "voice",
    "output_audio_format",
    "tools",
    "tool_choice",
    "temperature",
    "max_response_output_tokens",
)


class BetaShape(Shape):
    """Sessions as the preview had them."""

    names = EventNames(
        text="response.text",
        audio="response.audio",
        transcript="response.audio_transcript",
        item_added="conversation.item.created",
        item_done=None,
        calls_named=False,
    )
    items = ItemSchema(output_text="text", output_audio="audio", images=False)

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        most_tokens = output_limit(terms.model)
        is_realtime = terms.kind is SessionKind.REALTIME
        self._check_session = (
            beta_schema.realtime_session(most_tokens) if is_realtime else beta_schema.transcription_session()
        )
        self._check_response = beta_schema.response(most_tokens)

    @property
    def session_family(self) -> str:
        """What ``.created`` and ``.updated`` are put behind."""
        return "session" if self.terms.kind is SessionKind.REALTIME else "transcription_session"

    def client_events(self) -> Mapping[str, Check]:
        """Return the client events, each with its check."""
        events = client_events()
        check = events.pop("session.update")
        return {f"{self.session_family}.update": check, **events}

    def new_session(self) -> JsonObject:
        """Return the session object of the first event."""
        session: JsonObject = {
            "id": self.terms.session_id,
            "object": "realtime.session",
            "expires_at": self.terms.expires_at,
            "input_audio_format": "pcm16",
            "input_audio_transcription": None,
            "input_audio_noise_reduction": None,
            "turn_detection": full_turn_detection({"type": "server_vad"}, idle_timeout=False),
            "include": None,
        }
        if self.terms.kind is SessionKind.TRANSCRIPTION:
            return session | {"object": "realtime.transcription_session"}
        return session | {
            "model": self.terms.model,
            "modalities": ["audio", "text"],
            "instructions": "",
            "voice": "alloy",
            "output_audio_format": "pcm16",
            "speed": 1.0,
            "tools": [],
            "tool_choice": "auto",
            "temperature": 0.8,
            "max_response_output_tokens": "inf",
            "tracing": None,
        }

    def opening(self, session: JsonObject, conversation_id: str) -> Sequence[tuple[str, JsonObject]]:
        """Return the events that open a session."""
        created = super().opening(session, conversation_id)
        is_realtime = self.terms.kind is SessionKind.REALTIME
        return (*created, conversation_created(conversation_id)) if is_realtime else created

    def updated(self, session: JsonObject, update: JsonObject, *, spoke: bool) -> JsonObject:
        """Return *session* with *update* applied, or refuse it whole."""
        self._check_session(update, "session")
        self.hold_model(update)
        merged = session | update
        if "turn_detection" in update:
            merged["turn_detection"] = full_turn_detection(update["turn_detection"], idle_timeout=False)
        self.hold_voice("session.voice", session.get("voice"), merged.get("voice"), spoke=spoke)
        transcription = merged["input_audio_transcription"]
        self.hold_transcription_model("session.input_audio_transcription.model", transcription)
        return merged

    def settings(self, session: JsonObject) -> SessionSettings:
        """Read a session object."""
        return SessionSettings(
            speaks="audio" in session.get("modalities", ()),
            voice=session.get("voice", ""),
            input_format=_FORMATS[session["input_audio_format"]],
            output_format=_FORMATS[session.get("output_audio_format", "pcm16")],
            turn_detection=read_turn_detection(session["turn_detection"]),
            transcription=read_transcription(session["input_audio_transcription"], session["include"]),
            instructions=session.get("instructions", ""),
            tools=tuple(session.get("tools", ())),
            tool_choice=session.get("tool_choice", "auto"),
            max_output_tokens=read_limit(session.get("max_response_output_tokens", "inf")),
        )

    def order(
        self, session: JsonObject, params: JsonObject, read: ItemReader, *, spoke: bool
    ) -> ResponseOrder:
        """Read a ``response.create``, or refuse it."""
        self._check_response(params, "response")
        effective = session | {name: params[name] for name in _OVERRIDABLE if name in params}
        self.hold_voice("response.voice", session["voice"], effective["voice"], spoke=spoke)
        given = params.get("input")
        context = None
        if given is not None:
            context = tuple(read(item, f"response.input[{index}]") for index, item in enumerate(given))
        return ResponseOrder(
            settings=self.settings(effective),
            out_of_band=params.get("conversation") == "none",
            metadata=params.get("metadata"),
            context=context,
            extras=(("temperature", effective["temperature"]),),
        )

    def response(self, state: ResponseState) -> JsonObject:
        """Return the response object."""
        settings = state.order.settings
        return {
            "object": "realtime.response",
            "id": state.id,
            "status": state.status,
            "status_details": state.details,
            "output": [self.items.write(item) for item in state.output],
            "conversation_id": state.conversation_id,
            "modalities": ["audio", "text"] if settings.speaks else ["text"],
            "voice": settings.voice,
            "output_audio_format": settings.output_format.value[2],
            "max_output_tokens": settings.max_output_tokens or "inf",
            "usage": state.usage,
            "metadata": state.order.metadata,
            **dict(state.order.extras),
        }
