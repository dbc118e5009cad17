"""Records as log lines."""

from __future__ import annotations

import logging
import time
from typing import Any

import cattrs
import structlog
from structlog.typing import EventDict, WrappedLogger

from realtime_lb.records import (
    Attempt,
    EventObserved,
    Fault,
    FieldDropped,
    HealthChanged,
    HealthState,
    PanicChanged,
    Record,
    SessionClosed,
    SessionOpened,
    SessionRehomed,
    SinkOverflowed,
    Standing,
    Traffic,
    Usage,
)
from realtime_lb.settings import LoggingSettings
from realtime_lb.sinks.payloads import readable
from realtime_lb.sinks.refusals import Crowd
from realtime_lb.sinks.ring import SinkRing
from realtime_lb.typing import Clock
from realtime_lb.verdicts import Meaning

__all__ = ["LOGGER", "REFUSED_FIELDS", "LogSink", "log_ring"]

LOGGER = "realtime_lb"
"""The logger's name, for whoever sets levels and handlers."""

# A library stays silent until its application says otherwise (logging HOWTO, "Configuring Logging for a
# Library"); without this, warnings would go to stderr.
logging.getLogger(LOGGER).addHandler(logging.NullHandler())

_EVENTS = {
    SessionOpened: "session opened",
    SessionClosed: "session closed",
    SessionRehomed: "session moved to another upstream",
    EventObserved: "realtime event",
    FieldDropped: "field left out: the upstream's dialect has no word for it",
    HealthChanged: "deployment health changed",
    PanicChanged: "panic: only deployments that failed of late have room",
    SinkOverflowed: "log records lost",
}

REFUSED_FIELDS = (
    "session_id",
    "model_group",
    "principal",
    "client_address",
    "attempts",
    "duration_s",
    "http_status",
    "error",
    "fault",
)
"""What a `SessionClosed` says of a session that never began. The rest of it is nothing, or zero."""

GATHER_S = 0.02
"""For which a line waits for others. One that is made amid other work finds none of its code in the
processor's caches, and takes several times as long as one behind another."""

_PARTS = (Traffic, Usage)
"""What a record has of numbers that belong together."""

_BACK = frozenset({HealthState.ELIGIBLE, HealthState.SLOW_START})

_THEIR_FAULT = frozenset({Fault.NOBODY, Fault.CLIENT})


def _as_line(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    name = event.pop("event")
    return " ".join([str(name), *(f"{key}={value!r}" for key, value in event.items())])


class LogSink:
    """An `EventSink` that writes one line for each record.

    ``session opened`` and ``session closed`` hold all that is known of a session, ``session refused`` of one
    that never began, ``realtime event`` one event with its contents as far as the settings let them through.
    A session that ended by the fault of an upstream or of the gateway, a deployment that goes out of use,
    fields left out and lost records are warnings; all else is information. No line holds audio or a key.

    Lines go through structlog if the application has configured it, else to the standard library's logger
    `LOGGER`, as text with ``key=value`` pairs. Which of them is decided at every line.

    Args:
        settings: How many refused sessions are written a second. The next one of the same ``error`` has the
            number of those that were not, as ``not_logged``. The rest of the settings is for others.
        clock: Monotonic seconds.
    """

    def __init__(self, settings: LoggingSettings | None = None, *, clock: Clock = time.monotonic) -> None:
        self._refused = Crowd((settings or LoggingSettings()).refusals_per_s, clock)
        self._structlog = structlog.stdlib.get_logger(LOGGER)
        self._stdlib = structlog.wrap_logger(
            logging.getLogger(LOGGER),
            processors=[structlog.stdlib.filter_by_level, _as_line],
            wrapper_class=structlog.stdlib.BoundLogger,
            context_class=dict,
            cache_logger_on_first_use=False,
        )

    def __call__(self, record: Record) -> None:
        if isinstance(record, SessionClosed) and _never_began(record):
            self._tell_refusal(record)
        else:
            self._write(record, _EVENTS[type(record)], _fields(record))

    def _tell_refusal(self, record: SessionClosed) -> None:
        if not self._refused.takes(record.error):
            return
        fields = {name: _PLAIN.unstructure(getattr(record, name)) for name in REFUSED_FIELDS}
        if not_logged := self._refused.passed_over(record.error):
            fields["not_logged"] = not_logged
        self._write(record, "session refused", fields)

    def _write(self, record: Record, name: str, fields: dict[str, Any]) -> None:
        logger = self._structlog if structlog.is_configured() else self._stdlib
        write = logger.warning if _is_warning(record) else logger.info
        write(name, **fields)


def log_ring(settings: LoggingSettings) -> SinkRing:
    """Return a ring before the log."""
    return SinkRing([LogSink(settings)], gather_s=GATHER_S)


def _never_began(record: SessionClosed) -> bool:
    """Say so of a client that got an HTTP answer, unless an upstream had accepted it and it left then."""
    return record.http_status is not None and record.deployment is None


def _is_warning(record: Record) -> bool:
    if isinstance(record, SessionClosed):
        return record.fault not in _THEIR_FAULT
    if isinstance(record, HealthChanged):
        return record.standing.state not in _BACK
    if isinstance(record, PanicChanged):
        return record.panic
    return isinstance(record, FieldDropped | SinkOverflowed)


def _fields(record: Record) -> dict[str, Any]:
    """Return the record's attributes, flat: ``usage_input_tokens``, ``from_client_bytes``."""
    flat: dict[str, Any] = _PLAIN.unstructure(record)
    for name in [name for name, value in flat.items() if type(value) is dict]:
        whole = getattr(record, name)
        if isinstance(whole, _PARTS):
            flat |= {f"{name}_{inner}": number for inner, number in flat.pop(name).items()}
        elif isinstance(whole, Standing):
            flat |= flat.pop(name)
    return flat


def _attempt(attempt: Attempt) -> str:
    notes = [str(attempt.verdict)] * (attempt.verdict is not Meaning.OK) + ["hedge"] * attempt.hedge
    said = f"{attempt.deployment}:{attempt.outcome}" + (f" ({', '.join(notes)})" if notes else "")
    return f"{said}: {attempt.detail}" if attempt.detail else said


def _rounded(seconds: float) -> float:
    return round(seconds, 3)


_PLAIN = cattrs.Converter()
"""Turns records into what loggers can show."""

_PLAIN.register_unstructure_hook(Attempt, _attempt)
_PLAIN.register_unstructure_hook(bytes, readable)
_PLAIN.register_unstructure_hook(float, _rounded)
