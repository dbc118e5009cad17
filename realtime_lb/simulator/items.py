"""What a conversation is made of, without the names that a dialect gives it."""

from __future__ import annotations

import enum

from attrs import evolve, frozen

from realtime_lb.simulator.audio import AudioFormat

__all__ = ["Item", "ItemKind", "Part", "PartKind"]


class ItemKind(enum.StrEnum):
    """The kinds of item that both dialects know, by their wire name."""

    MESSAGE = "message"
    FUNCTION_CALL = "function_call"
    FUNCTION_CALL_OUTPUT = "function_call_output"


class PartKind(enum.Enum):
    """What a part of a message holds."""

    INPUT_TEXT = "input_text"
    INPUT_AUDIO = "input_audio"
    INPUT_IMAGE = "input_image"
    OUTPUT_TEXT = "output_text"
    OUTPUT_AUDIO = "output_audio"


@frozen(kw_only=True)
class Part:
    """One part of a message.

    Attributes:
        kind: What it holds.
        text: The text of a text part.
        transcript: The words of an audio part; None where nobody wrote them down or they were truncated.
        audio: The sound of an audio part.
        audio_format: How *audio* is coded.
        image_url: A data URI.
        detail: How closely an image is looked at.
    """

    kind: PartKind
    text: str = ""
    transcript: str | None = None
    audio: bytes = b""
    audio_format: AudioFormat = AudioFormat.PCM16
    image_url: str | None = None
    detail: str | None = None

    @property
    def audio_ms(self) -> float:
        """How long the sound is, in milliseconds."""
        return self.audio_format.duration_ms(len(self.audio))

    @property
    def words(self) -> str:
        """What was written or said, as far as it is known."""
        return self.text or self.transcript or ""


@frozen(kw_only=True)
class Item:
    """One item of a conversation.

    Attributes:
        id: Chosen by the client or by the server, unique in the conversation.
        kind: What it is.
        role: ``user``, ``assistant`` or ``system``; only messages have one.
        parts: The content of a message.
        status: ``in_progress``, ``completed`` or ``incomplete``.
        name: The function that is called.
        arguments: Its arguments, as JSON text.
        call_id: What ties an output to its call.
        output: What the function gave back.
    """

    id: str
    kind: ItemKind = ItemKind.MESSAGE
    role: str | None = None
    parts: tuple[Part, ...] = ()
    status: str = "completed"
    name: str | None = None
    arguments: str | None = None
    call_id: str | None = None
    output: str | None = None

    @property
    def text(self) -> str:
        """All words of a message, written or said."""
        return " ".join(part.words for part in self.parts if part.words)

    def with_part(self, index: int, part: Part) -> Item:
        """Return a copy with another part at *index*."""
        return evolve(self, parts=(*self.parts[:index], part, *self.parts[index + 1 :]))
