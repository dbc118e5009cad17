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

from realtime_lb.typing import JsonObject

__all__ = ["AUDIO_DELTAS", "FIRST_EVENTS", "event_type", "parse_event"]

AUDIO_DELTAS = frozenset({"response.output_audio.delta", "response.audio.delta"})
"""Server events that carry audio, in GA's name and in beta's."""

FIRST_EVENTS = frozenset({"session.created", "transcription_session.created", "conversation.created"})
"""Server events that open a session. xAI's documents name either of the first and the last."""

_USUAL_HEAD = re.compile(
    rb'[ \t\r\n]*\{[ \t\r\n]*(?:"event_id"[ \t\r\n]*:[ \t\r\n]*"[^"\\]*"[ \t\r\n]*,[ \t\r\n]*)?'
    rb'"type"[ \t\r\n]*:[ \t\r\n]*"([a-z0-9_.]+)"'
)
"""Every official client and server but one starts its events so; `_find_type` reads all others."""

_SPACE = re.compile(rb"[ \t\r\n]*")
_SCALAR = re.compile(rb"[-+.0-9a-zA-Z]+")
_BRACKET_OR_QUOTE = re.compile(rb'["\[\]{}]')
_OPENING = b"{["
_BACKSLASH = 0x5C
_QUOTE = 0x22


def parse_event(payload: bytes | memoryview) -> JsonObject | None:
    """Return the event, or None where *payload* is not a JSON object."""
    try:
        event = json.loads(bytes(payload))
    except (ValueError, RecursionError):  # RecursionError: nested too deep, and not a ValueError
        return None
    return event if isinstance(event, dict) else None


def event_type(payload: bytes | memoryview) -> str | None:
    """Return the event's ``type`` without parsing the rest, or None where there is none to be read.

    Costs a few searches whatever the payload's size: a long string is skipped, not looked at.
    """
    if usual := _USUAL_HEAD.match(payload):
        return usual[1].decode()
    try:
        return _find_type(bytes(payload))
    except _NotAnEventError:
        return None


class _NotAnEventError(Exception):
    """The text is not the JSON object that it would have to be."""


def _find_type(data: bytes) -> str | None:
    at = _after_space(data, 0)
    if data[at : at + 1] != b"{":
        return None
    at = _after_space(data, at + 1)
    while data[at : at + 1] == b'"':
        key_end = _string_end(data, at)
        key = data[at + 1 : key_end - 1]
        at = _after_space(data, key_end)
        if data[at : at + 1] != b":":
            return None
        at = _after_space(data, at + 1)
        value_end = _value_end(data, at)
        if key == b"type":
            return _text(data[at:value_end])
        at = _after_space(data, value_end)
        if data[at : at + 1] != b",":
            return None
        at = _after_space(data, at + 1)
    return None


def _after_space(data: bytes, at: int) -> int:
    match = _SPACE.match(data, at)
    return match.end() if match else at


def _string_end(data: bytes, at: int) -> int:
    """Return the index after the closing quote of the string that opens at *at*."""
    quote = data.find(b'"', at + 1)
    while quote > 0:
        first_slash = quote
        while data[first_slash - 1] == _BACKSLASH:
            first_slash -= 1
        if (quote - first_slash) % 2 == 0:
            return quote + 1
        quote = data.find(b'"', quote + 1)
    raise _NotAnEventError


def _value_end(data: bytes, at: int) -> int:
    first = data[at : at + 1]
    if first == b'"':
        return _string_end(data, at)
    if first and first in _OPENING:
        return _nested_end(data, at)
    match = _SCALAR.match(data, at)
    if match is None:
        raise _NotAnEventError
    return match.end()


def _nested_end(data: bytes, at: int) -> int:
    depth = 0
    while match := _BRACKET_OR_QUOTE.search(data, at):
        if data[match.start()] == _QUOTE:
            at = _string_end(data, match.start())
            continue
        depth += 1 if match.group() in _OPENING else -1
        at = match.end()
        if depth == 0:
            return at
    raise _NotAnEventError


def _text(value: bytes) -> str | None:
    try:
        decoded = json.loads(value) if b"\\" in value else value.decode()[1:-1]
    except ValueError:
        return None
    return decoded if value[:1] == b'"' else None
