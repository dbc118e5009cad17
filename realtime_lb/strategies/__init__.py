"""Which deployment gets the next session."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from types import MappingProxyType

from realtime_lb.abc import Strategy
from realtime_lb.strategies.least_busy import LeastBusy
from realtime_lb.strategies.simple_shuffle import SimpleShuffle

__all__ = ["STRATEGIES", "LeastBusy", "SimpleShuffle"]

STRATEGIES: Mapping[str, Callable[[random.Random], Strategy]] = MappingProxyType(
    {"simple-shuffle": SimpleShuffle, "least-busy": LeastBusy}
)
"""The names that ``router_settings.routing_strategy`` may hold."""
