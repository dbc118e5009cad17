"""Carrying an object into the other dialect, field by field, as a table of rows says.

A field that the table knows moves to its place there. One that it does not know stays where it is: servers
grow fields faster than anybody's table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from attrs import frozen

from realtime_lb.dialects.forms import LOST, Partly
from realtime_lb.dialects.rows import FieldRow, Path
from realtime_lb.typing import Dialect, JsonObject

__all__ = ["Carried", "carry", "other"]

_MISSING: Final = object()


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
    clients mix.
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
            lost += [] if row.implied else _leaves(path, found)
            continue
        formed = row.form.into(target, found)
        if isinstance(formed, Partly) or formed is LOST:
            lost.append(".".join(path))
        if formed is not LOST:
            moved.append((there, formed.value if isinstance(formed, Partly) else formed))
    for there, formed in moved:
        _put(rest, there, formed)
    return Carried(rest, tuple(lost))


def _placed(rows: Sequence[FieldRow], source: Dialect) -> Iterator[tuple[FieldRow, Path]]:
    return ((row, path) for row in rows if (path := row.path(source)) is not None)


def _copied(value: Any) -> Any:
    """Copy the objects, not what is in them: only they are taken apart."""
    return {name: _copied(inner) for name, inner in value.items()} if isinstance(value, dict) else value


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


def _leaves(path: Path, found: Any) -> list[str]:
    """Name what is lost with *found*: nothing where it says nothing."""
    if found is None:
        return []
    if isinstance(found, dict):
        return [leaf for name, inner in found.items() for leaf in _leaves((*path, name), inner)]
    return [".".join(path)]
