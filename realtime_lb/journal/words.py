"""The two dialects' names for what a journal follows: it keeps GA's, and answers in the client's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from realtime_lb.typing import Dialect, JsonObject

__all__ = [
    "OURS",
    "OUR_EVENTS",
    "WORDS",
    "Words",
    "canonical",
    "canonical_item",
    "worded_item",
]

OURS = "rlb_"
"""Begins the ids of client events that we send by ourselves, so that no refusal of one reaches the client."""

OUR_EVENTS = f"event_{OURS}"
"""Begins the ids of server events that we make up."""


@frozen(kw_only=True)
class Words:
    """What a client's dialect calls things.

    Attributes:
        dialect: Which one it is.
        item_done: Tells that an item is complete; None where no event does.
        text: Begins the names of the events of written words.
        audio: The same for sound.
        transcript: The same for the words of sound.
        text_part: The type of an assistant's written content.
        audio_part: The type of its spoken content.
    """

    dialect: Dialect
    item_done: str | None
    text: str
    audio: str
    transcript: str
    text_part: str
    audio_part: str


WORDS: Mapping[Dialect, Words] = {
    Dialect.GA: Words(
        dialect=Dialect.GA,
        item_done="conversation.item.done",
        text="response.output_text",
        audio="response.output_audio",
        transcript="response.output_audio_transcript",
        text_part="output_text",
        audio_part="output_audio",
    ),
    Dialect.BETA: Words(
        dialect=Dialect.BETA,
        item_done=None,
        text="response.text",
        audio="response.audio",
        transcript="response.audio_transcript",
        text_part="text",
        audio_part="audio",
    ),
}

_BETA, _GA = WORDS[Dialect.BETA], WORDS[Dialect.GA]

_CANONICAL: Mapping[str, str] = {
    "conversation.item.created": "conversation.item.added",
    "transcription_session.update": "session.update",
    "transcription_session.created": "session.created",
    "transcription_session.updated": "session.updated",
    **{
        f"{theirs}.{part}": f"{ours}.{part}"
        for theirs, ours in (
            (_BETA.text, _GA.text),
            (_BETA.audio, _GA.audio),
            (_BETA.transcript, _GA.transcript),
        )
        for part in ("delta", "done")
    },
}

_PARTS = {_BETA.text_part: _GA.text_part, _BETA.audio_part: _GA.audio_part}


def canonical(kind: str) -> str:
    """Return what GA calls an event."""
    return _CANONICAL.get(kind, kind)


def canonical_item(item: JsonObject) -> JsonObject:
    """Return *item* with GA's names of contents."""
    return _with_parts(item, _PARTS)


def worded_item(item: JsonObject, words: Words) -> JsonObject:
    """Return a canonical *item* in the words of a client."""
    return _with_parts(item, {_GA.text_part: words.text_part, _GA.audio_part: words.audio_part})


def _with_parts(item: JsonObject, names: Mapping[str, str]) -> JsonObject:
    content = item.get("content")
    if not isinstance(content, list):
        return item
    return {**item, "content": [_renamed(part, names) for part in content]}


def _renamed(part: Any, names: Mapping[str, str]) -> Any:
    kind = part.get("type") if isinstance(part, dict) else None
    return {**part, "type": names[kind]} if isinstance(kind, str) and kind in names else part
