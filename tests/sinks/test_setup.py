"""The command line's logging: one event is one line, whatever is in it."""

import io
import json
import logging
import string

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from realtime_lb.records import SinkOverflowed
from realtime_lb.sinks import LogSink
from realtime_lb.sinks.console import console_renderers
from realtime_lb.sinks.setup import configure_logging
from realtime_lb.testing.sinks import SAMPLE_RECORDS

pytestmark = pytest.mark.usefixtures("logging_restored")

NASTY = "a\nb\r\x1b[31m\u2028c\x85\x00\ud800é"


def json_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line, parse_constant=pytest.fail) for line in captured.err.splitlines()]


def test_every_record_is_one_line_of_valid_json(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "json")
    for record in SAMPLE_RECORDS:
        LogSink()(record)
    lines = json_lines(capsys)
    assert len(lines) == len(SAMPLE_RECORDS)
    assert {"event", "level", "timestamp", "logger", "session_id"} <= lines[0].keys()


def test_nothing_in_a_value_can_end_a_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Also for readers that take U+2028 or U+0085 for a line's end, as str.splitlines does."""
    configure_logging("info", "json")
    structlog.get_logger("realtime_lb").info(NASTY, value=NASTY, number=float("nan"), other=object)
    line = json_lines(capsys)[0]
    assert (line["event"], line["value"], line["number"]) == (NASTY, NASTY, "NaN")


def test_other_libraries_lines_are_json_too_and_only_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    """aiohttp's access log, at info, has whole URLs with their query."""
    configure_logging("debug", "json")
    logging.getLogger("aiohttp.access").info("GET /v1/realtime?api-key=hunter2")
    logging.getLogger("aiohttp.server").warning("odd %s", "request")
    assert [line["event"] for line in json_lines(capsys)] == ["odd request"]


def fail(text: str) -> None:
    key = "".join(["hunter", "2"])  # not in the source line, so only its value can show it
    raise LookupError(text, len(key))


def test_a_traceback_is_part_of_its_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "json")
    try:
        fail(NASTY)
    except LookupError:
        logging.getLogger("realtime_lb.sinks").exception("a sink raised")
    line = json_lines(capsys)[0]
    assert "LookupError" in str(line["exception"])


values = st.one_of(
    st.text().filter(str.isprintable),
    st.text(string.ascii_letters + " ='\"_/:"),
    st.integers(),
    st.floats(),
    st.none(),
    st.booleans(),
    st.lists(st.text(string.printable)),
)


@given(values, st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), values, max_size=5))
def test_the_console_writes_what_structlog_would(event: object, fields: dict[str, object]) -> None:
    reserved = {"event", "level", "logger", "timestamp", "exc_info", "exception", "stack"}
    told = {**{name: fields[name] for name in fields.keys() - reserved}, "event": event}
    told |= {"level": "warning", "logger": "realtime_lb.serve", "timestamp": "2026-01-02T03:04:05.678901Z"}
    theirs = structlog.dev.ConsoleRenderer(colors=False)
    *_, ours = console_renderers()
    logger = structlog.get_logger("realtime_lb")
    assert ours(logger, "warning", dict(told)) == theirs(logger, "warning", dict(told))


class Unspeakable:
    def __repr__(self) -> str:
        raise LookupError(NASTY)


@pytest.mark.parametrize("format_", ["json", "console"])
def test_a_value_that_cannot_be_shown_is_not_and_its_event_is(
    format_: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("info", format_)
    structlog.get_logger("realtime_lb").info("an event", value=Unspeakable(), key={("a", 1): 2})
    logging.getLogger("a\nforged").warning("another %s", "event")
    first, second = capsys.readouterr().err.splitlines()
    assert "an event" in first
    assert "LookupError" in first or "TypeError" in first
    assert "another event" in second


def test_nobody_is_hurt_when_nobody_reads_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    monkeypatch.setattr("sys.stderr", closed)
    configure_logging("info", "json")
    closed.close()
    structlog.get_logger("realtime_lb").info("an event")


def test_the_console_escapes_what_could_forge_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "console")
    structlog.get_logger("realtime_lb").info("an event\nforged", value=NASTY, nested={"a": NASTY})
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert "\x1b[31m" not in err
    assert r"an event\nforged" in err
    assert "é" in err


def test_a_console_traceback_does_not_show_local_variables(capsys: pytest.CaptureFixture[str]) -> None:
    """A revealed key is a local variable of whoever sends it."""
    configure_logging("info", "console")
    try:
        fail("x")
    except LookupError:
        structlog.get_logger("realtime_lb").exception("a dial failed")
    err = capsys.readouterr().err
    assert "LookupError" in err
    assert "hunter2" not in err


@pytest.mark.parametrize(("level", "lines"), [("debug", 2), ("info", 1), ("warning", 1), ("error", 0)])
def test_the_level_is_that_of_our_own_lines(
    level: str, lines: int, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(level, "json")
    logging.getLogger("realtime_lb.dialer").debug("a dial")
    LogSink()(SinkOverflowed(dropped=1))
    assert len(json_lines(capsys)) == lines


def test_the_last_call_holds(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "console")
    configure_logging("info", "json")
    LogSink()(SinkOverflowed(dropped=1))
    assert len(json_lines(capsys)) == 1


@pytest.mark.parametrize(("level", "format_"), [("loud", "json"), ("info", "xml")])
def test_an_unknown_level_or_format_is_refused(level: str, format_: str) -> None:
    with pytest.raises(ValueError, match="unknown log"):
        configure_logging(level, format_)
