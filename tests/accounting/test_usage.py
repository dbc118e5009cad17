"""Tokens of a session."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime_lb.accounting.usage import UsageSum
from realtime_lb.records import Usage

REPORT = {
    "total_tokens": 130,
    "input_tokens": 100,
    "output_tokens": 30,
    "input_token_details": {
        "text_tokens": 40,
        "audio_tokens": 60,
        "image_tokens": 0,
        "cached_tokens": 32,
        "cached_tokens_details": {"text_tokens": 12, "audio_tokens": 20},
    },
    "output_token_details": {"text_tokens": 10, "audio_tokens": 20},
}
READ = {
    "input_tokens": 100,
    "output_tokens": 30,
    "input_text_tokens": 40,
    "input_audio_tokens": 60,
    "cached_tokens": 32,
    "output_text_tokens": 10,
    "output_audio_tokens": 20,
}


def read(usage: object) -> Usage:
    total = UsageSum()
    total.add({"type": "response.done", "response": {"usage": usage}})
    return total.total


def test_a_sessions_usage_is_the_sum_of_its_responses() -> None:
    """Each response bills the whole conversation again; the last report is not the session's."""
    total = UsageSum()
    for _ in range(3):
        total.add({"type": "response.done", "response": {"usage": REPORT}})
    assert total.total == Usage(responses=3, **{name: 3 * number for name, number in READ.items()})


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.done", "response": {"usage": {}}, "usage": REPORT},
        {"type": "response.done", "response": {}, "usage": REPORT},
        {"type": "response.done", "usage": REPORT},
        {"type": "response.done", "response": {"usage": REPORT}, "usage": {"input_tokens": 1}},
    ],
)
def test_xai_reports_beside_the_response(event: dict[str, Any]) -> None:
    total = UsageSum()
    total.add(event)
    assert total.total == Usage(responses=1, **READ)


@pytest.mark.parametrize(
    ("number", "counted"),
    [
        (7, 7),
        (7.0, 7),
        ("7", 7),
        (" 7 ", 7),
        (0, 0),
        (-7, 0),
        ("-7", 0),
        (None, 0),
        (True, 0),
        ("seven", 0),
        ([7], 0),
        ({"n": 7}, 0),
        (float("nan"), 0),
        (float("inf"), 0),
        ("1e999", 0),
        (10**400, 0),
    ],
)
def test_what_is_no_number_of_tokens_counts_as_none(number: object, counted: int) -> None:
    """Compatible servers send numbers as text, or nothing, or nonsense."""
    assert read({"input_tokens": number, "output_tokens": 1}) == Usage(
        responses=1, input_tokens=counted, output_tokens=1
    )


@pytest.mark.parametrize("event", [{}, {"response": None}, {"response": [1]}, {"response": {"usage": "x"}}])
def test_a_response_without_usage_is_still_a_response(event: dict[str, Any]) -> None:
    total = UsageSum()
    total.add(event)
    assert total.total == Usage(responses=1)


def test_cached_tokens_are_read_from_their_details_where_only_those_are() -> None:
    usage = read({"input_token_details": {"cached_tokens_details": {"text_tokens": 12, "audio_tokens": 20}}})
    assert usage.cached_tokens == 32


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(REPORT)), inner),
    max_leaves=10,
)


@given(JSON, JSON)
def test_no_report_makes_the_sum_fail_or_fall(inside: object, beside: object) -> None:
    total = UsageSum()
    total.add({"response": {"usage": REPORT}})
    total.add({"response": {"usage": inside}, "usage": beside})
    assert total.total.responses == 2
    assert total.total.input_tokens >= REPORT["input_tokens"]  # type: ignore[operator]
    json.dumps(total.total.input_tokens)
