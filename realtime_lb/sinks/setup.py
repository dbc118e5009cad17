"""Logging of the command line. Nothing here runs when the library is used inside an application."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from realtime_lb.sinks.log import LOGGER

__all__ = ["configure_logging"]


def configure_logging(level: str = "info", format: str = "console") -> None:  # noqa: A002  # the setting's name
    """Send every log line of the process to standard error, one event a line.

    ``json`` writes one valid JSON object a line, in ASCII, whatever is in the values. ``console`` is for
    people: control characters and line separators in values are escaped, so that nobody can forge a line or
    reach the terminal; only a traceback spans several lines, all of which are indented. Other libraries are
    heard from ``warning`` up, since their informative lines hold whole URLs.

    May be called again; the last call holds.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
        format: ``console`` or ``json``.

    Raises:
        ValueError: Another level or format.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"unknown log level {level!r}")
    if format not in _RENDERERS:
        raise ValueError(f"unknown log format {format!r}")
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_RENDERERS[format]()],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(number, logging.WARNING))
    logging.getLogger(LOGGER).setLevel(number)


def _console() -> list[Processor]:
    return [
        _escape_controls,
        # The default would show a traceback's local variables, and with them keys.
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=_traceback),
    ]


def _traceback(out: TextIO, exc_info: ExcInfo) -> None:
    """Write a traceback of which no line can be taken for an event's: an error's text may be anybody's."""
    plain = io.StringIO()
    structlog.dev.plain_traceback(plain, exc_info)
    out.writelines(f"\n    {_escaped(line)}" for line in plain.getvalue().strip("\n").split("\n"))


def _json() -> list[Processor]:
    return [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(serializer=_as_json, sort_keys=False),
    ]


_RENDERERS: dict[str, Callable[[], list[Processor]]] = {"console": _console, "json": _json}


def _escape_controls(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Escape what is not printable in text; other values are shown by their ``repr``, which does the same."""
    return {name: _escaped(value) if isinstance(value, str) else value for name, value in event.items()}


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _as_json(event: EventDict, **options: Any) -> str:
    try:
        return json.dumps(event, allow_nan=False, **options)
    except ValueError:  # NaN and infinities, which JSON does not have
        return json.dumps(json.loads(json.dumps(event, **options), parse_constant=str), **options)
