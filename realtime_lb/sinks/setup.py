"""Logging of the command line. Nothing here runs when the library is used inside an application."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, partial
from typing import Any, TextIO

import structlog
from attrs import frozen
from structlog.typing import EventDict, Processor, WrappedLogger

from realtime_lb.sinks.console import console_renderers
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
    named: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendered = _Rendered(_RENDERERS[format]())
    # Straight to standard error. By way of the standard library, which is for all who know no other, a line
    # costs twice as much, and each session has three.
    structlog.configure(
        processors=[*named, rendered],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=cache(partial(_Lines, sys.stderr)),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=named,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, rendered],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(number, logging.WARNING))
    logging.getLogger(LOGGER).setLevel(number)


@frozen
class _Rendered:
    """Makes a line of an event, whatever is in it: who logs must not fail of a value that cannot be shown."""

    renderers: Sequence[Processor]

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> str:
        try:
            return self._line(logger, method, dict(event))  # renderers take it apart
        except Exception as error:  # noqa: BLE001  # a value may be anybody's
            head = {name: event[name] for name in ("timestamp", "level", "logger", "event")}
            return self._line(logger, method, {**head, "not_shown": type(error).__name__})

    def _line(self, logger: WrappedLogger, method: str, event: Any) -> str:
        for render in self.renderers:
            event = render(logger, method, event)
        return str(event)


class _Lines(structlog.WriteLogger):
    """Writes lines, while there is somebody to read them.

    Args:
        file: Where to.
        name: The logger's.
    """

    def __init__(self, file: TextIO, name: str = LOGGER) -> None:
        super().__init__(file)
        self.name = name

    def msg(self, message: str) -> None:
        with suppress(OSError, ValueError):  # standard error may be closed, and calls go on
            super().msg(message)

    debug = info = warning = error = critical = msg


def _json() -> list[Processor]:
    return [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(serializer=_as_json, sort_keys=False),
    ]


_RENDERERS: dict[str, Callable[[], list[Processor]]] = {"console": console_renderers, "json": _json}


def _as_json(event: EventDict, **options: Any) -> str:
    try:
        return json.dumps(event, allow_nan=False, **options)
    except ValueError:  # NaN and infinities, which JSON does not have
        return json.dumps(json.loads(json.dumps(event, **options), parse_constant=str), **options)
