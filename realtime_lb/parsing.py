"""What may be parsed at all: JSON that holds up neither the loop nor, later, the stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = [
    "LONGEST_SLASHES",
    "MOST_ESCAPES",
    "MOST_QUOTES",
    "MOST_STRUCTURE_BYTES",
    "is_costly",
    "slashes_before",
    "with_headroom",
]

MOST_QUOTES = 24_000
"""In one event, those within texts included: some thirty times as many as the largest
``session.update`` in the field has. Sound is one text. To count so many takes some 5 ms."""

MOST_STRUCTURE_BYTES = 128 * 1024
"""Of one event outside of its texts: brackets, commas, numbers and space. It could be 40,000 objects."""

MOST_ESCAPES = 200_000
"""In one event. A text of 30 KB in any script, escaped letter by letter, has less."""

CHEAP_BYTES = 32 * 1024
"""So little cannot cost much, whatever is in it, and is not looked at."""

LONGEST_SLASHES = 64
"""Backslashes in a row before a quote; more are nobody's text."""

HEADROOM = 40
"""Levels of nesting. What was parsed is written, compared and read again further down the stack."""

MOST_LEVELS_UNTRIED = 200
"""So many brackets nest no deeper than Python goes, wherever it stands."""

COUNTED_CHARS = 4 * 1024
"""So short a text is sooner counted through than searched; of 15 MiB a search takes 1 ms, a count 15."""

_SLASH = ord("\\")
_TOO_MANY_SLASHES = b"\\" * LONGEST_SLASHES
_OPENING, _CLOSING = "[" * HEADROOM, "]" * HEADROOM


def is_costly(payload: bytes | memoryview) -> bool:
    """Say whether a parse of *payload* would hold the loop for long.

    Costs a search for each quote in it, until there are too many, so that sound and pictures are jumped over.
    """
    if len(payload) <= CHEAP_BYTES:
        return False
    data = bytes(payload)
    if data.find(_TOO_MANY_SLASHES) >= 0:
        return True  # where a text ends would have to be counted, slash by slash
    at = structure = escapes = quotes = 0
    while (opening := data.find(b'"', at)) >= 0:
        structure += opening - at
        closing = data.find(b'"', opening + 1)
        while closing > 0 and data[closing - 1] == _SLASH and slashes_before(data, opening, closing) % 2:
            closing = data.find(b'"', closing + 1)
            quotes += 1
            if quotes > MOST_QUOTES:
                return True
        if closing < 0:
            return False  # no JSON, which a parse finds out at once
        if data.find(b"\\", opening, closing) >= 0:
            escapes += data.count(b"\\", opening, closing)
        quotes += 2
        if quotes > MOST_QUOTES or structure > MOST_STRUCTURE_BYTES or escapes > MOST_ESCAPES:
            return True
        at = closing + 1
    return structure + len(data) - at > MOST_STRUCTURE_BYTES


def slashes_before(data: bytes, opening: int, quote: int) -> int:
    """Return how many backslashes stand before a quote, in the text that opens at *opening*.

    Counts to `LONGEST_SLASHES`. Where it is an odd number, the quote is part of the text.
    """
    if data[quote - 1] != _SLASH:
        return 0
    if data[quote - 2] != _SLASH:
        return 1
    before = data[max(opening + 1, quote - LONGEST_SLASHES) : quote]
    return len(before) - len(before.rstrip(b"\\"))


def with_headroom(decode: Callable[[str], Any], text: str) -> Any:
    """Return the JSON value that *text* is, unless it is nested almost as deep as Python goes.

    Raises:
        ValueError: It is no JSON.
        RecursionError: It is nested too deep to be written again from a place further down the stack.
    """
    if _openings(text) <= MOST_LEVELS_UNTRIED:
        return decode(text)
    value = decode(f"{_OPENING}{text}{_CLOSING}")
    for _ in range(HEADROOM):
        if len(value) != 1:
            raise ValueError("no one value")
        (value,) = value
    return value


def _openings(text: str) -> int:
    """Return how many brackets open in *text*, or some number over `MOST_LEVELS_UNTRIED`."""
    if len(text) <= COUNTED_CHARS:
        return text.count("{") + text.count("[")
    found = 0
    for bracket in "{[":
        at = text.find(bracket)
        while at >= 0 and found <= MOST_LEVELS_UNTRIED:
            found += 1
            at = text.find(bracket, at + 1)
    return found
