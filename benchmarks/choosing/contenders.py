"""Who is compared: the library's strategies, two that know nothing, and one that knows all."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from attrs import evolve, frozen

from benchmarks.choosing.nodes import Node
from realtime_lb.abc import Candidate, Pick, Strategy
from realtime_lb.requests import SessionRequest
from realtime_lb.settings import Settings
from realtime_lb.strategies import STRATEGIES

__all__ = ["CONTENDERS", "Contender"]

Truth: TypeAlias = Mapping[str, Node]


class Random:
    """Anybody."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def pick(self, candidates: Sequence[Candidate], _request: SessionRequest, /) -> Pick:
        """Return any of *candidates*."""
        return Pick(candidate=self._rng.choice(candidates))


class RoundRobin:
    """Whoever has waited longest for a turn."""

    def __init__(self) -> None:
        self._turns: dict[str, int] = {}
        self._turn = 0

    def pick(self, candidates: Sequence[Candidate], _request: SessionRequest, /) -> Pick:
        """Return whoever of *candidates* was picked longest ago."""
        chosen = min(candidates, key=lambda c: self._turns.get(c.deployment.id, 0))
        self._turn += 1
        self._turns[chosen.deployment.id] = self._turn
        return Pick(candidate=chosen)


class Oracle:
    """Whoever will be fastest in truth; among equals, whoever has most room in truth."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth

    def pick(self, candidates: Sequence[Candidate], _request: SessionRequest, /) -> Pick:
        """Return the best of *candidates*, looking into the upstreams themselves."""
        return Pick(candidate=min(candidates, key=lambda c: self._cost(self._truth[c.deployment.id])))

    def _cost(self, node: Node) -> tuple[float, float]:
        return node.expected_first_event_s(), (node.live_sessions + 1) / node.spec.capacity


def _as_it_is(settings: Settings) -> Settings:
    return settings


def _without_health(settings: Settings) -> Settings:
    return evolve(settings, health=evolve(settings.health, enabled=False))


def _with_nothing(settings: Settings) -> Settings:
    return evolve(_without_health(settings), routing=evolve(settings.routing, tries=1, hedge=False))


@frozen(kw_only=True)
class Contender:
    """One row of the tables.

    Attributes:
        make: Builds its strategy, given where chance comes from and the truth.
        tune: Changes the router's settings for it.
        only: The scenario that it tells something about; empty means all.
    """

    make: Callable[[random.Random, Truth], Strategy]
    tune: Callable[[Settings], Settings] = _as_it_is
    only: str = ""


def _named(name: str, only: str = "") -> Contender:
    return Contender(make=lambda rng, _: STRATEGIES[name](rng), only=only)


CONTENDERS: Mapping[str, Contender] = MappingProxyType(
    {
        "shuffle, bare": Contender(make=lambda rng, _: STRATEGIES["simple-shuffle"](rng), tune=_with_nothing),
        "random": Contender(make=lambda rng, _: Random(rng)),
        "simple-shuffle": _named("simple-shuffle"),
        "round robin": Contender(make=lambda *_: RoundRobin()),
        "least-busy": _named("least-busy"),
        "latency-based-routing": _named("latency-based-routing"),
        "usage-based-routing": _named("usage-based-routing"),
        "cost-based-routing": _named("cost-based-routing", only="prices"),
        "adaptive": _named("adaptive"),
        "oracle": Contender(make=lambda _, truth: Oracle(truth), tune=_without_health),
    }
)
"""By name, in the order of the tables.

All of them run in the same engine, with its health, retries and hedges. But the first: what a proxy is that
knows nothing of all that. The oracle needs no health, since it knows who is well.
"""
