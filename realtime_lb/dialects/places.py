"""Where an ``error`` says that a client went wrong, told in the client's own dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from realtime_lb.dialects.carry import other
from realtime_lb.dialects.field_table import ORDER, SESSION, TRANSCRIPTION
from realtime_lb.dialects.rows import FieldRow
from realtime_lb.typing import Dialect

__all__ = ["place_in"]

_TABLES: Mapping[str, Sequence[FieldRow]] = {"session": (*SESSION, *TRANSCRIPTION), "response": ORDER}


def place_in(target: Dialect, param: str) -> str:
    """Return the ``error.param`` of an upstream as *target* would name that place.

    One that has no place there stays as it is: an odd name helps more than none.
    """
    root, _, place = param.partition(".")
    known = {
        source: there
        for row in _TABLES.get(root, ())
        if (source := _dotted(row, other(target))) is not None and (there := _dotted(row, target)) is not None
    }
    head, tail = place, ""
    while head:
        if head in known:
            return f"{root}.{known[head]}{tail}"
        head, dot, last = head.rpartition(".")
        tail = f"{dot}{last}{tail}"
    return param


def _dotted(row: FieldRow, dialect: Dialect) -> str | None:
    return row.ga if dialect is Dialect.GA else row.beta
