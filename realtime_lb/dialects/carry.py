"""Carrying an object into the other dialect, field by field, as a table of rows says.

A field that the table knows moves to its place there. One that it does not know stays where it is: servers
grow fields faster than anybody's table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from attrs import frozen

from realtime_lb.dialects.forms import LOST, SAME, Partly
from realtime_lb.dialects.rows import FieldRow, Path
from realtime_lb.typing import Dialect, JsonObject

__all__ = ["Carried", "carry", "other"]

_MISSING: Final = object()

DEEPEST = 4
"""Levels of the deepest row: ``session``, ``audio``, ``input``, ``turn_detection``, and its field."""

MOST_TOLD = 64
"""Fields that are named of one lost branch; `Losses` tells no more of a whole session."""


@frozen
class Carried:
    """A value in its new dialect.

    Attributes:
        value: The value; None where nothing of it can be said there.
        lost: Dotted places, in the dialect that it came from, of all that was left out.
    """

    value: Any
    lost: tuple[str, ...] = ()


def other(dialect: Dialect) -> Dialect:
    """Return the other dialect."""
    return Dialect.BETA if dialect is Dialect.GA else Dialect.GA


def carry(value: JsonObject, rows: Sequence[FieldRow], target: Dialect) -> Carried:
    """Return *value* in *target*'s dialect; it is not changed itself.

    Fields of *target* that are there already stay, and win over those that would move to their place: some
    clients mix, and some give such a field a value in the source's form.
    """
    source = other(target)
    rest = _copied(value)
    lost: list[str] = []
    moved: list[tuple[Path, Any]] = []
    # The inner fields first: what the target lacks must be out of an object before that moves.
    for row, path in sorted(_placed(rows, source), key=lambda placed: -len(placed[1])):
        found = _take(rest, path)
        if found is _MISSING:
            continue
        there = row.path(target)
        if there is None:
            lost += [] if row.implied else islice(_leaves(path, found), MOST_TOLD)
            continue
        if found == {} and _was_full(value, path):
            continue  # all that it said is lost or moved; an empty object would be refused, and all with it
        formed = row.form.into(target, found)
        if isinstance(formed, Partly) or formed is LOST:
            lost.append(".".join(path))
        if formed is not LOST:
            moved.append((there, formed.value if isinstance(formed, Partly) else formed))
    for row in rows:
        _put_right(rest, row, target)
    for there, formed in moved:
        _put(rest, there, formed)
    return Carried(rest, tuple(lost))


def _placed(rows: Sequence[FieldRow], source: Dialect) -> Iterator[tuple[FieldRow, Path]]:
    return ((row, path) for row in rows if (path := row.path(source)) is not None)


def _copied(value: Any, levels: int = DEEPEST) -> Any:
    """Copy the objects that are taken apart, not what is in them or below any row's place."""
    if levels == 0 or not isinstance(value, dict):
        return value
    return {name: _copied(inner, levels - 1) for name, inner in value.items()}


def _take(value: JsonObject, path: Path) -> Any:
    inner: Any = value
    for name in path[:-1]:
        inner = inner.get(name) if isinstance(inner, dict) else None
    return inner.pop(path[-1], _MISSING) if isinstance(inner, dict) else _MISSING


def _put(value: JsonObject, path: Path, found: Any) -> None:
    inner = value
    for name in path[:-1]:
        deeper = inner.get(name)
        if not isinstance(deeper, dict):
            deeper = inner[name] = {}
        inner = deeper
    inner.setdefault(path[-1], found)


def _put_right(value: JsonObject, row: FieldRow, target: Dialect) -> None:
    """Give a field in *target*'s place a form of *target*'s; where there is none, the upstream refuses it."""
    there = row.path(target)
    if there is None or row.form is SAME:
        return
    inner: Any = value
    for name in there[:-1]:
        inner = inner.get(name) if isinstance(inner, dict) else None
    if isinstance(inner, dict) and there[-1] in inner:
        formed = row.form.into(target, inner[there[-1]])
        if formed is not LOST and not isinstance(formed, Partly):
            inner[there[-1]] = formed


def _leaves(path: Path, found: Any) -> Iterator[str]:
    """Name what is lost with *found*: nothing where it says nothing, a whole branch below the last row."""
    if found is None:
        return
    if not isinstance(found, dict) or len(path) > DEEPEST:
        yield ".".join(path)
        return
    for name, inner in found.items():
        yield from _leaves((*path, name), inner)


def _was_full(value: Any, path: Path) -> bool:
    """Say whether the object at *path* said something before it was taken apart."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return bool(value)
