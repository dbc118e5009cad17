"""Readings of session values that look the same in both dialects."""

from __future__ import annotations

import re
from typing import Any

from realtime_lb.simulator.settings import Transcription, TurnDetection
from realtime_lb.typing import JsonObject

__all__ = ["full_turn_detection", "output_limit", "read_limit", "read_transcription", "read_turn_detection"]

_SEMANTIC_SILENCE_MS = {"low": 1600, "medium": 800, "auto": 800, "high": 400}
"""The real detector reads the words. Here eagerness is only patience."""

_LARGE_MODEL = re.compile(r"realtime-2(\.\d+)?(-mini)?$")


def output_limit(model: str | None) -> int:
    """Return the most tokens of one response: 4,096, or 32,000 from gpt-realtime-2 on."""
    return 32_000 if model and _LARGE_MODEL.search(model) else 4096


def full_turn_detection(given: JsonObject | None, *, idle_timeout: bool) -> JsonObject | None:
    """Return *given* with every field that the client left out, as servers echo it."""
    if given is None:
        return None
    switches = {"create_response": True, "interrupt_response": True}
    if given["type"] == "semantic_vad":
        return {"type": "semantic_vad", "eagerness": "auto", **switches} | given
    full = {"threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200}
    if idle_timeout:
        full["idle_timeout_ms"] = None  # type: ignore[assignment]  # one JSON object, mixed values
    return {"type": "server_vad", **full, **switches} | given


def read_turn_detection(full: JsonObject | None) -> TurnDetection | None:
    """Read what `full_turn_detection` returned."""
    if full is None:
        return None
    switches = {name: full[name] for name in ("create_response", "interrupt_response")}
    if full["type"] == "semantic_vad":
        return TurnDetection(silence_duration_ms=_SEMANTIC_SILENCE_MS[full["eagerness"]], **switches)
    return TurnDetection(
        threshold=full["threshold"],
        prefix_padding_ms=full["prefix_padding_ms"],
        silence_duration_ms=full["silence_duration_ms"],
        **switches,
    )


def read_transcription(given: JsonObject | None, include: list[str] | None) -> Transcription | None:
    """Read a transcription setting; without a model there is none."""
    if not given or not given.get("model"):
        return None
    return Transcription(model=given["model"], logprobs=bool(include))


def read_limit(value: Any) -> int | None:
    """Read a token limit, where ``inf`` is none."""
    return None if value == "inf" else int(value)
