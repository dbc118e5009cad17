"""The shapes that both dialects share, as checks."""

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
    string_map,
    tagged,
    text,
    whole,
)
from realtime_lb.simulator.refusals import invalid_value

__all__ = [
    "BETA_VOICES",
    "GA_VOICES",
    "INCLUDE",
    "METADATA",
    "NOISE_KINDS",
    "TOOLS",
    "TOOL_CHOICE",
    "TRACING",
    "client_events",
    "combination",
    "max_tokens",
    "turn_detection",
]

BETA_VOICES = ("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse")
GA_VOICES = (*BETA_VOICES, "marin", "cedar")
NOISE_KINDS = one_of("near_field", "far_field")
INCLUDE = nullable(list_of(one_of("item.input_audio_transcription.logprobs")))
METADATA = nullable(string_map(16, 64, 512))
TRACING = nullable(
    either(
        str,
        one_of("auto"),
        record({"group_id": text(), "metadata": anything, "workflow_name": text()}),
    )
)
TOOLS = list_of(
    tagged(
        "type",
        {
            "function": record(
                {"type": anything, "name": text(64), "description": text(), "parameters": an_object},
                needs=("name",),
            )
        },
    )
)
"""Functions only: the simulator has no MCP servers, and says so rather than pretend."""

TOOL_CHOICE = either(
    str,
    one_of("auto", "none", "required"),
    tagged("type", {"function": record({"type": anything, "name": text()}, needs=("name",))}),
)

_MAX_EVENT_ID_CHARS = 512


def max_tokens(most: int) -> Check:
    """Accept 1 to *most*, or ``inf``."""
    return either(str, one_of("inf"), whole(1, most))


def combination(*allowed: tuple[str, ...]) -> Check:
    """Accept modalities that are served together, in any order."""

    def check(value: Any, place: str) -> None:
        list_of(one_of("text", "audio"))(value, place)
        if sorted(value) not in map(sorted, allowed):
            supported = " and ".join(str(list(names)) for names in allowed)
            raise invalid_value(
                place, f"Invalid modalities: {value}. Supported combinations are: {supported}."
            )

    return check


def turn_detection(*, idle_timeout: bool) -> Check:
    """Accept null or a detector; *idle_timeout* exists in GA only."""
    switches: dict[str, Check] = {"type": anything, "create_response": flag, "interrupt_response": flag}
    server_vad: dict[str, Check] = {
        **switches,
        "threshold": number(0, 1),
        "prefix_padding_ms": whole(0),
        "silence_duration_ms": whole(0),
    }
    if idle_timeout:
        server_vad["idle_timeout_ms"] = nullable(whole(5_000, 30_000))
    semantic_vad = {**switches, "eagerness": one_of("low", "medium", "high", "auto")}
    return nullable(tagged("type", {"server_vad": record(server_vad), "semantic_vad": record(semantic_vad)}))


def _event(fields: dict[str, Check], needs: tuple[str, ...] = ()) -> Check:
    common: dict[str, Check] = {"type": anything, "event_id": nullable(text(_MAX_EVENT_ID_CHARS))}
    return record({**common, **fields}, needs=needs)


def _item_named(**more: Check) -> Check:
    return _event({"item_id": text(), **more}, ("item_id", *more))


def client_events() -> dict[str, Check]:
    """Return the client events of both dialects; sessions, items and responses are looked at later."""
    return {
        "session.update": _event({"session": an_object}, ("session",)),
        "input_audio_buffer.append": _event({"audio": text()}, ("audio",)),
        "input_audio_buffer.commit": _event({}),
        "input_audio_buffer.clear": _event({}),
        "output_audio_buffer.clear": _event({}),
        "conversation.item.create": _event(
            {"item": an_object, "previous_item_id": nullable(text())}, ("item",)
        ),
        "conversation.item.retrieve": _item_named(),
        "conversation.item.delete": _item_named(),
        "conversation.item.truncate": _item_named(content_index=whole(0), audio_end_ms=whole(0)),
        "response.create": _event({"response": nullable(an_object)}),
        "response.cancel": _event({"response_id": nullable(text())}),
    }
