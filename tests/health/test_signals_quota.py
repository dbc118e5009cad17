"""What is left of a quota: a sliding minute of our own count, and the provider's word."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime_lb.deployments import Deployment
from realtime_lb.health.quota import Quota
from realtime_lb.health.signals import Signals


def quota(*used: tuple[float, int]) -> Quota:
    """Responses, each by its second and its tokens."""
    made = Quota()
    for at_s, tokens in used:
        made.used(tokens, at_s)
    return made


def test_without_limits_there_is_all_the_room() -> None:
    assert quota((0, 5_000), (1, 5_000)).headroom(None, None, 2) == 1.0


def test_one_response_is_one_request() -> None:
    assert quota((0, 0), (1, 10), (2, 10)).headroom(10, None, 3) == pytest.approx(0.7)
    assert quota((0, 0), (1, 10), (2, 10)).headroom(None, 100, 3) == pytest.approx(0.8)


def test_the_scarcer_counts() -> None:
    assert quota((0, 90)).headroom(10, 100, 1) == pytest.approx(0.1)
    assert quota((0, 10)).headroom(2, 100, 1) == pytest.approx(0.5)


def test_headroom_ends_at_nothing() -> None:
    assert quota((0, 500)).headroom(None, 100, 1) == 0.0
    assert quota(*[(0, 1)] * 10).headroom(10, None, 1) == 0.0


def test_a_limit_of_zero_leaves_nothing() -> None:
    assert Quota().headroom(0, None, 0) == 0.0
    assert Quota().headroom(None, 0, 0) == 0.0


def test_a_response_counts_for_exactly_a_minute() -> None:
    spent = quota((100.0, 50), (130.0, 20))
    assert spent.headroom(None, 100, 159.9) == pytest.approx(0.3)
    assert spent.headroom(None, 100, 160.0) == pytest.approx(0.8)
    assert spent.headroom(2, None, 160.0) == pytest.approx(0.5)
    assert spent.headroom(2, 100, 190.0) == 1.0


def test_tokens_below_zero_are_none() -> None:
    spent = quota((0, -500), (0, 50))
    assert spent.headroom(None, 100, 1) == pytest.approx(0.5)
    assert spent.headroom(None, 100, 60) == 1.0


def test_beyond_ten_thousand_the_newest_responses_are_taken_together() -> None:
    """They are all counted, and none is forgotten early."""
    spent = quota(*[(0.0, 1)] * 9_999, (10.0, 2), (20.0, 3), (30.0, 4))
    assert len(spent._used) == 10_000
    assert spent.headroom(20_004, None, 59) == pytest.approx(0.5, abs=0.0001)
    assert spent.headroom(None, 20_016, 59) == pytest.approx(0.5, abs=0.0001)
    assert spent.headroom(6, None, 60) == pytest.approx(0.5)
    assert spent.headroom(None, 18, 89.9) == pytest.approx(0.5)
    assert spent.headroom(6, 18, 90.0) == 1.0


@given(
    st.lists(st.tuples(st.floats(0, 20), st.integers(0, 400)), max_size=40),
    st.floats(0, 70),
    st.integers(1, 30),
)
def test_the_minute_slides_as_if_all_were_counted_again(
    gaps: list[tuple[float, int]], later_s: float, rpm: int
) -> None:
    now_s, used, spent = 0.0, [], Quota()
    for gap_s, tokens in gaps:
        now_s += gap_s
        used.append((now_s, tokens))
        spent.used(tokens, now_s)
    now_s += later_s
    recent = [tokens for at_s, tokens in used if now_s - at_s < 60]
    expected = min(max(1 - len(recent) / rpm, 0), max(1 - sum(recent) / 3_000, 0))
    assert spent.headroom(rpm, 3_000, now_s) == pytest.approx(expected)


def limit(**fields: Any) -> dict[str, Any]:
    return {"name": "tokens", "limit": 100, "remaining": 25, "reset_seconds": 10.0, **fields}


def left(*entries: Any, now_s: float = 0.0) -> float:
    told = Quota()
    told.limited(entries, 0.0)
    return told.headroom(None, None, now_s)


def test_the_providers_word_holds_until_the_reset() -> None:
    assert left(limit()) == 0.25
    assert left(limit(), now_s=9.9) == 0.25
    assert left(limit(), now_s=10.0) == 1.0


def test_nothing_left_is_a_word_too_and_a_reset_may_be_now() -> None:
    assert left(limit(remaining=0)) == 0.0
    assert left(limit(remaining=0.5)) == 0.005
    assert left(limit(reset_seconds=0)) == 1.0


def test_a_remainder_without_a_reset_holds_for_a_minute() -> None:
    for unknown in (None, "soon", -1, math.nan):
        assert left(limit(reset_seconds=unknown), now_s=59.9) == 0.25
        assert left(limit(reset_seconds=unknown), now_s=60.0) == 1.0


def test_no_reset_is_further_away_than_a_day() -> None:
    assert left(limit(reset_seconds=1e300), now_s=86_399) == 0.25
    assert left(limit(reset_seconds=1e300), now_s=86_400) == 1.0


def test_requests_and_tokens_are_kept_apart_and_the_scarcer_counts() -> None:
    assert left(limit(), limit(name="requests", remaining=10)) == 0.1
    assert left(limit(name="requests", remaining=10), limit()) == 0.1
    told = Quota()
    told.limited([limit(remaining=0), limit(name="requests", remaining=50, reset_seconds=30)], 0.0)
    assert told.headroom(None, None, 20.0) == 0.5


def test_the_newest_word_counts() -> None:
    told = Quota()
    told.limited([limit(remaining=0, reset_seconds=1_000)], 0.0)
    told.limited([limit(remaining=80)], 1.0)
    assert told.headroom(None, None, 2.0) == 0.8


def test_our_own_count_and_the_providers_word_are_both_heard() -> None:
    told = quota(*[(0.0, 0)] * 9)
    told.limited([limit()], 0.0)
    assert told.headroom(10, None, 1.0) == pytest.approx(0.1)
    assert told.headroom(100, None, 1.0) == 0.25


def test_more_than_all_is_all() -> None:
    assert left(limit(remaining=500)) == 1.0


HOSTILE: list[Any] = [
    *(
        None,
        7,
        "tokens",
        [],
        {},
        {"name": "tokens"},
        {"name": ["tokens"]},
        {"name": None, "limit": 1, "remaining": 0},
    ),
    *(
        limit(name="bananas"),
        limit(limit=0),
        limit(limit=-1),
        limit(limit=None),
        limit(limit="100"),
        limit(limit=True),
    ),
    *(
        limit(limit=math.inf),
        limit(limit=math.nan),
        limit(limit=10**400),
        limit(remaining=None),
        limit(remaining=-1),
    ),
    *(limit(remaining="1"), limit(remaining=False), limit(remaining=math.nan), limit(remaining=[])),
]


@pytest.mark.parametrize("entry", HOSTILE)
def test_what_makes_no_sense_is_left_out(entry: Any) -> None:
    assert left(entry) == 1.0
    assert left(entry, limit()) == 0.25


@pytest.mark.parametrize("rate_limits", [None, 3, "tokens", {"name": "tokens"}, [[]]])
def test_an_event_without_a_list_says_nothing(rate_limits: Any) -> None:
    told = Quota()
    told.limited(rate_limits, 0.0)
    assert told.headroom(None, None, 0.0) == 1.0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
ENTRY = st.fixed_dictionaries(
    {}, optional={"name": st.just("tokens") | JSON, "limit": JSON, "remaining": JSON, "reset_seconds": JSON}
)


@given(st.lists(JSON | ENTRY, max_size=5) | JSON)
def test_whatever_a_provider_sends_the_headroom_lies_between_nothing_and_all(rate_limits: Any) -> None:
    told = Quota()
    told.limited(rate_limits, 0.0)
    assert 0 <= told.headroom(None, None, 0.0) <= 1


def test_signals_keep_quotas_by_deployment_and_by_its_limits() -> None:
    now_s = 5.0
    signals = Signals(lambda: now_s, {})
    a = Deployment(id="a", model_group="voice", model="m", rpm=4, tpm=1_000)
    b = Deployment(id="b", model_group="voice", model="m", rpm=4)
    c = Deployment(id="c", model_group="voice", model="m", rpm=4, tpm=1_000)
    signals.used("a", 100)
    signals.used("a", 700)
    signals.used("c", 100)
    signals.limited("b", [limit()])
    assert signals.candidate(a, 0).headroom == pytest.approx(0.2)
    assert signals.candidate(b, 0).headroom == 0.25
    assert signals.candidate(c, 0).headroom == 0.75
    now_s = 65.0
    assert signals.candidate(a, 0).headroom == 1.0
    assert signals.candidate(b, 0).headroom == 1.0
