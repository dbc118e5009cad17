"""When one peer has had its turn: by the time that it takes, and not by how long it has been there."""

from collections.abc import Iterator

import pytest

from realtime_lb.transports.turns import FAIR_SHARE, LONGEST_TURN_S, Turn

HOUR_S = 3_600.0


def turns_over(reads: Iterator[tuple[float, float]]) -> int:
    """Count them for reads that begin at a time and take some."""
    turn = Turn(4_096, least_bytes=128, most_bytes=4_096)
    return sum(turn.is_over(began_s, took_s) for began_s, took_s in reads)


def steadily(share: float, every_s: float, for_s: float) -> Iterator[tuple[float, float]]:
    return ((n * every_s, share * every_s) for n in range(int(for_s / every_s)))


def test_a_caller_who_has_stuttered_once_is_never_in_the_way_again() -> None:
    """50 frames a second of 0.1 ms each, one of which the machine has interrupted."""
    frames = list(steadily(0.005, 0.02, HOUR_S))
    frames[1_000] = (frames[1_000][0], 2 * LONGEST_TURN_S)
    assert turns_over(iter(frames)) == 1


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_who_takes_more_than_its_share_lets_others_go_first(share: float) -> None:
    """As soon as it has taken a millisecond beyond its share, and each time again."""
    seconds = 10.0
    expected = seconds * (share - FAIR_SHARE) / LONGEST_TURN_S
    assert turns_over(steadily(share, 0.000_1, seconds)) == pytest.approx(expected, rel=0.3)


def test_a_pause_is_no_credit() -> None:
    """Who comes back after an hour has no more than a turn."""
    reads = [(HOUR_S + n * 0.000_3, 0.000_25) for n in range(8)]
    assert turns_over(iter([(0.0, 0.000_25), *reads])) == 1
