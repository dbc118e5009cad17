"""The tables of the reference pages, from the code itself.

``python -m tests.docs.tables`` writes them into the pages; a test fails where a page differs.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import click

from realtime_lb import errors
from realtime_lb.cli import cli
from realtime_lb.errors import RealtimeError
from realtime_lb.frames import Close
from realtime_lb.health.meanings import TABLE, Sign
from realtime_lb.records import (
    EventObserved,
    FieldDropped,
    HealthChanged,
    PanicChanged,
    SessionClosed,
    SessionOpened,
    SessionRehomed,
    SinkOverflowed,
    Traffic,
    Usage,
)
from realtime_lb.simulator import GRAMMAR, Simulator
from realtime_lb.sinks.log import REFUSED_FIELDS
from realtime_lb.verdicts import Meaning
from tests.docs.pages import ROOT

DOCS = ROOT / "docs"

SAMPLES: Mapping[str, RealtimeError] = {
    "AllUpstreamsFailed": errors.AllUpstreamsFailed("voice", []),
    "GroupDown": errors.GroupDown("voice"),
    "GroupRateLimited": errors.GroupRateLimited("voice", retry_after_s=1.0),
    "ConfigError": errors.ConfigError([]),
    "CredentialUnavailable": errors.CredentialUnavailable("…"),
    "DialError": errors.DialError("…"),
    "DialTimedOut": errors.DialTimedOut("…"),
    "DownstreamClosed": errors.DownstreamClosed(),
    "FirstEventRefused": errors.FirstEventRefused("…", upstream_code="…"),
    "GroupFull": errors.GroupFull("voice"),
    "HandshakeRefused": errors.HandshakeRefused(429),
    "InternalError": errors.InternalError(),
    "InvalidEvent": errors.InvalidEvent("…"),
    "TooCostly": errors.TooCostly(),
    "TooFast": errors.TooFast(),
    "InvalidRequest": errors.InvalidRequest("…"),
    "MissingExtra": errors.MissingExtra("azure", "…"),
    "OriginRefused": errors.OriginRefused(),
    "OutOfFiles": errors.OutOfFiles(),
    "Overloaded": errors.Overloaded(),
    "RealtimeError": RealtimeError("…"),
    "RequestRefused": errors.RequestRefused("…"),
    "SessionEnded": errors.SessionEnded(Close(1000)),
    "ShuttingDown": errors.ShuttingDown(),
    "SlowConsumer": errors.SlowConsumer(10),
    "TooManyOpens": errors.TooManyOpens(7.0),
    "TooManySessions": errors.TooManySessions(),
    "Unauthenticated": errors.Unauthenticated(),
    "UnknownDeployment": errors.UnknownDeployment("x", ["azure", "openai"]),
    "UnknownModel": errors.UnknownModel("x", ["voice"]),
    "UpgradeRequired": errors.UpgradeRequired(),
    "UpstreamError": errors.UpstreamError("…"),
    "UpstreamLost": errors.UpstreamLost(),
    "UpstreamUnreachable": errors.UpstreamUnreachable("…"),
}
"""One of each. What differs from case to case is ``…`` or an example."""

LINES = {
    "session opened": SessionOpened,
    "session closed": SessionClosed,
    "session moved": SessionRehomed,
    "realtime event": EventObserved,
    "field left out": FieldDropped,
    "deployment health changed": HealthChanged,
    "panic": PanicChanged,
    "log records lost": SinkOverflowed,
}


def render() -> Mapping[str, str]:
    """Return ``page: marker`` → what belongs between the marker and ``<!-- end -->``."""
    return {
        "explanation/choosing.md: verdicts": _verdicts(),
        "reference/errors.md: tree": _text(_tree()),
        "reference/errors.md: answers": _answers(),
        **{f"reference/logging.md: {line}": _fields(record) for line, record in LINES.items()},
        "reference/logging.md: session refused": _fields(SessionClosed, REFUSED_FIELDS),
        **{f"reference/cli.md: {name}": _options(command) for name, command in _commands()},
        "reference/cli.md: faults": _text(GRAMMAR),
        "reference/simulator.md: faults": _text(GRAMMAR),
        "reference/simulator.md: options": _attributes(Simulator),
    }


def _commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        yield name, command


def put_into(page: str, name: str) -> str:
    """Return *page*, which is called *name* below ``docs``, with all that belongs into it renewed."""
    for place, content in render().items():
        file, _, marker = place.partition(": ")
        if file != name:
            continue
        pattern = rf"(<!-- {re.escape(marker)} -->\n).*?(<!-- end -->)"
        found = re.search(pattern, page, flags=re.DOTALL)
        if found is None:
            raise LookupError(place)
        page = f"{page[: found.start()]}{found[1]}\n{content}\n\n{found[2]}{page[found.end() :]}"
    return page


def pages() -> Iterable[Path]:
    """Return the pages that hold such tables."""
    return sorted({DOCS / place.partition(": ")[0] for place in render()})


def _tree() -> str:
    doc = inspect.getdoc(errors) or ""
    return textwrap.dedent(doc.partition("::\n")[2].partition("\n\nEach member")[0]).strip()


def _answers() -> str:
    rows = [
        (
            _code(name),
            str(sample.http_status),
            str(sample.close_code),
            _code(sample.close_reason),
            sample.hint or "—",
        )
        for name, sample in sorted(SAMPLES.items())
        if name not in {"ConfigError", "MissingExtra"}
    ]
    return _table(("Error", "HTTP status", "Close code", "`type.code`", "Hint"), rows)


def _verdicts() -> str:
    rows = []
    for row in TABLE:
        keys = ", ".join(_code(_key(row.sign, key)) for key in row.keys)
        same = row.opening is row.live
        after = "the same" if same else _words(row.live)
        rows.append((_SIGNS[row.sign], keys, _words(row.opening), after, row.source))
    return _table(("Sign", "", "Before", "After", "Source"), rows)


_SIGNS: Mapping[Sign, str] = {
    Sign.WHAT: "what happened",
    Sign.STATUS: "HTTP status",
    Sign.STATUS_CLASS: "HTTP status",
    Sign.WORD: "`error.code` or `type`",
    Sign.PHRASE: "message begins with",
    Sign.CLOSE: "close code",
    Sign.CLOSE_CLASS: "close code",
    Sign.OTHERWISE: "anything else of",
}


def _key(sign: Sign, key: object) -> str:
    tails = {Sign.STATUS_CLASS: "xx", Sign.CLOSE_CLASS: "xxx"}
    return f"{key}{tails.get(sign, '')}"


def _words(meaning: Meaning) -> str:
    return meaning.replace("_", " ")


def _fields(record: type[Any], only: Collection[str] | None = None) -> str:
    meanings = _meanings(record)
    rows = []
    for each in attrs.fields(attrs.resolve_types(record)):
        if only is not None and each.name not in only:
            continue
        if each.type in {Traffic, Usage}:
            inner = _meanings(each.type)
            names = [other.name for other in attrs.fields(each.type)]
            rows += [(_code(f"{each.name}_{n}"), inner.get(n) or meanings[each.name]) for n in names]
        else:
            rows.append((_code(each.name), meanings[each.name]))
    return _table(("Field", "Meaning"), rows)


def _options(command: click.Command) -> str:
    rows = []
    for each in command.params:
        if not isinstance(each, click.Option):
            continue  # arguments have no words of their own: the page tells of them
        if each.hidden:  # what we say to ourselves
            continue
        name = ", ".join(_code(opt) for opt in sorted(each.opts, reverse=True))
        variable = _code(str(each.envvar)) if each.envvar else "—"
        rows.append((name, _type(each), _default(each), variable, each.help or ""))
    return _table(("Option", "Value", "Default", "Variable", "Meaning"), rows)


def _type(option: click.Option) -> str:
    if option.is_flag:
        return "—"
    if isinstance(option.type, click.Choice):
        return ", ".join(_code(choice) for choice in option.type.choices)
    if isinstance(option.type, click.IntRange):
        return f"{option.type.min} to {option.type.max}"
    names = {"float range": "number above 0", "integer": "whole number", "path": "path", "text": "text"}
    return (option.metavar or names[option.type.name]).lower()


def _default(option: click.Option) -> str:
    if option.required:
        return "required"
    shown = option.default if option.show_default else None
    return "—" if shown is None else _code(str(shown))


def _attributes(cls: type[Any]) -> str:
    meanings = _meanings(cls)
    rows = [
        (_code(each.name), _shown(each.default), meanings[each.name])
        for each in attrs.fields(cls)
        if each.init
    ]
    return _table(("Option", "Default", "Meaning"), rows)


def _shown(default: object) -> str:
    if isinstance(default, frozenset) and default:
        return ", ".join(_code(one) for one in sorted(default))
    if default in (None, (), frozenset()):
        return "none"
    return _code(str(default))


def _meanings(cls: type[Any]) -> Mapping[str, str]:
    """Return what the class's docstring says of each attribute."""
    text = (inspect.getdoc(cls) or "").partition("Attributes:\n")[2]
    found = re.findall(r"^(\w+): (.*(?:\n[ ]+.*)*)", textwrap.dedent(text), flags=re.MULTILINE)
    return {name: _markdown(re.sub(r"\s+", " ", meaning)) for name, meaning in found}


def _markdown(text: str) -> str:
    return text.replace("``", "`")


def _text(content: str) -> str:
    return f"```text\n{content}\n```"


def _code(text: str) -> str:
    return f"`{text}`"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    escaped = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    lines = [head, ["---"] * len(head), *escaped]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    for page in pages():
        page.write_text(put_into(page.read_text(), str(page.relative_to(DOCS))))
