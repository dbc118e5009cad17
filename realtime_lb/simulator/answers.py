"""What the model says. Made of what it was told, so that a test can know it: no model, no chance."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Sequence
from typing import Any

from attrs import frozen

from realtime_lb.simulator.items import Item, ItemKind, PartKind
from realtime_lb.simulator.settings import SessionSettings
from realtime_lb.typing import JsonObject

__all__ = ["Call", "Speech", "answer", "transcribe"]

_OPENERS = ("You said:", "I heard:", "Understood:", "Noted:")
_SPOKEN = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliett")
_MS_PER_SPOKEN_WORD = 300
_MAX_DEPTH = 8


@frozen
class Speech:
    """Words to say or write."""

    words: tuple[str, ...]


@frozen
class Call:
    """A function to call. ``arguments`` is JSON text."""

    name: str
    arguments: str


def answer(context: Sequence[Item], settings: SessionSettings, seed: int) -> Speech | Call:
    """Return the answer to *context*.

    A tool is called when ``tool_choice`` forces one, or when it is ``auto`` and the last item is a user
    message that mentions a tool by name. Otherwise the last user message or function output is echoed
    behind an opener that *seed* and the words choose.
    """
    last = context[-1] if context else None
    tool = _forced(settings) or _mentioned(last, settings)
    if tool is not None:
        arguments = _example(tool.get("parameters") or {}, _MAX_DEPTH)
        return Call(tool["name"], json.dumps(arguments if isinstance(arguments, dict) else {}))
    if last is None:
        return Speech(("Hello,", "how", "can", "I", "help?"))
    if last.output is not None:
        return Speech(("The", "function", "returned:", *last.output.split()))
    user = next((item for item in reversed(context) if item.role == "user"), last)
    heard = _heard(user)
    opener = _OPENERS[(zlib.crc32(heard.encode()) + seed) % len(_OPENERS)]
    return Speech((*opener.split(), *heard.split()))


def _heard(item: Item) -> str:
    if item.text:
        return item.text
    audio_ms = sum(part.audio_ms for part in item.parts if part.kind is PartKind.INPUT_AUDIO)
    return f"{audio_ms:.0f} ms of speech" if audio_ms else "nothing"


def _forced(settings: SessionSettings) -> JsonObject | None:
    choice = settings.tool_choice
    if isinstance(choice, dict):
        return next((tool for tool in settings.tools if tool["name"] == choice["name"]), None)
    return settings.tools[0] if choice == "required" and settings.tools else None


def _mentioned(last: Item | None, settings: SessionSettings) -> JsonObject | None:
    is_question = last is not None and last.kind is ItemKind.MESSAGE and last.role == "user"
    if last is None or not is_question or settings.tool_choice != "auto":
        return None
    return next(
        (
            tool
            for tool in settings.tools
            if re.search(rf"\b{re.escape(tool['name'])}\b", last.text, re.IGNORECASE)
        ),
        None,
    )


def _example(schema: Any, depth: int) -> Any:
    """Return a small value that *schema* allows, for the common parts of JSON Schema."""
    if not isinstance(schema, dict) or depth == 0:
        return {}
    for fixed in ("const", "default"):
        if fixed in schema:
            return schema[fixed]
    allowed = schema.get("enum")
    if isinstance(allowed, list) and allowed:
        return allowed[0]
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object":
        return _example_object(schema, depth)
    return _EXAMPLES.get(kind if isinstance(kind, str) else "")


def _example_object(schema: JsonObject, depth: int) -> JsonObject:
    properties, needed = schema.get("properties"), schema.get("required")
    known = properties if isinstance(properties, dict) else {}
    names = [name for name in needed if isinstance(name, str)] if isinstance(needed, list) else []
    return {name: _example(known.get(name, {}), depth - 1) for name in names}


_EXAMPLES: dict[str, Any] = {"string": "example", "integer": 1, "number": 1.5, "boolean": True, "array": []}


def transcribe(audio: bytes, audio_ms: float, seed: int) -> str:
    """Return the words of *audio*: one for each 300 ms, chosen by the sound and *seed*."""
    count = max(1, round(audio_ms / _MS_PER_SPOKEN_WORD))
    first = zlib.crc32(audio) + seed
    return " ".join(_SPOKEN[(first + index) % len(_SPOKEN)] for index in range(count))
