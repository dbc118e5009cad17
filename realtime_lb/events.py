"""Reading events: their type without a parse, their meaning with one.

A relay sees fifty audio frames a second and session, and needs of each only its ``type``. `event_type` reads
that structurally: it walks the object's top level key by key and jumps over values, so that text which
merely *contains* ``"type"`` is never mistaken for it, and so that clients which write ``audio`` before
``type`` (openai-agents does) cost one search for a quote. What it reads is a peek, good for counting and
logging; nothing is ever authorised on it.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from realtime_lb.frames import UNREAD, Frame
from realtime_lb.parsing import LONGEST_SLASHES, is_costly, slashes_before, with_headroom
from realtime_lb.typing import JsonObject

__all__ = [
    "APPEND",
    "AUDIO_DELTAS",
    "CLOSING_BRACE",
    "LONGEST_HEAD_BYTES",
    "SOUND",
    "STREAMED",
    "costs_much",
    "event_of",
    "event_type",
    "heads_of",
    "parse_event",
    "type_of",
    "type_span",
    "value_at",
]

APPEND = "input_audio_buffer.append"
"""The client event that carries audio, in either dialect: fifty a second."""

SOUND = frozenset({APPEND})
"""What a client's sound comes in."""

AUDIO_DELTAS = frozenset({"response.output_audio.delta", "response.audio.delta"})
"""Server events that carry audio, in GA's name and in beta's."""

STREAMED = AUDIO_DELTAS | {
    "response.output_text.delta",
    "response.text.delta",
    "response.output_audio_transcript.delta",
    "response.audio_transcript.delta",
    "response.function_call_arguments.delta",
}
"""What an answer comes in, piece by piece, in GA's names and in beta's."""


@cache
def heads_of(kinds: frozenset[str]) -> tuple[bytes, ...]:
    """Return how events of these types begin where the type comes first, in compact JSON and in Python's.

    Most clients and servers write it first; to compare some heads costs a fifth of a search.
    """
    return tuple(b'{"type":%s"%s"' % (space, kind.encode()) for kind in kinds for space in (b"", b" "))


_APPEND_HEADS = heads_of(SOUND)

_TYPE_FIRST = b'{"type":"'
_TYPE_AT = len(_TYPE_FIRST)
_STREAMED = {name.encode() + b'"': name for name in STREAMED}
_LONGEST_STREAMED = max(map(len, _STREAMED))

LONGEST_HEAD_BYTES = max(map(len, heads_of(SOUND | STREAMED)))
"""Of the events above."""

CLOSING_BRACE = ord("}")
"""What an event ends with, unless there is space behind it, or it was cut off."""

_USUAL_HEAD = re.compile(
    rb'[ \t\r\n]*+\{[ \t\r\n]*+(?:"event_id"[ \t\r\n]*+:[ \t\r\n]*+"[^"\\]*"[ \t\r\n]*+,[ \t\r\n]*+)?'
    rb'"type"[ \t\r\n]*+:[ \t\r\n]*+"([a-z0-9_.]+)"'
)
"""Every official client and server but one starts its events so; `_Walk` reads all others."""

_SPACE = re.compile(rb"[ \t\r\n]*")
_SCALAR = re.compile(rb"[-+.0-9a-zA-Z]+")
_BRACKET_OR_QUOTE = re.compile(rb'["\[\]{}]')
_OPENING = b"{["

MOST_SEARCHES = 1_000
"""About a millisecond. Tools of a large ``session.update`` that stand before its type take some hundreds."""

LONGEST_TYPE_BYTES = 1_024
"""As written. The longest that there is has 57; a longer one is nobody's type."""


def parse_event(payload: bytes | memoryview, *, at_any_cost: bool = False) -> JsonObject | None:
    """Return the event, or None where *payload* is not a JSON object, or one that is made to cost.

    Args:
        payload: The event's text.
        at_any_cost: Parse it, be it never so large: somebody waits for this very event, or has asked already
            what it costs.
    """
    if not at_any_cost and is_costly(payload):
        return None
    try:
        event = with_headroom(json.loads, bytes(payload).decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):  # RecursionError: nested too deep, and not a ValueError
        return None
    return event if isinstance(event, dict) else None


def event_of(frame: Frame) -> JsonObject | None:
    """Return `parse_event` of *frame*'s payload, parsed at the first call only. Nobody changes it."""
    try:
        return frame.event
    except AttributeError:
        frame.event = parse_event(frame.payload)
        return frame.event


def value_at(event: JsonObject, *path: str) -> Any:
    """Return what *event* has there; None where there is nothing, or no object on the way."""
    value: Any = event
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def event_type(payload: bytes | memoryview) -> str | None:
    """Return the event's ``type`` without parsing the rest, or None where there is none to be read.

    Costs at most a few hundred searches, whatever the payload's size and whatever is in it: long strings are
    jumped over, and who hides the type behind more than that has hidden it.
    """
    if usual := _USUAL_HEAD.match(payload):
        return usual[1].decode()
    data = bytes(payload)
    value = _type_value(data)
    return None if value is None else _text(data[value[0] : value[1]])


def type_of(frame: Frame) -> str | None:
    """Return `event_type` of *frame*'s payload, read at the first call only."""
    kind = frame.type_read
    if kind is UNREAD:
        payload = frame.payload
        if isinstance(payload, bytes) and payload.startswith(_APPEND_HEADS):
            kind = APPEND
        else:
            kind = _streamed_type(payload) or event_type(payload)
        frame.type_read = kind
    return kind


def _streamed_type(payload: bytes | memoryview) -> str | None:
    """Return one of `STREAMED` where it stands in front, without the search that `event_type` is."""
    head = bytes(payload[: _TYPE_AT + _LONGEST_STREAMED])
    if not head.startswith(_TYPE_FIRST):
        return None
    return _STREAMED.get(head[_TYPE_AT : head.find(b'"', _TYPE_AT) + 1])


def costs_much(frame: Frame) -> bool:
    """Return `parsing.is_costly` of *frame*'s payload, looked for at the first call only."""
    try:
        return frame.costs
    except AttributeError:
        frame.costs = is_costly(frame.payload)
        return frame.costs


def type_span(payload: bytes | memoryview) -> tuple[int, int] | None:
    """Return where the ``type`` stands between its quotes, or None where there is none to be read.

    What stands there is the text as written: an escape in it is not resolved. Costs what `event_type` does.
    """
    if usual := _USUAL_HEAD.match(payload):
        return usual.span(1)
    data = bytes(payload)
    value = _type_value(data)
    if value is None or _text(data[value[0] : value[1]]) is None:
        return None
    return value[0] + 1, value[1] - 1


def _type_value(data: bytes) -> tuple[int, int] | None:
    try:
        return _Walk(data).type_of_object()
    except _NotAnEventError:
        return None


class _NotAnEventError(Exception):
    """The text is not the JSON object that it would have to be, or not worth the search."""


class _Walk:
    """One walk over the top level of a JSON object, on a budget."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._searches_left = MOST_SEARCHES

    def type_of_object(self) -> tuple[int, int]:
        """Return where the value of the top level's ``type`` begins and ends."""
        at = self._opened(self._after_space(0))
        while self._byte(at) == b'"':
            key_end = self._string_end(at)
            key = self._data[at + 1 : key_end - 1]
            at = self._after_space(self._expect(b":", self._after_space(key_end)))
            value_end = self._value_end(at)
            if key == b"type":
                return at, value_end
            at = self._after_space(self._expect(b",", self._after_space(value_end)))
        raise _NotAnEventError

    def _opened(self, at: int) -> int:
        return self._after_space(self._expect(b"{", at))

    def _byte(self, at: int) -> bytes:
        return self._data[at : at + 1]

    def _expect(self, byte: bytes, at: int) -> int:
        if self._byte(at) != byte:
            raise _NotAnEventError
        return at + 1

    def _spend(self) -> None:
        self._searches_left -= 1
        if self._searches_left < 0:
            raise _NotAnEventError

    def _after_space(self, at: int) -> int:
        match = _SPACE.match(self._data, at)
        return match.end() if match else at

    def _string_end(self, at: int) -> int:
        """Return the index after the closing quote of the string that opens at *at*."""
        quote = self._data.find(b'"', at + 1)
        while quote > 0:
            self._spend()
            if not self._is_escaped(at, quote):
                return quote + 1
            quote = self._data.find(b'"', quote + 1)
        raise _NotAnEventError

    def _is_escaped(self, opening: int, quote: int) -> bool:
        slashes = slashes_before(self._data, opening, quote)
        if slashes == LONGEST_SLASHES:
            raise _NotAnEventError
        return slashes % 2 == 1

    def _value_end(self, at: int) -> int:
        first = self._byte(at)
        if first == b'"':
            return self._string_end(at)
        if first and first in _OPENING:
            return self._nested_end(at)
        match = _SCALAR.match(self._data, at)
        if match is None:
            raise _NotAnEventError
        return match.end()

    def _nested_end(self, at: int) -> int:
        depth = 0
        while match := _BRACKET_OR_QUOTE.search(self._data, at):
            self._spend()
            if match.group() == b'"':
                at = self._string_end(match.start())
                continue
            depth += 1 if match.group() in _OPENING else -1
            at = match.end()
            if depth == 0:
                return at
        raise _NotAnEventError


def _text(value: bytes) -> str | None:
    if len(value) > LONGEST_TYPE_BYTES:
        return None
    try:
        decoded = json.loads(value) if b"\\" in value else value.decode()[1:-1]
    except ValueError:
        return None
    return decoded if value[:1] == b'"' else None
