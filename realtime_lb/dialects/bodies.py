"""Sessions, items and responses in the other dialect: the tables, and what a table cannot say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from realtime_lb.dialects.carry import Carried, carry, other
from realtime_lb.dialects.field_table import ORDER, RESPONSE, SESSION, TRANSCRIPTION
from realtime_lb.dialects.kind_table import CONTENT, ITEMS, REFERENCE
from realtime_lb.dialects.rows import names
from realtime_lb.typing import Dialect, JsonObject

__all__ = ["REALTIME", "TRANSCRIBING", "carry_item", "carry_order", "carry_response", "carry_session"]

REALTIME = "realtime"
TRANSCRIBING = "transcription"

_ITEM_NAMES = {target: names(ITEMS, other(target), target) for target in Dialect}
_CONTENT_NAMES = {target: names(CONTENT, other(target), target) for target in Dialect}


def carry_session(session: JsonObject, target: Dialect, kind: str) -> Carried:
    """Return a session in *target*'s dialect.

    Args:
        session: As a client updates it or a server shows it.
        target: The dialect to say it in.
        kind: `REALTIME` or `TRANSCRIBING`. GA wants to be told at each update.
    """
    carried = carry(session, TRANSCRIPTION if kind == TRANSCRIBING else SESSION, target)
    if target is Dialect.GA and isinstance(carried.value, dict):
        return Carried({"type": kind, **carried.value}, carried.lost)
    return carried


def carry_order(order: JsonObject, target: Dialect) -> Carried:
    """Return the ``response`` of a ``response.create`` in *target*'s dialect."""
    return _with_items(carry(order, ORDER, target), "input", target)


def carry_response(response: JsonObject, target: Dialect) -> Carried:
    """Return a server's response in *target*'s dialect."""
    return _with_items(carry(response, RESPONSE, target), "output", target)


def _with_items(carried: Carried, name: str, target: Dialect) -> Carried:
    given = carried.value.get(name)
    if not isinstance(given, list):
        return carried
    items: list[Any] = []
    lost = list(carried.lost)
    for index, item in enumerate(_loose(given, target)):
        each = carry_item(item, target)
        items += [] if each.value is None else [each.value]
        lost += [f"{name}[{index}].{place}" for place in each.lost]
    return Carried({**carried.value, name: items}, tuple(lost))


def carry_item(item: Any, target: Dialect) -> Carried:
    """Return an item in *target*'s dialect; None for one of a kind that *target* does not have."""
    if not isinstance(item, dict):
        return Carried(item)
    kind = item.get("type")
    if isinstance(kind, str) and _ITEM_NAMES[target].get(kind, kind) is None:
        return Carried(None, (f"type={kind}",))
    content = item.get("content")
    if not isinstance(content, list):
        return Carried(item)
    parts = [_carry_part(part, target) for part in content]
    lost = tuple(f"content.{place}" for part in parts for place in part.lost)
    return Carried({**item, "content": [part.value for part in parts if part.value is not None]}, lost)


def _carry_part(part: Any, target: Dialect) -> Carried:
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(kind, str):
        return Carried(part)
    name = _CONTENT_NAMES[target].get(kind, kind)
    return Carried(None, (f"type={kind}",)) if name is None else Carried({**part, "type": name})


def _loose(items: Iterable[Any], target: Dialect) -> Iterator[Any]:
    """Yield *items*; towards GA, references come out of messages and stand beside them."""
    for item in items:
        content = item.get("content") if isinstance(item, dict) and target is Dialect.GA else None
        if not isinstance(content, list) or not any(map(_is_reference, content)):
            yield item
            continue
        said: list[Any] = []
        for part in content:
            if not _is_reference(part):
                said.append(part)
                continue
            yield from _message(item, said)
            said = []
            yield part
        yield from _message(item, said)


def _message(item: JsonObject, said: list[Any]) -> Iterator[JsonObject]:
    if said:
        yield {**item, "content": said}


def _is_reference(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") == REFERENCE
