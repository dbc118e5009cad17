"""Tokens of a session: the sum over all of its responses."""

from __future__ import annotations

import math

from attrs import define, field, fields_dict

from realtime_lb.records import Usage
from realtime_lb.typing import JsonObject

__all__ = ["UsageSum"]


@define
class UsageSum:
    """Adds up what ``response.done`` events report.

    OpenAI reports each response by itself, and every response bills the whole conversation again, so a
    session's usage is their sum and not the last one's (OpenAI: realtime costs guide). Nothing in a report is
    taken for granted: what is missing, negative or no number counts as zero.

    Attributes:
        total: The sum so far.
    """

    total: Usage = field(factory=Usage, init=False)

    def add(self, response_done_event: JsonObject) -> Usage:
        """Count one response, whether or not it reports usage; return what it reports. Never raises."""
        reported = _read(_report(response_done_event))
        self.total = Usage(**{name: getattr(self.total, name) + getattr(reported, name) for name in _NAMES})
        return reported


_NAMES = tuple(fields_dict(Usage))


def _report(event: JsonObject) -> JsonObject:
    """Return the usage object: OpenAI's inside the response, or xAI's beside it."""
    return _object(_object(event.get("response")).get("usage")) or _object(event.get("usage"))


def _read(usage: JsonObject) -> Usage:
    taken_in = _object(usage.get("input_token_details"))
    given_out = _object(usage.get("output_token_details"))
    by_kind = _object(taken_in.get("cached_tokens_details"))
    return Usage(
        responses=1,
        input_tokens=_count(usage.get("input_tokens")),
        output_tokens=_count(usage.get("output_tokens")),
        input_text_tokens=_count(taken_in.get("text_tokens")),
        input_audio_tokens=_count(taken_in.get("audio_tokens")),
        cached_tokens=_count(taken_in.get("cached_tokens")) or sum(map(_count, by_kind.values())),
        output_text_tokens=_count(given_out.get("text_tokens")),
        output_audio_tokens=_count(given_out.get("audio_tokens")),
    )


def _object(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _count(value: object) -> int:
    """Return a number of tokens, or 0 where *value* is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return 0
    try:
        number = float(value)
    except (ValueError, OverflowError):  # OverflowError: an integer beyond all floats
        return 0
    return int(number) if math.isfinite(number) and number > 0 else 0
