"""How long a refusal takes does not tell how much of the key was right."""

import gc
import hmac
import logging
import math
import os
import random
import statistics
import time

import pytest

from realtime_lb import Secret
from realtime_lb.auth import MasterKey
from realtime_lb.errors import Unauthenticated

KEY = "sk-master-" + "0123456789abcdef" * 4
ALMOST = KEY[:-1] + "x"
FAR = "x" * len(KEY)

FULL = bool(os.environ.get("SOLID_FULL"))
LOOKUPS = 200_000 if FULL else 4_000

LARGEST_T = 4.5
"""Beyond it, two means differ (Goodwill and others, 2011: the bar of leakage tests)."""

log = logging.getLogger("figures")


def lookup_ns(door: MasterKey, key: Secret) -> int:
    began_ns = time.perf_counter_ns()
    try:
        door.authenticate(key).send(None)
    except Unauthenticated:
        return time.perf_counter_ns() - began_ns
    raise AssertionError("a wrong key was let in")


def welch_t(one: list[int], other: list[int]) -> float:
    """Of the faster nine tenths: what interrupted the others was not us."""
    slowest = statistics.quantiles(one + other, n=10)[-1]
    one, other = ([ns for ns in sample if ns <= slowest] for sample in (one, other))
    spread = statistics.variance(one) / len(one) + statistics.variance(other) / len(other)
    return (statistics.fmean(one) - statistics.fmean(other)) / math.sqrt(spread)


def measured(door: MasterKey, lookups: int) -> float:
    """Which of two was written last is all that differs: where a text lies costs nanoseconds, too."""
    rng = random.Random(1)
    times: dict[str, list[int]] = {ALMOST: [], FAR: []}
    gc.disable()
    try:
        for _ in range(lookups):
            other, key = (ALMOST, FAR) if rng.random() < 0.5 else (FAR, ALMOST)
            _, offered = written_anew(other), written_anew(key)
            times[key].append(lookup_ns(door, Secret(offered)))
    finally:
        gc.enable()
    return welch_t(times[ALMOST], times[FAR])


def written_anew(key: str) -> str:
    """Return a text of its own, as each request has."""
    return "".join((key[:1], key[1:]))


def test_almost_right_and_all_wrong_take_the_same_time() -> None:
    """Judged where it is measured in full: a few thousand lookups on a busy machine prove nothing."""
    measured(MasterKey(Secret(KEY)), 1_000)
    t = measured(MasterKey(Secret(KEY)), LOOKUPS)
    log.info("figure: E2 |t| = %.2f over %s interleaved lookups, bar %.1f", abs(t), f"{LOOKUPS:,}", LARGEST_T)
    assert math.isfinite(t)
    if FULL:
        assert abs(t) < LARGEST_T


def test_what_is_compared_is_hashed_under_a_key_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """So nobody outside can choose the bytes that a comparison sees, nor their number."""
    seen: list[bytes] = []

    def note(one: bytes, other: bytes) -> bool:
        seen.extend((one, other))
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", note)
    for offered in (KEY, ALMOST, "", "\ud800", "x" * 10_000):
        assert Secret(KEY).matches(offered) is (offered == KEY)
    assert {len(one) for one in seen} == {32}
    assert len(set(seen)) == 5
    assert not any(part in one for one in seen for part in (b"sk-", b"xxx"))
