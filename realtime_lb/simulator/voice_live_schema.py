"""Voice Live's session and response, as checks.

Fields and values are those of azure-ai-voicelive 1.3.1 (``RequestSession``, ``ResponseCreateParams``) and of
live recordings. That nested GA fields are rejected is what troubleshooting guides for it say; the words of
the error are assumed to be OpenAI's. Avatars, animation, interim responses and MCP are taken and do nothing.
"""

from __future__ import annotations

from typing import Any

from realtime_lb.simulator.checks import (
    Check,
    an_object,
    anything,
    either,
    flag,
    list_of,
    nullable,
    number,
    one_of,
    record,
    tagged,
    text,
    whole,
)
from realtime_lb.simulator.common_schema import GA_VOICES, METADATA, TOOL_CHOICE, TOOLS, max_tokens
from realtime_lb.simulator.refusals import invalid_value

__all__ = ["INPUT_RATES", "OUTPUT_FORMATS", "response", "session"]

INPUT_RATES = (8_000, 16_000, 24_000)
"""SDK: ``input_audio_sampling_rate`` for pcm16; G.711 has 8000."""

OUTPUT_FORMATS = ("pcm16", "pcm16_8000hz", "pcm16_16000hz", "g711_ulaw", "g711_alaw")

_INPUT_FORMATS = one_of("pcm16", "g711_ulaw", "g711_alaw")
_MODALITIES = list_of(one_of("text", "audio", "animation", "avatar"), least=1)
"""Recorded: ``["audio"]`` alone, both, and ``["text"]``."""

_NAMED: dict[str, Check] = {"type": anything, "name": text()}
_AZURE_VOICE: dict[str, Check] = {
    **_NAMED,
    "temperature": nullable(number(0, 1)),
    "endpoint_id": text(),
    "model": text(),
    **dict.fromkeys(
        ("custom_lexicon_url", "custom_text_normalization_url", "locale", "style", "pitch", "rate", "volume"),
        nullable(text()),
    ),
    "prefer_locales": nullable(list_of(text())),
}
_VOICE = either(
    str,
    one_of(*GA_VOICES),
    tagged(
        "type",
        {
            "openai": record({"type": anything, "name": one_of(*GA_VOICES)}, needs=("name",)),
            "azure-realtime-native": record(_NAMED, needs=("name",)),
            "azure-standard": record(_AZURE_VOICE, needs=("name",)),
            "azure-custom": record(_AZURE_VOICE, needs=("name", "endpoint_id")),
            "azure-personal": record(_AZURE_VOICE, needs=("name", "model")),
        },
    ),
)
_VAD: dict[str, Check] = {
    "type": anything,
    "threshold": nullable(number(0, 1)),
    "prefix_padding_ms": nullable(whole(0)),
    "silence_duration_ms": nullable(whole(0)),
    "end_of_utterance_detection": nullable(an_object),
    "auto_truncate": nullable(flag),
    "create_response": nullable(flag),
    "interrupt_response": nullable(flag),
}
_SEMANTIC_VAD = record(
    {
        **_VAD,
        "speech_duration_ms": nullable(whole(0)),
        "remove_filler_words": nullable(flag),
        "languages": nullable(list_of(text())),
    }
)
_TURN_DETECTION = nullable(
    tagged(
        "type",
        {
            "server_vad": record(_VAD),
            "azure_semantic_vad": _SEMANTIC_VAD,
            "azure_semantic_vad_en": _SEMANTIC_VAD,
            "azure_semantic_vad_multilingual": _SEMANTIC_VAD,
        },
    )
)
_TRANSCRIPTION = nullable(
    record(
        {
            "model": text(),
            "language": nullable(text()),
            "prompt": nullable(text()),
            "custom_speech": nullable(an_object),
            "phrase_list": nullable(list_of(text())),
        },
        needs=("model",),
    )
)
_NOISE = one_of("azure_deep_noise_suppression", "near_field", "far_field")
_ECHO = record(
    {
        "type": one_of("server_echo_cancellation"),
        "reference_source": one_of("server", "client"),
        "channels": whole(1, 2),
    },
    needs=("type",),
)
_EFFORT = one_of("none", "minimal", "low", "medium", "high", "xhigh")
_INCLUDE = list_of(
    one_of(
        "item.input_audio_transcription.logprobs",
        "item.input_audio_transcription.phrases",
        "file_search_call.results",
    )
)


def _input_rate(value: Any, place: str) -> None:
    whole(1)(value, place)
    if value not in INPUT_RATES:
        supported = ", ".join(map(str, INPUT_RATES))
        raise invalid_value(place, f"Invalid value: {value}. Supported values are: {supported}.")


def session(most_tokens: int) -> Check:
    """Accept what ``session.update`` may hold."""
    return record(
        {
            "model": text(),
            "modalities": _MODALITIES,
            "instructions": text(),
            "voice": _VOICE,
            "animation": nullable(an_object),
            "avatar": nullable(an_object),
            "input_audio_sampling_rate": nullable(_input_rate),
            "input_audio_format": _INPUT_FORMATS,
            "output_audio_format": one_of(*OUTPUT_FORMATS),
            "turn_detection": _TURN_DETECTION,
            "input_audio_noise_reduction": nullable(record({"type": _NOISE}, needs=("type",))),
            "input_audio_echo_cancellation": nullable(_ECHO),
            "input_audio_transcription": _TRANSCRIPTION,
            "output_audio_timestamp_types": nullable(list_of(one_of("word"))),
            "tools": TOOLS,
            "tool_choice": TOOL_CHOICE,
            "parallel_tool_calls": flag,
            "temperature": nullable(number(0, 2)),
            "max_response_output_tokens": max_tokens(most_tokens),
            "reasoning_effort": nullable(_EFFORT),
            "interim_response": nullable(an_object),
            "include": nullable(_INCLUDE),
            "metadata": METADATA,
        }
    )


def response(most_tokens: int) -> Check:
    """Accept what ``response.create`` may hold.

    ``conversation`` and ``input`` are Azure OpenAI's, which the service says to be compatible with; the SDK
    has ``commit`` and ``input_items`` for them. Both are taken.
    """
    return record(
        {
            "modalities": _MODALITIES,
            "instructions": text(),
            "voice": _VOICE,
            "output_audio_format": one_of(*OUTPUT_FORMATS),
            "tools": TOOLS,
            "tool_choice": TOOL_CHOICE,
            "temperature": nullable(number(0, 2)),
            "max_output_tokens": max_tokens(most_tokens),
            "reasoning_effort": nullable(_EFFORT),
            "metadata": METADATA,
            "conversation": one_of("auto", "none"),
            "input": list_of(an_object),
            "commit": flag,
            "input_items": list_of(an_object),
            "cancel_previous": flag,
            "append_input_items": list_of(an_object),
            "interim_response": an_object,
        }
    )
