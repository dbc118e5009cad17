"""Following responses as their events reach the client."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from realtime_lb.journal.responses import Output, Part, Running
from realtime_lb.journal.words import canonical_item
from realtime_lb.typing import JsonObject

__all__ = ["InFlight"]

_DELTA_FRAME_CHARS = 46
"""What stands behind the item's id in an audio delta, beside the sound, as OpenAI writes it."""

_ITEM_ID = re.compile(rb'"item_id"[ \t\r\n]*:[ \t\r\n]*"([^"\\]*)"')


class InFlight:
    """Responses that have begun and not ended.

    Args:
        made: Told of each item when it has come to its end.

    Attributes:
        running: They, the oldest first.
    """

    def __init__(self, made: Callable[[Output], None]) -> None:
        self.running: list[Running] = []
        self._made = made
        self._sounding_id = b""
        self._sounding: Output | None = None

    def followed(self) -> Mapping[str, Callable[[JsonObject], None]]:
        """Return what to do with the events inside of responses, by GA's names."""
        return {
            "response.output_item.added": self._output_added,
            "response.content_part.added": self._part_added,
            "response.output_text.delta": self._words_told,
            "response.output_audio_transcript.delta": self._words_told,
            "response.output_text.done": self._stream_done("text"),
            "response.output_audio.done": self._stream_done("audio"),
            "response.output_audio_transcript.done": self._stream_done("transcript"),
            "response.content_part.done": self._stream_done("part"),
            "response.function_call_arguments.delta": self._arguments_told,
            "response.function_call_arguments.done": self._called,
            "response.output_item.done": self._output_done,
        }

    def sounded(self, payload: bytes | memoryview) -> None:
        """Count the sound of an audio delta, which is not read."""
        match = _ITEM_ID.search(payload)
        if match is None:
            return
        if match[1] != self._sounding_id or self._sounding is None:
            self._sounding_id = match[1]
            self._sounding = self._output({"item_id": match[1].decode("utf-8", "replace")})
        if self._sounding is not None:
            self._sounding.sound_chars += max(1, len(payload) - match.end() - _DELTA_FRAME_CHARS)

    def ended(self, response: object) -> Running | None:
        """Take in a ``response.done``; return the response if it was known."""
        if not isinstance(response, dict):
            return None
        found = next((r for r in self.running if r.id == response.get("id")), None)
        if found is None:
            return None
        self.running.remove(found)
        self._sounding, self._sounding_id = None, b""
        for output in found.outputs:
            if not output.done and not output.is_half_a_call:
                if not output.is_call:
                    output.item = {**output.item, "content": output.content()}
                self._made(output)
        return found

    def _running(self, event: JsonObject) -> Running | None:
        return next((r for r in self.running if r.id == event.get("response_id")), None)

    def _output(self, event: JsonObject) -> Output | None:
        found = (r.output(event.get("item_id")) for r in self.running)
        return next((output for output in found if output is not None), None)

    def _output_added(self, event: JsonObject) -> None:
        running, item = self._running(event), event.get("item")
        if running is not None and isinstance(item, dict):
            index = event.get("output_index")
            running.outputs.append(Output(canonical_item(item), index if isinstance(index, int) else 0))

    def _part_added(self, event: JsonObject) -> None:
        output, part = self._output(event), event.get("part")
        if output is not None and isinstance(part, dict):
            output.parts[_index(event)] = Part(str(part.get("type")))

    def _part(self, event: JsonObject, kind: str) -> Part | None:
        output = self._output(event)
        return None if output is None else output.parts.setdefault(_index(event), Part(kind))

    def _words_told(self, event: JsonObject) -> None:
        part = self._part(event, "audio" if "transcript" in str(event.get("type")) else "text")
        if part is not None:
            part.words += str(event.get("delta") or "")

    def _stream_done(self, name: str) -> Callable[[JsonObject], None]:
        def done(event: JsonObject) -> None:
            part = self._part(event, "text" if name == "text" else "audio")
            if part is not None:
                part.ended.add(name)
                part.words = str(event.get("text") or event.get("transcript") or part.words)

        return done

    def _arguments_told(self, event: JsonObject) -> None:
        output = self._output(event)
        if output is not None:
            output.arguments += str(event.get("delta") or "")

    def _called(self, event: JsonObject) -> None:
        output = self._output(event)
        if output is not None:
            output.called = True
            output.arguments = str(event.get("arguments") or output.arguments)

    def _output_done(self, event: JsonObject) -> None:
        running, item = self._running(event), event.get("item")
        if running is None or not isinstance(item, dict):
            return
        output = running.output(item.get("id"))
        if output is not None:
            output.done = True
            output.item = canonical_item(item)
            self._made(output)


def _index(event: JsonObject) -> int:
    index = event.get("content_index")
    return index if isinstance(index, int) else 0
