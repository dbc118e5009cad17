"""What the log says of a session, and through whom."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog
from attrs import evolve
from structlog.testing import capture_logs

from realtime_lb import LoggingSettings
from realtime_lb.records import (
    EventObserved,
    Fault,
    HealthChanged,
    PanicChanged,
    Record,
    SessionClosed,
    SessionOpened,
    SinkOverflowed,
)
from realtime_lb.sinks import LogSink
from realtime_lb.sinks.payloads import readable
from realtime_lb.testing.sinks import SAMPLE_RECORDS, check_sink


def sample(kind: type[Record]) -> Record:
    return next(one for one in SAMPLE_RECORDS if isinstance(one, kind))


@pytest.fixture
def unconfigured() -> Iterator[None]:
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


@pytest.fixture
def through_structlog(unconfigured: None) -> Iterator[list[dict[str, object]]]:
    structlog.configure()
    with capture_logs() as lines:
        yield lines  # type: ignore[misc]  # structlog calls its dictionaries mutable mappings


def test_the_log_keeps_every_promise_of_a_sink(unconfigured: None) -> None:
    check_sink(LogSink())


def test_the_closing_line_holds_everything(through_structlog: list[dict[str, object]]) -> None:
    """One line answers what happened, at whose cost and by whose fault; names are flat to be searched for."""
    LogSink()(sample(SessionClosed))
    assert through_structlog == [
        {
            "event": "session closed",
            "log_level": "info",
            "session_id": "rlb_1",
            "model_group": "gpt-realtime",
            "deployment": "us",
            "principal": "anonymous",
            "client_address": None,
            "attempts": ["eu:upstream_timeout (unreachable)", "us:accepted"],
            "duration_s": 61.5,
            "first_event_s": 0.75,
            "first_audio_s": None,
            "from_client_frames": 3,
            "from_client_bytes": 300,
            "from_upstream_frames": 5,
            "from_upstream_bytes": 500,
            "usage_responses": 1,
            "usage_input_tokens": 10,
            "usage_output_tokens": 20,
            "usage_input_text_tokens": 0,
            "usage_input_audio_tokens": 0,
            "usage_cached_tokens": 0,
            "usage_output_text_tokens": 0,
            "usage_output_audio_tokens": 0,
            "http_status": None,
            "close_code": 1000,
            "close_reason": "",
            "error": None,
            "fault": "nobody",
        }
    ]


def test_the_opening_line_tells_where_the_session_went(through_structlog: list[dict[str, object]]) -> None:
    LogSink()(sample(SessionOpened))
    line = through_structlog[0]
    assert (line["event"], line["deployment"], line["open_s"]) == ("session opened", "us", 0.75)


@pytest.mark.parametrize(
    ("fault", "level"),
    [
        (Fault.NOBODY, "info"),
        (Fault.CLIENT, "info"),
        (Fault.UPSTREAM, "warning"),
        (Fault.GATEWAY, "warning"),
    ],
)
def test_what_the_operator_can_mend_is_a_warning(
    through_structlog: list[dict[str, object]], fault: Fault, level: str
) -> None:
    closed = sample(SessionClosed)
    assert isinstance(closed, SessionClosed)
    LogSink()(evolve(closed, fault=fault))
    assert through_structlog[0]["log_level"] == level


def test_lost_records_are_a_warning(through_structlog: list[dict[str, object]]) -> None:
    LogSink()(SinkOverflowed(dropped=7))
    assert through_structlog == [{"event": "log records lost", "log_level": "warning", "dropped": 7}]


def test_a_change_of_health_is_one_line(through_structlog: list[dict[str, object]]) -> None:
    """A warning when a deployment goes out of use, information when it is back."""
    out, back = (record for record in SAMPLE_RECORDS if isinstance(record, HealthChanged))
    LogSink()(out)
    LogSink()(back)
    assert through_structlog[0] == {
        "event": "deployment health changed",
        "log_level": "warning",
        "deployment": "us",
        "model_group": "gpt-realtime",
        "state": "ejected",
        "reason": "unreachable",
        "left_s": 33.5,
        "last_resort": False,
        "detail": "No connection: connection refused",
    }
    assert (through_structlog[1]["state"], through_structlog[1]["log_level"]) == ("eligible", "info")


def test_a_panic_is_a_warning_and_its_end_is_not(through_structlog: list[dict[str, object]]) -> None:
    for panic in (True, False):
        LogSink()(PanicChanged(model_group="voice", panic=panic))
    assert [line["log_level"] for line in through_structlog] == ["warning", "info"]


def refused(error: str) -> SessionClosed:
    closed = next(
        each for each in SAMPLE_RECORDS if isinstance(each, SessionClosed) and each.deployment is None
    )
    return evolve(closed, http_status=503, close_code=None, error=error, fault=Fault.UPSTREAM)


def test_a_refused_session_has_a_line_of_what_there_is_to_say(
    through_structlog: list[dict[str, object]],
) -> None:
    LogSink()(refused("upstreams_down"))
    assert through_structlog == [
        {
            "event": "session refused",
            "log_level": "warning",
            "session_id": "rlb_1",
            "model_group": "gpt-realtime",
            "principal": "anonymous",
            "client_address": None,
            "attempts": ["eu:upstream_timeout (unreachable)", "us:accepted"],
            "duration_s": 61.5,
            "http_status": 503,
            "error": "upstreams_down",
            "fault": "upstream",
        }
    ]


def test_who_leaves_an_upstream_that_has_accepted_leaves_a_whole_line(
    through_structlog: list[dict[str, object]],
) -> None:
    """Where it was, and what the upstream had said by then, is not lost."""
    LogSink()(evolve(refused("client_closed"), deployment="us", http_status=499))
    (line,) = through_structlog
    assert (line["event"], line["deployment"], line["http_status"]) == ("session closed", "us", 499)
    assert line["from_upstream_frames"] == 5


def test_a_crowd_of_refusals_is_a_few_lines_a_second_and_a_number(
    through_structlog: list[dict[str, object]],
) -> None:
    """All upstreams are down, and every client comes again. Who is refused otherwise is seen still."""
    now_s = [100.0]
    tell = LogSink(LoggingSettings(refusals_per_s=3), clock=lambda: now_s[0])
    for second in (100, 101, 103):
        for part in range(10):
            now_s[0] = second + part / 10
            tell(refused("upstreams_down"))
        tell(refused("model_not_found"))
    told = [(line["error"], line.get("not_logged")) for line in through_structlog]
    down, unknown = ("upstreams_down", None), ("model_not_found", None)
    later = [("upstreams_down", 7), down, down, unknown]
    assert told == [down, down, down, unknown, *later, *later]


def test_an_event_is_logged_with_its_contents(through_structlog: list[dict[str, object]]) -> None:
    LogSink()(sample(EventObserved))
    line = through_structlog[0]
    assert (line["event"], line["type"], line["direction"]) == ("realtime event", "response.done", "server")
    assert line["payload"] == {"type": "response.done", "response": {"status": "completed"}}


def test_without_structlog_the_standard_library_gets_a_line(
    unconfigured: None, caplog: pytest.LogCaptureFixture
) -> None:
    closed = [record for record in SAMPLE_RECORDS if isinstance(record, SessionClosed)][-1]
    with caplog.at_level(logging.INFO, "realtime_lb"):
        LogSink()(closed)
    logged = caplog.records[0]
    assert (logged.name, logged.levelname) == ("realtime_lb", "WARNING")
    assert logged.getMessage().startswith("session closed session_id='rlb_1' model_group='gpt-realtime'")
    assert r"close_reason='server_error.x\r\nforged line'" in logged.getMessage()


def test_a_level_that_the_application_set_is_heeded(
    unconfigured: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "realtime_lb"):
        LogSink()(sample(SessionClosed))
    assert caplog.records == []


def test_structlog_may_be_configured_after_the_sink_was_made(unconfigured: None) -> None:
    sink = LogSink()
    structlog.configure()
    with capture_logs() as lines:
        sink(SinkOverflowed(dropped=1))
    assert len(lines) == 1


def test_a_library_user_who_configured_nothing_sees_nothing() -> None:
    """A library stays silent, even about warnings, until its application asks."""
    script = (
        "from realtime_lb.sinks import LogSink\n"
        "from realtime_lb.testing.sinks import SAMPLE_RECORDS\n"
        "sink = LogSink()\n"
        "for record in SAMPLE_RECORDS: sink(record)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout + ran.stderr == ""


def test_credentials_inside_events_are_hidden_whole() -> None:
    """An MCP tool carries its server's token, and a session a client secret."""
    event = {
        "type": "session.update",
        "session": {
            "client_secret": {"value": "ek_hunter2"},
            "tools": [
                {
                    "type": "mcp",
                    "Authorization": "hunter2",
                    "headers": {"X-Key": "hunter2"},
                    "server_url": "u",
                }
            ],
            "api_key": None,
        },
    }
    shown = readable(json.dumps(event).encode())
    assert "hunter2" not in str(shown)
    assert shown == {
        "type": "session.update",
        "session": {
            "client_secret": "***",
            "tools": [{"type": "mcp", "Authorization": "***", "headers": "***", "server_url": "u"}],
            "api_key": None,
        },
    }


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        (b'{"a":[1,2.5,true,null,"x"]}', {"a": [1, 2.5, True, None, "x"]}),
        (b'{"a":NaN,"b":-Infinity}', {"a": "nan", "b": "-inf"}),
        (b"[1]", "[1]"),
        (b"\xff", "\ufffd"),
    ],
)
def test_contents_are_shown_as_what_json_can_say(payload: bytes, shown: object) -> None:
    assert readable(payload) == shown


def test_what_is_nested_too_deep_is_left_out() -> None:
    """Renderers recurse, so a client could otherwise silence the log with brackets."""
    shown = readable(b'{"a":' * 500 + b"1" + b"}" * 500)
    assert str(shown).count("'a'") == 32
