"""Events as text: read so that nothing is lost, written so that every server can read them."""

from __future__ import annotations

import json
import math
import re
import uuid
from typing import Any, TypeAlias

from realtime_lb.frames import Frame, Opcode
from realtime_lb.parsing import with_headroom
from realtime_lb.typing import JsonObject

__all__ = ["Span", "read", "renamed", "rewritten", "write"]

Span: TypeAlias = tuple[int, int]
"""From where to where in a payload, as `events.type_span` tells."""

_MARK = f"number {uuid.uuid4().hex} "
"""Begins the stand-in of a number that Python cannot hold; nobody outside of this process knows it."""

_STANDS_IN = re.compile(rf'"{_MARK}([^"]*)"'.encode())
_MOST_DIGITS = 4_000
"""Python refuses to read integers of more than 4,300 digits (``sys.set_int_max_str_digits``)."""


def _whole(text: str) -> Any:
    return int(text) if len(text) <= _MOST_DIGITS else _MARK + text


def _decimal(text: str) -> Any:
    value = float(text)
    return value if math.isfinite(value) else _MARK + text


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")  # Python would read NaN and Infinity


_DECODER = json.JSONDecoder(parse_int=_whole, parse_float=_decimal, parse_constant=_no_constant)
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def read(payload: bytes | memoryview) -> JsonObject | None:
    """Return the JSON object that *payload* is, or None where it is none."""
    try:
        event = with_headroom(_DECODER.decode, bytes(payload).decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):  # RecursionError: nested too deep, and not a ValueError
        return None
    return event if isinstance(event, dict) else None


def write(event: JsonObject) -> Frame:
    """Return *event* as a text frame. Lone surrogates come out as escapes, numbers as they came in."""
    payload = _ENCODER.encode(event).encode("ascii")
    return Frame(Opcode.TEXT, _STANDS_IN.sub(rb"\1", payload) if _MARK.encode() in payload else payload)


def rewritten(frame: Frame, old: JsonObject, new: JsonObject) -> Frame:
    """Return a frame that holds *new*: *frame* itself, which holds *old*, where they are equal."""
    return frame if new == old else write(new)


def renamed(frame: Frame, span: Span, name: bytes) -> Frame:
    """Return *frame* with *name* where *span* is. All behind it is copied once and never looked at."""
    view = memoryview(frame.payload)
    return Frame(frame.opcode, b"".join((view[: span[0]], name, view[span[1] :])))
