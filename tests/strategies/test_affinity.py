"""One affinity, one deployment, while that has room."""

import hashlib
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence

import pytest

from realtime_lb.abc import Candidate, Pick
from realtime_lb.requests import SessionRequest
from realtime_lb.strategies import Affinity, LeastBusy
from tests.strategies.pools import REQUEST, candidate, counted, picked

NAMES = "abcdefghij"


def asking(affinity: str) -> SessionRequest:
    return SessionRequest(model="voice", affinity=affinity)


def strategy() -> Affinity:
    return Affinity(LeastBusy(random.Random(1)))


def test_a_request_without_affinity_is_the_inner_strategys() -> None:
    candidates = [candidate("a", 1), candidate("b", 0)]
    assert set(counted(strategy(), candidates, 20)) == {"b"}
    assert picked(strategy(), candidates, SessionRequest(model="voice", affinity="")) == "b"
    assert strategy().pick(candidates, REQUEST).lower_is_better


def test_the_inner_strategy_is_asked_what_affinity_was_asked() -> None:
    asked: list[tuple[Sequence[Candidate], SessionRequest]] = []

    class Inner:
        def pick(self, candidates: Sequence[Candidate], request: SessionRequest, /) -> Pick:
            asked.append((candidates, request))
            return Pick(candidate=candidates[0])

    candidates = [candidate("a"), candidate("b", weight=0)]
    assert picked(Affinity(Inner()), candidates) == "a"
    assert asked == [(candidates, REQUEST)]


def test_the_same_affinity_meets_the_same_deployment_in_any_order() -> None:
    candidates = [candidate(name) for name in NAMES]
    for affinity in ("caller 1", "caller 2", "\udc80"):
        assert len({picked(strategy(), c, asking(affinity)) for c in (candidates, candidates[::-1])}) == 1


def test_affinities_divide_by_weight() -> None:
    candidates = [candidate("a", weight=3), candidate("b"), candidate("c", weight=0)]
    placed = Counter(picked(strategy(), candidates, asking(str(number))) for number in range(4_000))
    assert placed["a"] == pytest.approx(3_000, abs=140)
    assert placed["c"] == 0


def test_a_deployment_that_leaves_moves_only_its_own() -> None:
    candidates = [candidate(name) for name in NAMES]
    for number in range(300):
        home = picked(strategy(), candidates, asking(str(number)))
        without_f = [c for c in candidates if c.deployment.id != "f"]
        assert picked(strategy(), without_f, asking(str(number))) == home or home == "f"


def test_a_popular_affinity_spills_over_in_its_own_order() -> None:
    """Nobody gets further than a quarter beyond the average, and one session."""
    live: Counter[str] = Counter()
    for _ in range(400):
        live[picked(strategy(), [candidate(name, live[name]) for name in "abcd"], asking("hot"))] += 1
        assert max(live.values()) <= 1.25 * live.total() / 4 + 2
    assert max(live.values()) >= 1.2 * 100
    assert min(live.values()) < 70


@pytest.mark.parametrize(
    ("live", "others_live", "weight", "others_weight", "stays"),
    [
        (7, 3, 1, 1, True),  # the bound: 1.25 x 10 / 2 x 1 + 1 = 7.25
        (8, 2, 1, 1, False),
        (2, 6, 2, 6, True),  # 1.25 x 8 / 8 x 2 + 1 = 3.5
        (4, 4, 2, 6, False),
        (0, 0, 1, 1, True),
        (1, 0, 1, 1, True),  # 1.25 x 1 / 2 + 1 = 1.625
        (5, 3, 1, 1, True),  # 1.25 x 8 / 2 + 1 = 6, which is one too many
        (6, 2, 1, 1, False),
    ],
)
def test_the_bound_is_a_quarter_beyond_the_average_and_one(
    live: int, others_live: int, weight: float, others_weight: float, *, stays: bool
) -> None:
    weights = {"home": weight, "other": others_weight}
    request = next(
        asking(str(number))
        for number in range(100)
        if picked(strategy(), [candidate(n, weight=w) for n, w in weights.items()], asking(str(number)))
        == "home"
    )
    home = candidate("home", live, weight=weight)
    other = candidate("other", others_live, weight=others_weight)
    assert picked(strategy(), [home, other], request) == ("home" if stays else "other")


def test_the_scores_show_who_was_passed_over() -> None:
    request = asking("x")
    home = picked(strategy(), [candidate("a"), candidate("b")], request)
    other = "b" if home == "a" else "a"
    pick = strategy().pick([candidate(home, 8), candidate(other, 2)], request)
    assert pick.scores[home] == 0.0
    assert pick.scores[other] > 0
    assert pick.lower_is_better is False


def test_where_all_weigh_nothing_they_share() -> None:
    candidates = [candidate("a", weight=0), candidate("b", weight=0)]
    placed = Counter(picked(strategy(), candidates, asking(str(number))) for number in range(1_000))
    assert placed["a"] == pytest.approx(500, abs=80)
    equals = [candidate("a"), candidate("b")]
    scores = [strategy().pick(pool, asking("x")).scores for pool in (candidates, equals)]
    assert scores[0] == scores[1]


def test_where_one_goes_is_written_down() -> None:
    """Processes, releases and machines agree: if this changes, every caller loses its deployment's cache."""
    candidates = [candidate(name) for name in NAMES]
    homes = "".join(picked(strategy(), candidates, asking(f"caller {number}")) for number in range(40))
    assert hashlib.sha256(homes.encode()).hexdigest()[:16] == "2d621eff847dd4d8"


def test_another_process_agrees() -> None:
    program = (
        "import random; from tests.strategies.test_affinity import *;"
        "print(picked(strategy(), [candidate(n) for n in NAMES], asking('caller')))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == picked(strategy(), [candidate(name) for name in NAMES], asking("caller"))
