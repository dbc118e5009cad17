"""The beta session and response, as checks."""

from __future__ import annotations

from realtime_lb.simulator.checks import Check, an_object, list_of, nullable, number, one_of, record, text
from realtime_lb.simulator.common_schema import (
    BETA_VOICES,
    INCLUDE,
    METADATA,
    NOISE_KINDS,
    TOOL_CHOICE,
    TOOLS,
    TRACING,
    combination,
    max_tokens,
    turn_detection,
)

__all__ = ["realtime_session", "response", "transcription_session"]

_FORMAT = one_of("pcm16", "g711_ulaw", "g711_alaw")
_MODALITIES = combination(("text",), ("audio", "text"))
_TEMPERATURE = number(0.6, 1.2)
_INPUT: dict[str, Check] = {
    "input_audio_format": _FORMAT,
    "input_audio_noise_reduction": nullable(record({"type": NOISE_KINDS})),
    "input_audio_transcription": nullable(record({"model": text(), "language": text(), "prompt": text()})),
    "turn_detection": turn_detection(idle_timeout=False),
    "include": INCLUDE,
}


def realtime_session(most_tokens: int) -> Check:
    """Accept what ``session.update`` may hold."""
    return record(
        {
            **_INPUT,
            "model": text(),
            "modalities": _MODALITIES,
            "instructions": text(),
            "voice": one_of(*BETA_VOICES),
            "output_audio_format": _FORMAT,
            "speed": number(0.25, 1.5),
            "temperature": _TEMPERATURE,
            "tools": TOOLS,
            "tool_choice": TOOL_CHOICE,
            "max_response_output_tokens": max_tokens(most_tokens),
            "tracing": TRACING,
        }
    )


def transcription_session() -> Check:
    """Accept what ``transcription_session.update`` may hold."""
    return record({**_INPUT, "modalities": _MODALITIES})


def response(most_tokens: int) -> Check:
    """Accept what ``response.create`` may hold."""
    return record(
        {
            "modalities": _MODALITIES,
            "instructions": text(),
            "voice": one_of(*BETA_VOICES),
            "output_audio_format": _FORMAT,
            "tools": TOOLS,
            "tool_choice": TOOL_CHOICE,
            "temperature": _TEMPERATURE,
            "max_response_output_tokens": max_tokens(most_tokens),
            "conversation": one_of("auto", "none"),
            "metadata": METADATA,
            "input": list_of(an_object),
        }
    )
