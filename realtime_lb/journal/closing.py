"""Ending an answer that nobody goes on with, in the events by which a server would have ended it."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

from realtime_lb.journal.responses import Output, Part, Running
from realtime_lb.journal.words import Words, worded_item
from realtime_lb.typing import JsonObject

__all__ = ["closed_out", "no_transcript"]

_NO_WORDS = {
    "type": "transcription_error",
    "code": "transcription_lost",
    "message": "The transcription of this item was interrupted.",
    "param": None,
}


def closed_out(running: Running, words: Words, reason: str, joined: Container[str]) -> Iterator[JsonObject]:
    """Yield what the client is told so that nothing of *running* stays open; ids of events are to be added.

    A call of which only a part was told is not ended but taken back: clients act on the end of a call.

    Args:
        running: What is over.
        words: The client's names of things.
        reason: Why, in a server's word.
        joined: Ids of items that the client was told to have joined the conversation.
    """
    for output in running.outputs:
        if output.is_half_a_call:
            if output.id in joined:
                yield {"type": "conversation.item.deleted", "item_id": output.id}
        elif not output.done:
            yield from _output_done(running, output, words, joined)
    made = [output for output in running.outputs if not output.is_half_a_call]
    whole = bool(made) and len(made) == len(running.outputs) and all(o.done or o.called for o in made)
    status: JsonObject = {"status": "completed", "status_details": None}
    if not whole:
        status = {"status": "cancelled", "status_details": {"type": "cancelled", "reason": reason}}
    shown = [worded_item(_ended_item(output), words) for output in made]
    yield {"type": "response.done", "response": {**running.value, **status, "output": shown}}


def _output_done(
    running: Running, output: Output, words: Words, joined: Container[str]
) -> Iterator[JsonObject]:
    where = {"response_id": running.id, "output_index": output.index}
    for index, part in sorted(output.parts.items()):
        place = {**where, "item_id": output.id, "content_index": index}
        for name, said in _streams(part, words):
            if name not in part.ended:
                yield {"type": said[0], **place, **said[1]}
        if "part" not in part.ended:
            told = "text" if part.kind == "text" else "transcript"
            yield {
                "type": "response.content_part.done",
                **place,
                "part": {"type": part.kind, told: part.words},
            }
    item = worded_item(_ended_item(output), words)
    yield {"type": "response.output_item.done", **where, "item": item}
    if words.item_done is not None and output.id in joined:
        yield {"type": words.item_done, "item": item}


def _streams(part: Part, words: Words) -> Iterator[tuple[str, tuple[str, dict[str, Any]]]]:
    if part.kind == "text":
        yield "text", (f"{words.text}.done", {"text": part.words})
    else:
        yield "audio", (f"{words.audio}.done", {})
        yield "transcript", (f"{words.transcript}.done", {"transcript": part.words})


def _ended_item(output: Output) -> JsonObject:
    if output.done:
        return output.item
    if output.is_call:
        return {**output.item, "arguments": output.arguments, "status": "completed"}
    return {**output.item, "content": output.content(), "status": "incomplete"}


def no_transcript(item_id: str, index: int) -> JsonObject:
    """Return what the client is told where a transcript that it waits for cannot come any more."""
    return {
        "type": "conversation.item.input_audio_transcription.failed",
        "item_id": item_id,
        "content_index": index,
        "error": dict(_NO_WORDS),
    }
