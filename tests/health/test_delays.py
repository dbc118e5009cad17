"""A provider's words tell how long it wants to be left alone."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime_lb.health.delays import LONGEST_DELAY_S, named_delay_s


@pytest.mark.parametrize(
    ("message", "delay_s"),
    [
        ("Rate limit reached for gpt-realtime. Please try again in 6.9s. Visit https://x.", 6.9),
        ("Please try again in 340ms.", 0.34),
        ("Please try again in 1h2m.", 3720),
        ("Please try again in 59m59.5s", 3599.5),
        ("Please try again in 1m30.5s.", 90.5),
        ("Please try again in 6m0s", 360),
        ("Please retry after 20 seconds.", 20),
        ("retry after 1 second", 1),
        ("Please RETRY AFTER 2 Minutes", 120),
        ("retry in 5 secs", 5),
        ("retry in 5 sec", 5),
        ("try again after 1 minute and 5 seconds", 65),
        ("try again after 1 minute, 5 seconds", 65),
        ("try again in 2 mins", 120),
        ("try again in 1 min", 60),
        ("try again in 0.5 hours", 1800),
        ("try again in 0.25 hr", 900),
        ("try again in 0.25h", 900),
        ("try again in 0.01 days", 864),
        ("try again in 0.01d", 864),
        ("try again in 2 days", 86_400),
        ("try again in 250 milliseconds", 0.25),
        ("try again in 250 msec", 0.25),
        ("try again in 250 millis", 0.25),
        ("try again in a while, or retry in 3s", 3),
        ("try again in 0s, no: retry in 3s", 3),
        ("please\ntry again\nin\n4s", 4),
    ],
)
def test_a_delay_in_words_is_read(message: str, delay_s: float) -> None:
    assert named_delay_s(message) == pytest.approx(delay_s)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Rate limit reached: used 5s of 10s",
        "Please try again later",
        "Please try again in 5",
        "Please try again in 5 sheep",
        "Please try again in 0s",
        "Please try again in ٣s",
        "poultry again in 5s",
        "retry 5s",
        "retry in" + " " * 9 + "5s",
        "retry in -5s",
        "retry in 12345678901s",
    ],
)
def test_what_names_no_delay_gives_none(message: str) -> None:
    assert named_delay_s(message) is None


@given(st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_a_duration_is_read_as_it_was_written(minutes: int, seconds: int, millis: int) -> None:
    total_s = minutes * 60 + seconds + millis / 1000
    named = named_delay_s(f"Please try again in {minutes}m{seconds}.{millis:03}s.")
    assert (named or 0) == pytest.approx(total_s)


@given(
    st.text()
    | st.lists(st.sampled_from(["try again", "retry", " in ", "after", "1", ".", "s", "m", " "])).map("".join)
)
def test_any_text_gives_a_sane_delay_or_none(text: str) -> None:
    delay_s = named_delay_s(text)
    assert delay_s is None or 0 < delay_s <= LONGEST_DELAY_S


@pytest.mark.parametrize("piece", ["try again in ", "1", "1s", "retry in 1.", " ", "and ", "try again in 1m"])
def test_time_grows_with_length_only(piece: str) -> None:
    """A fifth of a megabyte takes a fifth of a second of CPU at most; by the square it would take minutes."""
    began_s = time.process_time()
    named_delay_s("retry in " + piece * (200_000 // len(piece)))
    assert time.process_time() - began_s < 2
