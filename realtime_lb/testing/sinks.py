"""What every `EventSink` must do: run this check over your own."""

from __future__ import annotations

import inspect
import time

from realtime_lb.abc import EventSink
from realtime_lb.records import (
    Attempt,
    Direction,
    EventObserved,
    Fault,
    HealthChanged,
    HealthState,
    PanicChanged,
    Record,
    SessionClosed,
    SessionOpened,
    SinkOverflowed,
    Standing,
    Traffic,
    Usage,
)
from realtime_lb.verdicts import Meaning

__all__ = ["SAMPLE_RECORDS", "check_sink"]

_ATTEMPTS = (
    Attempt(deployment="eu", outcome="upstream_timeout", verdict=Meaning.UNREACHABLE, duration_s=0.5),
    Attempt(deployment="us", outcome="accepted", verdict=Meaning.OK, duration_s=0.25),
)


def _closed(fault: Fault, error: str | None, reason: str) -> SessionClosed:
    return SessionClosed(
        session_id="rlb_1",
        model_group="gpt-realtime",
        deployment="us" if error is None else None,
        principal="anonymous",
        attempts=_ATTEMPTS,
        duration_s=61.5,
        first_event_s=0.75 if error is None else None,
        first_audio_s=None,
        from_client=Traffic(frames=3, bytes=300),
        from_upstream=Traffic(frames=5, bytes=500),
        usage=Usage(responses=1, input_tokens=10, output_tokens=20),
        close_code=1000 if error is None else 1011,
        close_reason=reason,
        error=error,
        fault=fault,
    )


def _observed(payload: bytes | None) -> EventObserved:
    return EventObserved(
        session_id="rlb_1",
        direction=Direction.SERVER,
        type="response.done",
        payload=payload,
        size_bytes=0 if payload is None else len(payload),
    )


SAMPLE_RECORDS: tuple[Record, ...] = (
    SessionOpened(
        session_id="rlb_1",
        model_group="gpt-realtime",
        deployment="us",
        principal="anonymous",
        attempts=_ATTEMPTS,
        open_s=0.75,
    ),
    _observed(b'{"type":"response.done","response":{"status":"completed"}}'),
    _observed(b'{"type":"response.done","text":"a\\nb\\u2028c\\u0000\xe2\x80\xa8"}'),
    _observed(b'{"n":NaN,"deep":' + b"[" * 500 + b"]" * 500 + b"}"),
    _observed(b"\xff not JSON"),
    _observed(None),
    *(_closed(fault, None, "") for fault in Fault),
    _closed(Fault.UPSTREAM, "all_upstreams_failed", "server_error.x\r\nforged line"),
    HealthChanged(
        deployment="us",
        model_group="gpt-realtime",
        standing=Standing(state=HealthState.EJECTED, reason=Meaning.UNREACHABLE, left_s=33.5),
        detail="No connection: connection refused",
    ),
    HealthChanged(deployment="us", model_group="gpt-realtime", standing=Standing()),
    PanicChanged(model_group="gpt-realtime", panic=True),
    SinkOverflowed(dropped=7),
)
"""One of every kind that a sink may get, at its most and its least regular."""

PATIENCE_S = 0.1
"""For one record. A sink that needs longer waits for something, and every session waits with it."""


def check_sink(sink: EventSink) -> None:
    """Give *sink* one record of every kind.

    Call it with the event loop not running, or in a test of its own: the sink's time is taken.

    Raises:
        AssertionError: Names the promise that is not kept.
    """
    assert isinstance(sink, EventSink), "a sink is called with one record; this cannot be called"
    for record in SAMPLE_RECORDS:
        kind = type(record).__name__
        began_s = time.perf_counter()
        try:
            answer: object = sink(record)  # type: ignore[func-returns-value]  # what should be None
        except Exception as error:
            raise AssertionError(f"the sink raised {type(error).__name__} for a {kind}") from error
        took_s = time.perf_counter() - began_s
        if inspect.iscoroutine(answer):
            answer.close()
        assert answer is None, f"the sink returned {type(answer).__name__}; it must be a plain function"
        assert took_s < PATIENCE_S, f"the sink blocked for {took_s:.2f} s on a {kind}"
