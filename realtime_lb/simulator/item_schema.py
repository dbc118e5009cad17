"""What ``conversation.item.create`` takes, in either dialect, and how it is read."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from attrs import frozen

from realtime_lb.simulator.audio import AudioFormat
from realtime_lb.simulator.checks import (
    Check,
    anything,
    list_of,
    nullable,
    one_of,
    record,
    tagged,
    text,
)
from realtime_lb.simulator.items import Item, ItemKind, Part, PartKind
from realtime_lb.simulator.refusals import invalid_value, missing_parameter
from realtime_lb.typing import JsonObject

__all__ = ["ItemSchema", "decode_audio"]

_MAX_ID_CHARS = 32
_ID = nullable(text(_MAX_ID_CHARS))


def decode_audio(encoded: str, place: str) -> bytes:
    """Return the bytes of base64 audio.

    Raises:
        EventRefused: It is not base64.
    """
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise invalid_value(
            place, f"Invalid '{place}': expected base64-encoded audio bytes, got something else."
        ) from None


def _image_url(value: Any, place: str) -> None:
    text()(value, place)
    if not value.startswith(("data:image/png;base64,", "data:image/jpeg;base64,", "data:image/jpg;base64,")):
        raise invalid_value(place, f"Invalid '{place}': expected a base64-encoded data URI of a PNG or JPEG.")


@frozen
class ItemSchema:
    """The items of one dialect.

    Attributes:
        output_text: What an assistant's text is called.
        output_audio: What an assistant's audio is called.
        images: Users may show images.
    """

    output_text: str
    output_audio: str
    images: bool

    def read(self, value: JsonObject, place: str, new_id: str, audio_format: AudioFormat) -> Item:
        """Return the item that a client describes.

        Args:
            value: The item as sent.
            place: Where it stands in the event.
            new_id: Its id if the client gave none; also the base of a call id that is missing.
            audio_format: How audio in it is coded.

        Raises:
            EventRefused: It is not an item that a client may create.
        """
        self._check(value, place)
        is_message = value["type"] == ItemKind.MESSAGE
        parts = value["content"] if is_message else ()
        return Item(
            id=value.get("id") or new_id,
            kind=ItemKind(value["type"]),
            role=value.get("role"),
            parts=tuple(
                self._part(part, f"{place}.content[{index}]", audio_format)
                for index, part in enumerate(parts)
            ),
            name=value.get("name"),
            arguments=value.get("arguments"),
            call_id=None if is_message else value.get("call_id") or f"call_{new_id.removeprefix('item_')}",
            output=value.get("output"),
        )

    def _check(self, value: JsonObject, place: str) -> None:
        common: dict[str, Check] = {
            "id": _ID,
            "type": anything,
            "object": one_of("realtime.item"),
            "status": nullable(one_of("completed", "incomplete", "in_progress")),
        }
        call: dict[str, Check] = {**common, "name": text(), "arguments": text(), "call_id": _ID}
        output: dict[str, Check] = {**common, "call_id": text(_MAX_ID_CHARS), "output": text()}
        tagged(
            "type",
            {
                ItemKind.MESSAGE: tagged("role", self._messages(common)),
                ItemKind.FUNCTION_CALL: record(call, needs=("name", "arguments")),
                ItemKind.FUNCTION_CALL_OUTPUT: record(output, needs=("call_id", "output")),
            },
        )(value, place)

    def _messages(self, common: dict[str, Check]) -> dict[str, Check]:
        said: Check = record({"type": anything, "text": text()}, needs=("text",))
        heard: Check = record(
            {"type": anything, "audio": text(), "transcript": nullable(text())}, needs=("audio",)
        )
        shown: Check = record(
            {"type": anything, "image_url": _image_url, "detail": one_of("auto", "low", "high")},
            needs=("image_url",),
        )
        user: dict[str, Check] = {"input_text": said, "input_audio": heard}
        if self.images:
            user["input_image"] = shown
        content: dict[str, Check] = {
            "system": tagged("type", {"input_text": said}),
            "user": tagged("type", user),
            "assistant": self._assistant_part,
        }
        return {
            role: record({**common, "role": anything, "content": list_of(part)}, needs=("content",))
            for role, part in content.items()
        }

    def _assistant_part(self, value: Any, place: str) -> None:
        """Assistants get text only. OpenAI answers audio with "text is missing", whatever else is there."""
        is_audio = isinstance(value, dict) and value.get("type") == self.output_audio
        if is_audio:
            raise missing_parameter(f"{place}.text")
        said = record({"type": anything, "text": text()}, needs=("text",))
        tagged("type", {self.output_text: said})(value, place)

    def _part(self, part: JsonObject, place: str, audio_format: AudioFormat) -> Part:
        if part["type"] == self.output_text:
            return Part(kind=PartKind.OUTPUT_TEXT, text=part["text"])
        return Part(
            kind=PartKind(part["type"]),
            text=part.get("text", ""),
            transcript=part.get("transcript"),
            audio=decode_audio(part.get("audio", ""), f"{place}.audio"),
            audio_format=audio_format,
            image_url=part.get("image_url"),
            detail=part.get("detail"),
        )

    def write(self, item: Item, *, with_audio: bool = False) -> JsonObject:
        """Return the item as servers show it; sound is left out but of ``conversation.item.retrieved``."""
        wire: JsonObject = {
            "id": item.id,
            "object": "realtime.item",
            "type": item.kind,
            "status": item.status,
        }
        if item.kind is ItemKind.MESSAGE:
            wire["role"] = item.role
            wire["content"] = [self._write_part(part, with_audio=with_audio) for part in item.parts]
        elif item.kind is ItemKind.FUNCTION_CALL:
            wire |= {"name": item.name, "call_id": item.call_id, "arguments": item.arguments}
        else:
            wire |= {"call_id": item.call_id, "output": item.output}
        return wire

    def _write_part(self, part: Part, *, with_audio: bool) -> JsonObject:
        match part.kind:
            case PartKind.INPUT_TEXT:
                return {"type": "input_text", "text": part.text}
            case PartKind.OUTPUT_TEXT:
                return {"type": self.output_text, "text": part.text}
            case PartKind.INPUT_IMAGE:
                return {"type": "input_image", "image_url": part.image_url, "detail": part.detail or "auto"}
        name = "input_audio" if part.kind is PartKind.INPUT_AUDIO else self.output_audio
        wire: JsonObject = {"type": name, "transcript": part.transcript}
        if with_audio:
            wire["audio"] = base64.b64encode(part.audio).decode()
        return wire
