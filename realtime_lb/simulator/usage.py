"""Tokens: what a response read and wrote, and what a transcription cost.

The rules of thumb are OpenAI's: 1 token for 100 ms of the user's audio, 1 for 50 ms of the assistant's, about
4 characters of text for 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from attrs import frozen

from realtime_lb.simulator.items import Item, PartKind
from realtime_lb.typing import JsonObject

__all__ = [
    "Tokens",
    "audio_out_tokens",
    "item_tokens",
    "response_usage",
    "text_tokens",
    "transcription_usage",
]

_USER_MS_PER_TOKEN = 100
_ASSISTANT_MS_PER_TOKEN = 50
_CHARS_PER_TOKEN = 4
_TOKENS_PER_IMAGE = 85
"""A low-detail image, by OpenAI's vision guide."""


@frozen
class Tokens:
    """Tokens by modality; they add."""

    text: int = 0
    audio: int = 0
    image: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(self.text + other.text, self.audio + other.audio, self.image + other.image)

    @property
    def total(self) -> int:
        """All of them."""
        return self.text + self.audio + self.image

    def details(self) -> JsonObject:
        """Return them as usage objects name them."""
        return {"text_tokens": self.text, "audio_tokens": self.audio, "image_tokens": self.image}


def text_tokens(text: str) -> int:
    """Return what *text* costs."""
    return math.ceil(len(text) / _CHARS_PER_TOKEN)


def audio_out_tokens(duration_ms: float) -> int:
    """Return what *duration_ms* of the assistant's audio cost."""
    return math.ceil(duration_ms / _ASSISTANT_MS_PER_TOKEN)


def item_tokens(item: Item) -> Tokens:
    """Return what *item* costs to read. A transcript of the user's audio is not shown to the model."""
    written = sum(text_tokens(text) for text in (item.name, item.arguments, item.output) if text)
    total = Tokens(text=written)
    for part in item.parts:
        match part.kind:
            case PartKind.INPUT_AUDIO:
                total += Tokens(audio=math.ceil(part.audio_ms / _USER_MS_PER_TOKEN))
            case PartKind.OUTPUT_AUDIO:
                total += Tokens(text_tokens(part.transcript or ""), audio_out_tokens(part.audio_ms))
            case PartKind.INPUT_IMAGE:
                total += Tokens(image=_TOKENS_PER_IMAGE)
            case _:
                total += Tokens(text_tokens(part.text))
    return total


def response_usage(fresh: Tokens, cached: Tokens, output: Iterable[Item]) -> JsonObject:
    """Return ``response.usage``.

    Args:
        fresh: What was read for the first time.
        cached: What an earlier response had read already.
        output: What was made.
    """
    read = fresh + cached
    written = sum((item_tokens(item) for item in output), Tokens())
    return {
        "total_tokens": read.total + written.total,
        "input_tokens": read.total,
        "output_tokens": written.total,
        "input_token_details": {
            **read.details(),
            "cached_tokens": cached.total,
            "cached_tokens_details": cached.details(),
        },
        "output_token_details": {"text_tokens": written.text, "audio_tokens": written.audio},
    }


def transcription_usage(model: str, audio_ms: float, transcript: str) -> JsonObject:
    """Return the usage of one transcription: tokens, or seconds for models that are priced by duration."""
    if "4o" not in model:
        return {"type": "duration", "seconds": round(audio_ms / 1000, 3)}
    heard, written = math.ceil(audio_ms / _USER_MS_PER_TOKEN), text_tokens(transcript)
    return {
        "type": "tokens",
        "input_tokens": heard,
        "output_tokens": written,
        "total_tokens": heard + written,
        "input_token_details": {"text_tokens": 0, "audio_tokens": heard},
    }
