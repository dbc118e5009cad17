"""The GA session and response, as checks."""

from __future__ import annotations

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
from realtime_lb.simulator.common_schema import (
    GA_VOICES,
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

_FORMAT = tagged(
    "type",
    {
        "audio/pcm": record({"type": anything, "rate": whole(24_000, 24_000)}),
        "audio/pcmu": record({"type": anything}),
        "audio/pcma": record({"type": anything}),
    },
)
_TRANSCRIPTION = nullable(
    record(
        {
            "model": text(),
            "language": text(),
            "languages": list_of(text()),
            "keywords": list_of(text()),
            "prompt": text(),
            "delay": one_of("minimal", "low", "medium", "high", "xhigh"),
        }
    )
)
_VOICE = either(str, one_of(*GA_VOICES), record({"id": text()}, needs=("id",)))
_INPUT = record(
    {
        "format": _FORMAT,
        "noise_reduction": nullable(record({"type": NOISE_KINDS, "strength": number(0, 1)})),
        "transcription": _TRANSCRIPTION,
        "turn_detection": turn_detection(idle_timeout=True),
    }
)
_OUTPUT = record({"format": _FORMAT, "speed": number(0.25, 1.5), "voice": _VOICE})
_MODALITIES = combination(("text",), ("audio",))
_REASONING = nullable(record({"effort": one_of("minimal", "low", "medium", "high", "xhigh")}))
_PROMPT = nullable(
    record({"id": text(), "version": nullable(text()), "variables": nullable(an_object)}, needs=("id",))
)
_TRUNCATION = either(
    str,
    one_of("auto", "disabled"),
    tagged(
        "type",
        {
            "retention_ratio": record(
                {
                    "type": anything,
                    "retention_ratio": number(0, 1),
                    "token_limits": record({"post_instructions": whole(0)}),
                },
                needs=("retention_ratio",),
            )
        },
    ),
)


def realtime_session(most_tokens: int) -> Check:
    """Accept what ``session.update`` may hold in a realtime session."""
    return record(
        {
            "type": anything,
            "model": text(),
            "output_modalities": _MODALITIES,
            "instructions": text(),
            "audio": record({"input": _INPUT, "output": _OUTPUT}),
            "include": INCLUDE,
            "tools": TOOLS,
            "tool_choice": TOOL_CHOICE,
            "parallel_tool_calls": flag,
            "max_output_tokens": max_tokens(most_tokens),
            "prompt": _PROMPT,
            "reasoning": _REASONING,
            "tracing": TRACING,
            "truncation": _TRUNCATION,
        }
    )


def transcription_session() -> Check:
    """Accept what ``session.update`` may hold in a transcription session."""
    return record({"type": anything, "audio": record({"input": _INPUT}), "include": INCLUDE})


def response(most_tokens: int) -> Check:
    """Accept what ``response.create`` may hold."""
    return record(
        {
            "audio": record({"output": record({"format": _FORMAT, "voice": _VOICE})}),
            "conversation": one_of("auto", "none"),
            "input": list_of(an_object),
            "instructions": text(),
            "max_output_tokens": max_tokens(most_tokens),
            "metadata": METADATA,
            "output_modalities": _MODALITIES,
            "parallel_tool_calls": flag,
            "prompt": _PROMPT,
            "reasoning": _REASONING,
            "tool_choice": TOOL_CHOICE,
            "tools": TOOLS,
        }
    )
