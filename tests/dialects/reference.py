"""The tables of ``docs/reference/dialects.md``, from the tables that the translator itself reads.

``python -m tests.dialects.reference`` writes them into the page; a test fails where the page differs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from realtime_lb.dialects.event_table import CLIENT_EVENTS, SERVER_EVENTS
from realtime_lb.dialects.field_table import ORDER, RESPONSE, SESSION, TRANSCRIPTION
from realtime_lb.dialects.kind_table import CONTENT, ITEMS
from realtime_lb.dialects.rows import SOURCES, Body, EventRow, FieldRow, KindRow
from tests.clients.first_sdk import CORRECTIONS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "dialects.md"

FIELDS: Mapping[str, Sequence[FieldRow]] = {
    "session": SESSION,
    "transcription": TRANSCRIPTION,
    "order": ORDER,
    "response": RESPONSE,
}
KINDS: Mapping[str, Sequence[KindRow]] = {"items": ITEMS, "contents": CONTENT}


def render() -> Mapping[str, str]:
    """Return marker → table."""
    return {
        "losses": _losses(),
        "client events": _events(CLIENT_EVENTS),
        "server events": _events(SERVER_EVENTS),
        **{name: _fields(rows) for name, rows in FIELDS.items()},
        **{name: _kinds(rows) for name, rows in KINDS.items()},
        "corrections": _table(("Place", "Value", "Types since", "What it is"), _corrections()),
        "sources": _table(("Tag", "Source"), SOURCES.items()),
    }


def put_into(page: str) -> str:
    """Return *page* with every table renewed."""
    for marker, table in render().items():
        found = re.search(rf"(<!-- {marker} -->\n).*?(<!-- end -->)", page, flags=re.DOTALL)
        if found is None:
            raise LookupError(marker)
        page = f"{page[: found.start()]}{found[1]}\n{table}\n\n{found[2]}{page[found.end() :]}"
    return page


def _losses() -> str:
    rows = [
        (_place(name, row), _towards(row), row.loss)
        for name, table in FIELDS.items()
        for row in table
        if row.loss
    ]
    kinds = [
        (f"{name} of type {_code(row.ga or row.beta)}", _towards(row), row.loss)
        for name, table in KINDS.items()
        for row in table
        if row.loss
    ]
    merged: dict[tuple[str, str, str], list[str]] = {}
    for place, towards, loss in (*rows, *kinds):
        field, _, where = place.partition(" in ")
        merged.setdefault((field, towards, loss), []).append(where)
    lines = ((field, ", ".join(filter(None, where)), to, loss) for (field, to, loss), where in merged.items())
    return _table(("What", "In", "Towards", "What is lost"), lines)


def _place(name: str, row: FieldRow) -> str:
    return f"{_code(row.ga or row.beta)} in {name}"


def _towards(row: FieldRow | KindRow) -> str:
    if row.ga is None:
        return "GA"
    return "beta"


def _events(rows: Iterable[EventRow]) -> str:
    lines = (
        (_code(row.ga), _code(row.beta), _inside(row), row.note, row.source)
        for row in sorted(rows, key=lambda row: row.ga or "")
    )
    return _table(("GA", "Beta", "Translated inside", "Note", "Source"), lines)


def _inside(row: EventRow) -> str:
    return "—" if row.body is Body.NONE else _code(row.body.key)


def _fields(rows: Iterable[FieldRow]) -> str:
    lines = ((_code(row.beta), _code(row.ga), row.form.says, _loss(row), row.source) for row in rows)
    return _table(("Beta", "GA", "Form", "Lost", "Source"), lines)


def _loss(row: FieldRow) -> str:
    return "nothing: each side implies it" if row.implied else row.loss


def _kinds(rows: Iterable[KindRow]) -> str:
    lines = ((_code(row.beta), _code(row.ga), row.loss, row.source) for row in rows)
    return _table(("Beta", "GA", "Lost", "Source"), lines)


def _corrections() -> Iterable[Sequence[str]]:
    return ((_code(each.place), _code(each.value), each.since, each.says) for each in CORRECTIONS)


def _code(text: str | None) -> str:
    return "—" if text is None else f"`{text}`"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    escaped = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    lines = [head, ["---"] * len(head), *escaped]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(put_into(PAGE.read_text()))
