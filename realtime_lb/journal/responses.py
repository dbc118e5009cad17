"""Responses that were begun and have not ended: what was asked, and what of the answer reached the client."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from realtime_lb.events import parse_event
from realtime_lb.journal.tail import Said
from realtime_lb.typing import JsonObject

__all__ = ["Output", "Part", "Running", "place_of"]


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


UNREAD_BYTES = 64 * 1024
"""About half a minute of words, or one to two milliseconds of reading: most answers are over before."""


@define(eq=False)
class Output:
    """One item that a response makes.

    Its words are read when somebody asks for them. Mostly nobody does before the server says them all again.

    Attributes:
        item: As it was shown last, in GA's words.
        index: Its place in the output.
        called: The client was told all of a call's arguments, and may have acted.
        done: The client was told that the item is made.
        sound_chars: How much sound the client was sent, in characters of base64.
        has_begun: The client was told words, arguments or sound of it.
    """

    item: JsonObject
    index: int
    called: bool = False
    done: bool = False
    sound_chars: int = 0
    has_begun: bool = False
    _parts: dict[int, Part] = field(factory=dict)
    _arguments: str = ""
    _unread: list[bytes] = field(factory=list)
    _unread_bytes: int = 0

    @property
    def parts(self) -> dict[int, Part]:
        """Its contents by their places."""
        self._read()
        return self._parts

    @property
    def arguments(self) -> str:
        """What the client was told of a call's arguments."""
        self._read()
        return self._arguments

    def sounded(self, chars: int) -> None:
        """Take in sound that the client was sent, of about so many characters."""
        self.sound_chars += chars if chars > 0 else 1
        self.has_begun = True

    def told(self, payload: bytes) -> None:
        """Take in an event that tells the next words, or arguments."""
        self._unread.append(payload)
        self._unread_bytes += len(payload)
        if not self.has_begun or self._unread_bytes > UNREAD_BYTES:
            self._read()

    def _read(self) -> None:
        unread, self._unread, self._unread_bytes = self._unread, [], 0
        for event in filter(None, map(parse_event, unread)):
            delta, kind = str(event.get("delta") or ""), str(event.get("type"))
            if "arguments" in kind:
                self._arguments += delta
            else:
                self.part(place_of(event), "audio" if "transcript" in kind else "text").words += delta
            self.has_begun = self.has_begun or bool(delta)

    def part(self, place: int, kind: str) -> Part:
        """Return the content at *place*, of this *kind* if it is new."""
        return self._parts.setdefault(place, Part(kind))

    def ended(self, stream: str, place: int, words: str | None) -> None:
        """Take in that a *stream* of the content at *place* is over, and what all its words were."""
        part = self.part(place, "text" if stream == "text" else "audio")
        part.ended.add(stream)
        if words:  # the server has said them all again
            here = b'"content_index":%d' % place
            if len(self._parts) == 1:
                self._unread = [payload for payload in self._unread if here not in payload]
            self._read()
            part.words = str(words)

    def was_called(self, arguments: str | None) -> None:
        """Take in that all of a call's arguments were told, and what they were."""
        self.called = True
        if arguments:
            self._unread = []
        self._read()
        self._arguments = str(arguments or self._arguments)

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
        return self.done or self.has_begun or any(part.ended for part in self._parts.values())

    def content(self) -> list[JsonObject]:
        """Return what it has come to, in GA's words."""
        return [_content(part) for _, part in sorted(self.parts.items())]


def place_of(event: JsonObject) -> int:
    """Return which content of its item an event is about."""
    index = event.get("content_index")
    return index if isinstance(index, int) else 0


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
        anew: Another upstream was asked for it, which does not have the items that were announced.
    """

    id: str
    value: JsonObject
    order: Said | None = None
    outputs: list[Output] = field(factory=list)
    anew: bool = False

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
        return next((o for o in self.outputs if o.is_half_a_call and o.has_begun), None)

    def output(self, item_id: Any) -> Output | None:
        """Return the item that it makes, or None."""
        return next((output for output in self.outputs if output.id == item_id), None)
