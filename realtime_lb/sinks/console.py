"""Log lines for people, of which none can be forged by what is in them."""

from __future__ import annotations

import io
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

__all__ = ["console_renderers"]

_TELLS_APART = frozenset(" \t=\r\n\"'")
"""What text has to be quoted for, as structlog has it."""

_WITH_MORE_LINES = frozenset({"exc_info", "exception", "stack"})


def console_renderers() -> list[Processor]:
    """Return what turns an event into a line, in colours where standard error is a terminal."""
    is_terminal = sys.stderr.isatty()
    # The default would show a traceback's local variables, and with them keys.
    console = structlog.dev.ConsoleRenderer(colors=is_terminal, exception_formatter=_traceback)
    return [_escape_controls, console] if is_terminal else [_Plain(console)]


class _Plain:
    """Writes what `ConsoleRenderer` would without colours, in a fraction of the time.

    Args:
        console: Writes what takes more than a line.
    """

    def __init__(self, console: structlog.dev.ConsoleRenderer) -> None:
        self._console = console

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> str:
        if not _WITH_MORE_LINES.isdisjoint(event):
            return self._console(logger, method, _escape_controls(logger, method, event))
        at, level, source = event.pop("timestamp"), event.pop("level"), event.pop("logger")
        told = _escaped(str(event.pop("event")))
        fields = [
            f"{name}={_shown(value) if isinstance(value, str) else repr(value)}"
            for name, value in sorted(event.items())
        ]
        return " ".join([f"{at} [{level:<9}] {told:<30} [{_escaped(source)}]", *fields])


def _shown(text: str) -> str:
    if not text.isprintable():
        text = _escaped(text)
    return text if _TELLS_APART.isdisjoint(text) else repr(text)


def _escape_controls(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Escape what is not printable in text; other values are shown by their ``repr``, which does the same."""
    return {name: _escaped(value) if isinstance(value, str) else value for name, value in event.items()}


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _traceback(out: TextIO, exc_info: ExcInfo) -> None:
    """Write a traceback of which no line can be taken for an event's: an error's text may be anybody's."""
    plain = io.StringIO()
    structlog.dev.plain_traceback(plain, exc_info)
    out.writelines(f"\n    {_escaped(line)}" for line in plain.getvalue().strip("\n").split("\n"))
