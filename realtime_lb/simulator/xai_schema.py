"""xAI's session and response, as checks.

Fields and values are those of its Voice Agent page. What that does not name is taken and nobody looks at it:
LiveKit sends it a whole GA session, ``type``, ``tracing`` and nested ``voice`` included, and gets no error.
"""

from __future__ import annotations

from typing import Any

from realtime_lb.simulator.checks import (
    Check,
    an_object,
    anything,
    list_of,
    nullable,
    number,
    one_of,
    record,
    tagged,
    text,
    whole,
)
from realtime_lb.simulator.common_schema import TOOL_CHOICE
from realtime_lb.simulator.refusals import invalid_value

__all__ = ["RATES", "RESPONSE", "SESSION"]

RATES = (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
"""The page's table of PCM rates. pipecat has 21050 for 22050."""


def _rate(value: Any, place: str) -> None:
    whole(1)(value, place)
    if value not in RATES:
        raise invalid_value(place, f"Invalid sample rate: {value}. Supported: {', '.join(map(str, RATES))}.")


_FORMAT = tagged(
    "type",
    {
        "audio/pcm": record({"type": anything, "rate": _rate}, is_open=True),
        "audio/pcmu": record({"type": anything}, is_open=True),
        "audio/pcma": record({"type": anything}, is_open=True),
    },
)
_TURN_DETECTION = nullable(
    record(
        {
            "type": nullable(one_of("server_vad")),
            "threshold": number(0, 1),
            "prefix_padding_ms": whole(0, 10_000),
            "silence_duration_ms": whole(0, 10_000),
        },
        is_open=True,
    )
)
"""``null``, or a ``type`` of null, leaves the ends of turns to the client."""

_TRANSCRIPTION = nullable(
    record({"model": text(), "language_hint": text(), "keyterms": list_of(text(50))}, is_open=True)
)
_TOOLS = list_of(
    tagged(
        "type",
        {
            "function": record(
                {"type": anything, "name": text(), "parameters": an_object}, needs=("name",), is_open=True
            ),
            **dict.fromkeys(("web_search", "x_search", "file_search", "mcp"), record({}, is_open=True)),
        },
    )
)

SESSION: Check = record(
    {
        "instructions": text(),
        "voice": nullable(text()),
        "turn_detection": _TURN_DETECTION,
        "audio": record(
            {
                "input": record({"format": _FORMAT, "transcription": _TRANSCRIPTION}, is_open=True),
                "output": record({"format": _FORMAT, "speed": number(0.7, 1.5)}, is_open=True),
            },
            is_open=True,
        ),
        "tools": _TOOLS,
        "tool_choice": TOOL_CHOICE,
        "reasoning": record({"effort": text()}, is_open=True),
    },
    is_open=True,
)
"""What ``session.update`` may hold. Voices are ids of any kind, custom ones included."""

RESPONSE: Check = record(
    {"modalities": list_of(one_of("text", "audio")), "instructions": text(), "input": list_of(an_object)},
    is_open=True,
)
"""What ``response.create`` may hold."""
