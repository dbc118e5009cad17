"""What is left of a deployment's quota: by our own count of the last minute, and by the provider's word."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from attrs import define, field, frozen

from realtime_lb.typing import JsonObject

__all__ = ["Quota"]

WINDOW_S = 60.0
"""``rpm`` and ``tpm`` are per minute, and a provider's window is not known to begin at the full one."""

MOST_ENTRIES = 10_000
"""Responses that are remembered one by one, each about 150 bytes. Beyond, the newest are taken together."""

RESET_S = 60.0
"""How long a remainder holds that names no reset: the quotas are per minute."""

LONGEST_RESET_S = 86_400.0
"""A quota per day is the longest that providers have."""


@frozen
class _Remainder:
    share: float
    until_s: float


@define
class Quota:
    """The usage of one deployment. A request, in the sense of ``rpm``, is one *response*.

    All times are seconds of one monotonic clock.
    """

    _used: deque[tuple[float, int, int]] = field(factory=deque, init=False)
    _responses: int = field(default=0, init=False)
    _tokens: int = field(default=0, init=False)
    _remainders: dict[str, _Remainder] = field(factory=dict, init=False)

    def used(self, tokens: int, now_s: float) -> None:
        """Note one response, and the tokens that it was billed for."""
        self._forget(now_s)
        tokens = max(tokens, 0)
        self._responses += 1
        self._tokens += tokens
        responses = 1
        if len(self._used) >= MOST_ENTRIES:
            _, more_responses, more_tokens = self._used.pop()
            responses, tokens = responses + more_responses, tokens + more_tokens
        self._used.append((now_s, responses, tokens))

    def limited(self, rate_limits: Sequence[JsonObject], now_s: float) -> None:
        """Take in what a ``rate_limits.updated`` says. Never raises: what makes no sense is left out."""
        for entry in rate_limits if isinstance(rate_limits, list | tuple) else ():
            if isinstance(entry, dict) and entry.get("name") in ("requests", "tokens"):
                self._take(entry["name"], entry, now_s)

    def headroom(self, rpm: int | None, tpm: int | None, now_s: float) -> float:
        """Return what is left of the scarcest quota that is known: 1 all or none known, 0 nothing."""
        self._forget(now_s)
        shares = [remainder.share for remainder in self._remainders.values() if now_s < remainder.until_s]
        shares += [
            _left(used, limit)
            for used, limit in ((self._responses, rpm), (self._tokens, tpm))
            if limit is not None
        ]
        return min(shares, default=1.0)

    def _take(self, name: str, entry: JsonObject, now_s: float) -> None:
        limit, remaining = _number(entry.get("limit")), _number(entry.get("remaining"))
        if not limit or remaining is None:
            return
        reset_s = _number(entry.get("reset_seconds"))
        holds_s = RESET_S if reset_s is None else min(reset_s, LONGEST_RESET_S)
        self._remainders[name] = _Remainder(min(remaining / limit, 1.0), now_s + holds_s)

    def _forget(self, now_s: float) -> None:
        """Drop what is a minute old: a response counts for the minute that begins with it."""
        while self._used and now_s - self._used[0][0] >= WINDOW_S:
            _, responses, tokens = self._used.popleft()
            self._responses -= responses
            self._tokens -= tokens


def _left(used: int, limit: int) -> float:
    return max(1.0 - used / limit, 0.0) if limit > 0 else 0.0


def _number(value: object) -> float | None:
    """Return a finite number that is not negative, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # an integer beyond all floats
        return None
    return number if math.isfinite(number) and number >= 0 else None
