"""Responses that were begun and have not ended: what was asked, and what of the answer reached the client."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from realtime_lb.journal.tail import Said
from realtime_lb.typing import JsonObject

__all__ = ["Output", "Part", "Running"]


@define(eq=False)
class Part:
    """One content of an output item.

    Attributes:
        kind: ``text`` or ``audio``.
        words: What was written or said of it, as far as the client was told.
        ended: The streams of it that are told to be over: ``text``, ``audio``, ``transcript``, ``part``.
    """

    kind: str
    words: str = ""
    ended: set[str] = field(factory=set)


@define(eq=False)
class Output:
    """One item that a response makes.

    Attributes:
        item: As it was shown last, in GA's words.
        index: Its place in the output.
        parts: Its contents by their places.
        arguments: What the client was told of a call's arguments.
        called: The client was told all of them, and may have acted.
        done: The client was told that the item is made.
        sound_chars: How much sound the client was sent, in characters of base64.
    """

    item: JsonObject
    index: int
    parts: dict[int, Part] = field(factory=dict)
    arguments: str = ""
    called: bool = False
    done: bool = False
    sound_chars: int = 0

    @property
    def id(self) -> str:
        """The item's id."""
        return str(self.item.get("id"))

    @property
    def is_call(self) -> bool:
        """It calls a function."""
        return self.item.get("type") == "function_call"

    @property
    def is_half_a_call(self) -> bool:
        """It calls a function with arguments that are not complete: nobody can have acted on it."""
        return self.is_call and not self.called and not self.done

    @property
    def was_heard(self) -> bool:
        """The client was given something of it that cannot be taken back."""
        if self.is_call:
            return self.called or self.done
        return self.done or self.sound_chars > 0 or any(p.words or p.ended for p in self.parts.values())

    def content(self) -> list[JsonObject]:
        """Return what it has come to, in GA's words."""
        return [_content(part) for _, part in sorted(self.parts.items())]


def _content(part: Part) -> JsonObject:
    if part.kind == "audio":
        return {"type": "output_audio", "transcript": part.words}
    return {"type": "output_text", "text": part.words}


@define(eq=False)
class Running:
    """One response.

    Attributes:
        id: As the client knows it.
        value: As it was announced.
        order: The client's event that asked for it; None where the server did so by itself.
        outputs: Its items, in order.
    """

    id: str
    value: JsonObject
    order: Said | None = None
    outputs: list[Output] = field(factory=list)

    @property
    def is_aside(self) -> bool:
        """It is outside of the conversation, whose items it neither makes nor waits for."""
        params = self.order.event.get("response") if self.order else None
        return isinstance(params, dict) and params.get("conversation") == "none"

    @property
    def was_heard(self) -> bool:
        """Something of it cannot be taken back, so it must not be asked for again."""
        return any(output.was_heard for output in self.outputs)

    @property
    def half_call(self) -> Output | None:
        """The call whose arguments the client was told a part of."""
        return next((o for o in self.outputs if o.is_half_a_call and o.arguments), None)

    def output(self, item_id: Any) -> Output | None:
        """Return the item that it makes, or None."""
        return next((output for output in self.outputs if output.id == item_id), None)
