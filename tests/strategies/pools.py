"""Candidates, and what a strategy makes of them."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from realtime_lb.abc import Candidate, Strategy
from realtime_lb.deployments import Deployment
from realtime_lb.requests import SessionRequest

REQUEST = SessionRequest(model="voice")
OF_DEPLOYMENT = frozenset({"weight", "rpm", "tpm", "tags"})


def candidate(name: str, live: int = 0, **attributes: Any) -> Candidate:
    of_deployment = {key: value for key, value in attributes.items() if key in OF_DEPLOYMENT}
    deployment = Deployment(id=name, model_group="voice", model="m", **of_deployment)
    others = {key: value for key, value in attributes.items() if key not in OF_DEPLOYMENT}
    return Candidate(deployment=deployment, live_sessions=live, **others)


def picked(strategy: Strategy, candidates: Sequence[Candidate], request: SessionRequest = REQUEST) -> str:
    return strategy.pick(candidates, request).candidate.deployment.id


def counted(strategy: Strategy, candidates: Sequence[Candidate], rounds: int = 1_000) -> Counter[str]:
    return Counter(picked(strategy, candidates) for _ in range(rounds))


def filled(
    make: Callable[[random.Random], Strategy], rounds: int, **attributes: dict[str, Any]
) -> Counter[str]:
    """Place sessions that never end, and say who has how many."""
    strategy = make(random.Random(1))
    live: Counter[str] = Counter()
    for _ in range(rounds):
        live[picked(strategy, [candidate(name, live[name], **of) for name, of in attributes.items()])] += 1
    return live


WAITS = st.none() | st.floats(0, 400)
KNOWN_WAITS = st.floats(0.001, 400)
WEIGHTS = st.sampled_from((None, 0.0, 0.5, 1.0, 7.0))


def pools(
    waits: st.SearchStrategy[float | None] = WAITS,
    weights: st.SearchStrategy[float | None] = WEIGHTS,
    least: int = 1,
) -> st.SearchStrategy[list[Candidate]]:
    """Candidates of all shapes, whose ids are their places."""
    shapes: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
        {
            "live": st.integers(0, 600),
            "weight": weights,
            "rpm": st.sampled_from((None, 0, 60, 600)),
            "first_event_s": waits,
            "first_audio_s": waits,
            "headroom": st.floats(0, 1),
            "price_per_minute": st.none() | st.floats(0, 1),
        }
    )
    return st.lists(shapes, min_size=least, max_size=6).map(
        lambda chosen: [candidate(str(place), **shape) for place, shape in enumerate(chosen)]
    )
