"""Which deployment gets the next session."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from types import MappingProxyType

from realtime_lb.abc import Strategy
from realtime_lb.strategies.adaptive import Adaptive
from realtime_lb.strategies.affinity import Affinity
from realtime_lb.strategies.cost_based import CostBased
from realtime_lb.strategies.latency_based import LatencyBased
from realtime_lb.strategies.least_busy import LeastBusy
from realtime_lb.strategies.round_robin import RoundRobin
from realtime_lb.strategies.simple_shuffle import SimpleShuffle
from realtime_lb.strategies.tags import tagged
from realtime_lb.strategies.usage_based import UsageBased

__all__ = [
    "STRATEGIES",
    "Adaptive",
    "Affinity",
    "CostBased",
    "LatencyBased",
    "LeastBusy",
    "RoundRobin",
    "SimpleShuffle",
    "UsageBased",
    "tagged",
]

STRATEGIES: Mapping[str, Callable[[random.Random], Strategy]] = MappingProxyType(
    {
        "adaptive": Adaptive,
        "cost-based-routing": CostBased,
        "latency-based-routing": LatencyBased,
        "least-busy": LeastBusy,
        "round-robin": RoundRobin,
        "simple-shuffle": SimpleShuffle,
        "usage-based-routing": UsageBased,
        "usage-based-routing-v2": UsageBased,
    }
)
"""The names that ``router_settings.routing_strategy`` may hold."""
