"""Every field of sessions and responses: where each dialect keeps it, and in what form."""

from __future__ import annotations

from collections.abc import Iterable

from realtime_lb.dialects.forms import CHOICE, FORMAT, FUNCTIONS, MODALITIES, VOICE
from realtime_lb.dialects.rows import FieldRow

__all__ = ["ORDER", "RESPONSE", "SESSION", "TRANSCRIPTION"]

_NO_TEMPERATURE = "GA has no temperature. A beta client is shown the value that it set, 0.8 at first"
_NOT_IN_BETA = "beta does not have it"
_VOICE_LOSS = "marin, cedar and custom voices have no beta name"
_RATE_LOSS = "a PCM rate other than 24,000 Hz has no beta name"
_MODALITIES_LOSS = 'the order; beta\'s `["audio"]` comes back as `["audio", "text"]`'


def _both(*names: str) -> Iterable[FieldRow]:
    return (FieldRow(ga=name, beta=name, source="PY, PY199") for name in names)


def _ga_only(*names: str, source: str = "PY, AZ-400") -> Iterable[FieldRow]:
    return (FieldRow(ga=name, beta=None, source=source, loss=_NOT_IN_BETA) for name in names)


_TYPE = FieldRow(ga="type", beta=None, source="PY, AZ-400", implied=True)
_CLIENT_SECRET = FieldRow(ga=None, beta="client_secret", source="PY199", loss="part of REST answers only")
_TEMPERATURE = FieldRow(ga=None, beta="temperature", source="SPEC, PY199", loss=_NO_TEMPERATURE)

_MODALITIES = FieldRow(
    ga="output_modalities",
    beta="modalities",
    source="PY, PY199, AZ-MIG, LK",
    form=MODALITIES,
    loss=_MODALITIES_LOSS,
)
_VOICE = FieldRow(
    ga="audio.output.voice", beta="voice", source="PY, PY158, AZ-MIG", form=VOICE, loss=_VOICE_LOSS
)
_OUTPUT_FORMAT = FieldRow(
    ga="audio.output.format",
    beta="output_audio_format",
    source="SPEC, PY199, AZ-MIG",
    form=FORMAT,
    loss=_RATE_LOSS,
)
_MAX_TOKENS = FieldRow(ga="max_output_tokens", beta="max_response_output_tokens", source="PY, PY199, AZ-MIG")
_TOOLS = (
    FieldRow(ga="tools", beta="tools", source="PY, PY199", form=FUNCTIONS, loss="MCP tools"),
    FieldRow(ga="tool_choice", beta="tool_choice", source="PY, PY199", form=CHOICE, loss="an MCP tool"),
)
_REST_OF_AUDIO = FieldRow(
    ga="audio", beta=None, source="PY, AZ-400", loss="fields of `audio` that this table does not know"
)

_HEARD = (
    FieldRow(
        ga="audio.input.format",
        beta="input_audio_format",
        source="SPEC, PY199, AZ-MIG",
        form=FORMAT,
        loss=_RATE_LOSS,
    ),
    FieldRow(
        ga="audio.input.transcription",
        beta="input_audio_transcription",
        source="PY, PY199, AZ-MIG",
    ),
    *_ga_only(
        "audio.input.transcription.languages",
        "audio.input.transcription.keywords",
        "audio.input.transcription.delay",
        source="PY",
    ),
    FieldRow(
        ga="audio.input.noise_reduction",
        beta="input_audio_noise_reduction",
        source="PY, PY199, AZ-MIG",
    ),
    *_ga_only("audio.input.noise_reduction.strength", source="SPEC"),
    FieldRow(ga="audio.input.turn_detection", beta="turn_detection", source="PY, PY199, AZ-MIG"),
    *_ga_only("audio.input.turn_detection.idle_timeout_ms", source="PY"),
)

SESSION: tuple[FieldRow, ...] = (
    _TYPE,
    *_both("model", "instructions", "tracing", "include", "id", "object", "expires_at"),
    _MODALITIES,
    *_HEARD,
    _VOICE,
    FieldRow(ga="audio.output.speed", beta="speed", source="PY, PY199"),
    _OUTPUT_FORMAT,
    *_TOOLS,
    _MAX_TOKENS,
    _TEMPERATURE,
    _CLIENT_SECRET,
    *_ga_only("prompt", "truncation", "reasoning", "parallel_tool_calls"),
    _REST_OF_AUDIO,
)
"""The session of a conversation, as clients update it and servers show it."""

TRANSCRIPTION: tuple[FieldRow, ...] = (
    _TYPE,
    *_both("include", "id", "object", "expires_at"),
    *_HEARD,
    _TEMPERATURE,
    FieldRow(ga=None, beta="modalities", source="PY199", loss="a transcription session answers nothing"),
    _CLIENT_SECRET,
    _REST_OF_AUDIO,
)
"""The session of a transcription."""

ORDER: tuple[FieldRow, ...] = (
    *_both("conversation", "metadata", "instructions", "input"),
    _MODALITIES,
    _VOICE,
    _OUTPUT_FORMAT,
    *_TOOLS,
    _MAX_TOKENS,
    _TEMPERATURE,
    *_ga_only("prompt", "reasoning", "parallel_tool_calls"),
    _REST_OF_AUDIO,
)
"""What ``response.create`` asks for."""

RESPONSE: tuple[FieldRow, ...] = (
    *_both("id", "object", "status", "status_details", "output", "conversation_id", "usage", "metadata"),
    _MODALITIES,
    _VOICE,
    _OUTPUT_FORMAT,
    FieldRow(ga="max_output_tokens", beta="max_output_tokens", source="PY, PY199"),
    _TEMPERATURE,
    _REST_OF_AUDIO,
)
"""A response as servers show it. Here ``max_output_tokens`` has one name in both."""
