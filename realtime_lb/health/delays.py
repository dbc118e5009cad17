"""How long a provider asks to be left alone, where it says so only in words."""

from __future__ import annotations

import re

__all__ = ["LONGEST_DELAY_S", "named_delay_s"]

LONGEST_DELAY_S = 86_400.0
"""Limits a day wide (requests per day) are the widest that providers have; a nonsensical delay must not park
a deployment for a year. Delays that a header names are bound by it, too."""

_ASKED = re.compile(r"\b(?:try again|retry)\s{1,3}(?:in|after)\s{1,3}", re.ASCII | re.IGNORECASE)
_PART = re.compile(
    r"(\d{1,9}(?:\.\d{1,9})?)\s?"
    r"(milliseconds?|millis|msecs?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)(?![a-z])"
    r"(?:,?\s(?:and\s)?)?",
    re.ASCII | re.IGNORECASE,
)
"""A number and its unit. All repetitions are bounded, so that no text costs more than its length."""

_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def named_delay_s(message: str) -> float | None:
    """Return the delay that *message* asks for, in seconds; None where it names none.

    Understood are OpenAI's "Please try again in 6.9s", "in 340ms", "in 1m30.5s", "in 1h2m" and Azure's
    "retry after 20 seconds". The first such request counts. At most `LONGEST_DELAY_S`; zero is no delay.
    """
    for asked in _ASKED.finditer(message):
        if delay_s := _duration_s(message, asked.end()):
            return min(delay_s, LONGEST_DELAY_S)
    return None


def _duration_s(text: str, position: int) -> float:
    """Return the sum of the numbers with units that stand at *position*; 0 where there are none."""
    total_s = 0.0
    while part := _PART.match(text, position):
        total_s += float(part[1]) * _UNIT_S[_unit(part[2].lower())]
        position = part.end()
    return total_s


def _unit(word: str) -> str:
    return "ms" if word.startswith(("ms", "milli")) else word[0]
