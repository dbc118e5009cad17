"""The conformance check of sinks finds each kind of mistake."""

import time

import pytest

from realtime_lb.abc import EventSink
from realtime_lb.records import EventObserved, Record
from realtime_lb.testing import sinks
from realtime_lb.testing.sinks import check_sink


def raises(record: Record) -> None:
    if isinstance(record, EventObserved) and record.payload is None:
        raise LookupError


async def coroutine(record: Record) -> None:
    """What cannot be awaited from where sinks are called."""


def answers(record: Record) -> bool:
    return True


def blocks(record: Record) -> None:
    started = time.perf_counter()
    while time.perf_counter() - started < 0.02:
        pass


@pytest.mark.parametrize(
    ("sink", "message"),
    [
        (raises, "raised LookupError for a EventObserved"),
        (coroutine, "returned coroutine"),
        (answers, "returned bool"),
        (blocks, "blocked for"),
        (None, "cannot be called"),
    ],
)
def test_each_mistake_is_found_and_named(
    sink: EventSink, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that never failed proves nothing."""
    monkeypatch.setattr(sinks, "PATIENCE_S", 0.01)
    got: list[Record] = []

    def keeps(record: Record) -> None:
        got.append(record)

    check_sink(keeps)
    assert got == list(sinks.SAMPLE_RECORDS)
    with pytest.raises(AssertionError, match=message):
        check_sink(sink)
