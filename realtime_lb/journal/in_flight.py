"""Following responses as their events reach the client."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from realtime_lb.events import AUDIO_DELTAS, STREAMED, event_type, heads_of
from realtime_lb.journal.responses import Output, Part, Running, place_of
from realtime_lb.journal.words import canonical_item
from realtime_lb.typing import JsonObject

__all__ = ["InFlight"]

_DELTA_FRAME_CHARS = 46
"""What stands behind the item's id in an audio delta, beside the sound, as OpenAI writes it."""

_HEAD_BYTES = 512
"""Of a large piece; its ids stand there."""

_AUDIO_HEADS, _WORDS_HEADS = heads_of(AUDIO_DELTAS), heads_of(STREAMED - AUDIO_DELTAS)

_RESPONSE_ID = re.compile(rb'"response_id"[ \t\r\n]*:[ \t\r\n]*"([^"\\]*)"')
_ITEM_ID = re.compile(rb'"item_id"[ \t\r\n]*:[ \t\r\n]*"([^"\\]*)"')


def _is_sound(piece: bytes) -> bool:
    if piece.startswith(_AUDIO_HEADS):
        return True
    return not piece.startswith(_WORDS_HEADS) and event_type(piece) in AUDIO_DELTAS


class InFlight:
    """Responses that have begun and not ended.

    Args:
        began: Told of each response that begins, with what is known of it.
        made: Told of each item when it has come to its end.

    Attributes:
        keep: Takes in a piece as `streamed` does, without a look at it; `settle` looks.
    """

    __slots__ = (
        "_began",
        "_ended_id",
        "_made",
        "_passed",
        "_running",
        "_streaming",
        "_streaming_mark",
        "keep",
    )

    def __init__(self, began: Callable[[JsonObject], None], made: Callable[[Output], None]) -> None:
        self._running: list[Running] = []
        self._passed: list[bytes] = []
        self.keep = self._passed.append
        self._began = began
        self._made = made
        self._ended_id = ""
        self._streaming_mark = b""
        self._streaming: Output | None = None

    @property
    def running(self) -> list[Running]:
        """The responses, the oldest first."""
        self.settle()
        return self._running

    @property
    def to_come(self) -> set[str]:
        """Ids of items that the client was told of, and that the upstream is making anew."""
        return {output.id for running in self.running if running.anew for output in running.outputs}

    def streamed(self, payload: bytes | memoryview) -> bool:
        """Take in the next piece of sound, words or arguments.

        Sound is counted and not read.

        Returns:
            Whether the first piece of an item was among what had not been looked at.
        """
        if isinstance(payload, bytes):
            self.keep(payload)
        elif self._counts_more_sound(payload):
            return False
        else:
            self.keep(bytes(payload))
        return self.settle()

    def _counts_more_sound(self, payload: memoryview) -> bool:
        """Count it where it is more sound of the item that streams, without a look at anything else."""
        head = payload[:_HEAD_BYTES].tobytes()
        output, mark = self._streaming, self._streaming_mark
        id_end = head.find(mark) + len(mark)
        if output is None or not output.has_begun or id_end < len(mark) or not head.startswith(_AUDIO_HEADS):
            return False
        output.sounded(len(payload) - id_end - _DELTA_FRAME_CHARS)
        return True

    def settle(self) -> bool:
        """Take in what was kept; say whether the first piece of an item was among it."""
        if not self._passed:
            return False
        pieces = self._passed[:]
        self._passed.clear()  # the list itself stays: others append to it
        has_begun_one = False
        for piece in pieces:
            output, mark = self._streaming, self._streaming_mark
            id_end = piece.find(mark) + len(mark)
            if output is None or id_end < len(mark):
                output, id_end = self._streams(piece)
                if output is None:
                    continue
            had_begun = output.has_begun
            if _is_sound(piece):
                output.sounded(len(piece) - id_end - _DELTA_FRAME_CHARS)
            else:
                output.told(piece)
            has_begun_one = has_begun_one or output.has_begun is not had_begun
        return has_begun_one

    def _streams(self, piece: bytes) -> tuple[Output | None, int]:
        """Return the item that a piece names, and where its id ends there."""
        match = _ITEM_ID.search(piece)
        if match is None:
            return None, 0
        name = match[1].decode("utf-8", "replace")
        output = self._output({"item_id": name}) or self._unannounced(name, piece)
        if output is not None:  # one that is unknown may yet become known
            self._streaming, self._streaming_mark = output, match[0]
        return output, match.end()

    def _unannounced(self, item_id: str, payload: bytes) -> Output | None:
        """Return an item that is told without having been announced, as some compatible servers do."""
        match = _RESPONSE_ID.search(payload)
        running = None if match is None else self._running_as(match[1].decode("utf-8", "replace"))
        if running is None:
            return None
        running.outputs.append(Output({"id": item_id, "type": "message"}, len(running.outputs)))
        return running.outputs[-1]

    def _running_as(self, response_id: Any) -> Running | None:
        """Return the response, which begins with this if no event has said that it did."""
        found = next((r for r in self.running if r.id == response_id), None)
        if found is not None or not isinstance(response_id, str) or response_id == self._ended_id:
            return found
        self._began({"id": response_id, "object": "realtime.response", "status": "in_progress"})
        return self.running[-1]

    def ended(self, response: object) -> Running | None:
        """Take in a ``response.done``; return the response if it was known."""
        if not isinstance(response, dict):
            return None
        found = self._running_as(response.get("id"))
        if found is None:
            return None
        self.running.remove(found)
        self._ended_id = found.id
        self._streaming = None
        for output in found.outputs:
            if not output.done and not output.is_half_a_call:
                if not output.is_call:
                    output.item = {**output.item, "content": output.content()}
                self._made(output)
        return found

    def _output(self, event: JsonObject) -> Output | None:
        found = (r.output(event.get("item_id")) for r in self.running)
        return next((output for output in found if output is not None), None)

    def _output_added(self, event: JsonObject) -> None:
        running, item = self._running_as(event.get("response_id")), event.get("item")
        if running is not None and isinstance(item, dict):
            index = event.get("output_index")
            running.outputs.append(Output(canonical_item(item), index if isinstance(index, int) else 0))

    def _part_added(self, event: JsonObject) -> None:
        output, part = self._output(event), event.get("part")
        if output is not None and isinstance(part, dict):
            output.parts[place_of(event)] = Part(str(part.get("type")))

    def _stream_done(self, stream: str, event: JsonObject) -> None:
        output = self._output(event)
        if output is not None:
            output.ended(stream, place_of(event), event.get("text") or event.get("transcript"))

    def _called(self, event: JsonObject) -> None:
        output = self._output(event)
        if output is not None:
            output.was_called(event.get("arguments"))

    def _output_done(self, event: JsonObject) -> None:
        running, item = self._running_as(event.get("response_id")), event.get("item")
        if running is None or not isinstance(item, dict):
            return
        output = running.output(item.get("id"))
        if output is not None:
            output.done = True
            output.item = canonical_item(item)
            self._made(output)

    FOLLOWED: ClassVar[Mapping[str, Callable[[InFlight, JsonObject], None]]] = {
        "response.output_item.added": _output_added,
        "response.content_part.added": _part_added,
        "response.output_text.done": lambda self, event: self._stream_done("text", event),
        "response.output_audio.done": lambda self, event: self._stream_done("audio", event),
        "response.output_audio_transcript.done": lambda self, event: self._stream_done("transcript", event),
        "response.content_part.done": lambda self, event: self._stream_done("part", event),
        "response.function_call_arguments.done": _called,
        "response.output_item.done": _output_done,
    }
    """What to do with the events inside of responses, by GA's names. One table for all sessions."""
