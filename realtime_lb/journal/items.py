"""The conversation's items as the client knows them, in order, in GA's words."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterator
from typing import Any

from attrs import define, field

from realtime_lb.journal.tail import OBJECT_BYTES, Sound
from realtime_lb.journal.words import Words, worded_item
from realtime_lb.typing import JsonObject

__all__ = ["Items", "Kept", "OpenTurn", "Speech"]

_INAUDIBLE = "(inaudible)"
"""Stands for speech of which neither the sound nor the words are left."""

_WORDLESS = "..."
"""Stands for an answer whose words nobody wrote down; servers refuse an empty text."""

_MOST_GONE = 1_000

_FIELDS = {
    "message": ("role", "content"),
    "function_call": ("name", "call_id", "arguments"),
    "function_call_output": ("call_id", "output"),
}
"""What a client may say of an item that it creates."""


@define(eq=False)
class Speech:
    """What the user said in one turn.

    Attributes:
        sounds: The frames that it is in.
        from_ms: Where it begins in all sound of the session.
        until_ms: Where it ends.
    """

    sounds: list[Sound]
    from_ms: float
    until_ms: float

    @property
    def size_bytes(self) -> int:
        """What it takes to keep."""
        return sum(sound.size_bytes for sound in self.sounds)

    def encoded(self) -> str | None:
        """Return exactly this speech in base64, or None if that cannot be done.

        Frames end anywhere in base64's groups of four, so they are joined as bytes. No sample is looked at.
        """
        try:
            decoded = [base64.b64decode(sound.encoded, validate=True) for sound in self.sounds]
        except (binascii.Error, ValueError):
            return None
        length_ms = sum(sound.length_ms for sound in self.sounds)
        joined = b"".join(decoded)
        if not joined or length_ms <= 0:
            return None
        per_ms = round(len(joined) / length_ms)
        skipped = round((self.from_ms - self.sounds[0].start_ms) * per_ms)
        skipped = max(0, skipped - skipped % 2)
        size = round((self.until_ms - self.from_ms) * per_ms)
        return base64.b64encode(joined[skipped : skipped + size - size % 2]).decode()


@define(eq=False)
class Kept:
    """One item.

    Attributes:
        id: As the client knows it.
        value: What it holds, in GA's words.
        speech: The user's own sound, while there is room for it.
        audio_ms: How much of the model's sound the client was sent.
        shown: The client was told that it joined.
        complete: The client was told that it is complete.
        awaits_words: Its transcript is promised and has not come.
        size_bytes: What the value takes to keep.
    """

    id: str
    value: JsonObject
    speech: Speech | None = None
    audio_ms: float = 0.0
    shown: bool = False
    complete: bool = False
    awaits_words: bool = False
    size_bytes: int = 0

    @property
    def speech_bytes(self) -> int:
        """What its sound takes to keep."""
        return self.speech.size_bytes if self.speech else 0

    @property
    def was_spoken(self) -> bool:
        """The model has said it aloud: elsewhere it can only be told as text."""
        return any(part.get("type") == "output_audio" for part in self.parts())

    def parts(self) -> list[JsonObject]:
        """Return its contents."""
        content = self.value.get("content")
        return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []

    def transcribed(self, index: int, words: str | None) -> None:
        """Take in the words of a content."""
        parts = self.parts()
        if 0 <= index < len(parts):
            parts[index] = {**parts[index], "transcript": words}
            self.value = {**self.value, "content": parts}

    def truncated(self, index: int, until_ms: float) -> None:
        """Keep of the words what was heard: as large a part of them as of the sound."""
        parts = self.parts()
        if not 0 <= index < len(parts):
            return
        said = str(parts[index].get("transcript") or "").split(" ")
        share = 1.0 if self.audio_ms <= 0 else min(1.0, until_ms / self.audio_ms)
        self.transcribed(index, " ".join(said[: round(len(said) * share)]))
        self.audio_ms = min(self.audio_ms, until_ms)

    def to_create(self, words: Words) -> JsonObject | None:
        """Return the item as a client would create it; None for a kind that no client can."""
        kind = self.value.get("type")
        names = _FIELDS.get(kind) if isinstance(kind, str) else None
        if names is None:
            return None
        item = {"id": self.id, "type": kind, **{n: self.value[n] for n in names if n in self.value}}
        if kind == "message":
            item["content"] = [self._part(part) for part in self.parts()]
            if not item["content"]:
                item["content"] = [self._wordless()]
        return worded_item(item, words)

    def _wordless(self) -> JsonObject:
        is_answer = self.value.get("role") == "assistant"
        return _written("output_text", _WORDLESS) if is_answer else _written("input_text", _INAUDIBLE)

    def _part(self, part: JsonObject) -> JsonObject:
        kind, transcript = part.get("type"), part.get("transcript")
        if kind == "output_audio":
            return _written("output_text", transcript or _WORDLESS)
        if kind != "input_audio" or part.get("audio"):
            return {name: value for name, value in part.items() if value is not None}
        sound = self.speech.encoded() if self.speech else None
        if sound:
            told = {} if transcript is None else {"transcript": transcript}
            return {"type": "input_audio", "audio": sound, **told}
        return _written("input_text", transcript or _INAUDIBLE)


def _written(kind: str, text: Any) -> JsonObject:
    return {"type": kind, "text": text}


class OpenTurn:
    """A turn of the user's that began and has not become an item.

    Attributes:
        item_id: What its item will be called.
        start_ms: Where it begins in all sound of the session.
        end_ms: Where it ended; None while the user speaks.
    """

    def __init__(self, item_id: str, start_ms: float) -> None:
        self.item_id = item_id
        self.start_ms = start_ms
        self.end_ms: float | None = None


@define(eq=False)
class Items:
    """Items in order.

    Attributes:
        order: First to last.
        gone: Ids of those that fell out for want of room, oldest first.
        size_bytes: What they take to keep.
    """

    order: list[Kept] = field(factory=list)
    gone: dict[str, None] = field(factory=dict)
    size_bytes: int = 0

    def __iter__(self) -> Iterator[Kept]:
        return iter(self.order)

    def __len__(self) -> int:
        return len(self.order)

    @property
    def joined(self) -> frozenset[str]:
        """Ids of those that the client was told of."""
        return frozenset(kept.id for kept in self.order if kept.shown)

    def get(self, item_id: Any) -> Kept | None:
        """Return the item, or None."""
        return next((kept for kept in reversed(self.order) if kept.id == item_id), None)

    def put(self, kept: Kept, after: Any, to_come: Collection[str] = ()) -> None:
        """Insert behind the item *after*, at the head for ``root``; at the end where that is not known.

        The end is before those *to_come*, which the upstream does not have.
        """
        at = 1 + max((n for n, other in enumerate(self.order) if other.id not in to_come), default=-1)
        if after == "root":
            at = 0
        elif (before := self.get(after)) is not None:
            at = self.order.index(before) + 1
        self.order.insert(at, kept)
        kept.size_bytes = _size(kept.value)
        self.size_bytes += kept.size_bytes + kept.speech_bytes

    def before(self, kept: Kept, leaving: Collection[str]) -> str:
        """Return what *kept* is behind, as ``previous_item_id`` names it; not one of those *leaving*."""
        staying = [other for other in self.order[: self.order.index(kept)] if other.id not in leaving]
        return staying[-1].id if staying else "root"

    def resize(self, kept: Kept) -> None:
        """Take in that an item's value is another."""
        self.size_bytes -= kept.size_bytes
        kept.size_bytes = _size(kept.value)
        self.size_bytes += kept.size_bytes

    def remove(self, kept: Kept) -> None:
        """Forget an item."""
        self.order.remove(kept)
        self.size_bytes -= kept.size_bytes + kept.speech_bytes

    def drop_oldest(self) -> None:
        """Make room: forget the first item, but not that there was one of its id."""
        oldest = self.order[0]
        self.remove(oldest)
        self.gone[oldest.id] = None
        if len(self.gone) > _MOST_GONE:
            del self.gone[next(iter(self.gone))]

    def drop_oldest_speech(self) -> Kept | None:
        """Make room: forget the sound of the first item that has any, and return it."""
        found = next((kept for kept in self.order if kept.speech is not None), None)
        if found is not None:
            self.size_bytes -= found.speech_bytes
            found.speech = None
        return found


def _size(value: Any) -> int:
    """Return about how many bytes a value takes to keep, however deep it is nested."""
    size, unseen = 0, [value]
    while unseen:
        each = unseen.pop()
        size += OBJECT_BYTES
        if isinstance(each, str):
            size += len(each)
        elif isinstance(each, dict):
            size += sum(map(len, each)) + OBJECT_BYTES * len(each)
            unseen += each.values()
        elif isinstance(each, list):
            unseen += each
    return size
