"""Counting is exact, and takes no more memory than it needs to."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from realtime_lb.health.tally import Window

results = st.lists(st.tuples(st.floats(0, 5), st.booleans()), max_size=60)


@given(results)
def test_a_window_counts_what_is_in_it(given_: list[tuple[float, bool]]) -> None:
    window, now = Window(10.0, most=8), 0.0
    kept: deque[tuple[float, bool]] = deque(maxlen=8)
    for passed_s, failed in given_:
        now += passed_s
        window.add(now, failed=failed)
        kept.append((now, failed))
        inside = [failure for at, failure in kept if now - at < 10.0]
        assert (len(window), window.failures) == (len(inside), sum(inside))
        assert window.share(now) == sum(inside) / len(inside)
    assert window.share(now + 10.01) == 0.0
    assert (len(window), window.failures) == (0, 0)


def test_a_busy_window_keeps_the_latest_few_thousand() -> None:
    window = Window(60.0)
    for _ in range(5000):
        window.add(0.0, failed=True)
    assert len(window) == window.failures == 4096


def test_a_window_can_start_anew() -> None:
    window = Window(10.0)
    window.add(0.0, failed=True)
    window.clear()
    assert (len(window), window.failures) == (0, 0)
    window.add(11.0, failed=False)
    assert (len(window), window.failures) == (1, 0)
