"""Conformance checks: what a plug-in must do, as functions that its author can run."""

from realtime_lb.testing.auth import check_authenticator
from realtime_lb.testing.clock import JumpingLoop, run_jumping
from realtime_lb.testing.providers import check_provider
from realtime_lb.testing.sinks import check_sink
from realtime_lb.testing.strategies import check_strategy
from realtime_lb.testing.transports import CONNECTION_CHECKS, check_connections

__all__ = [
    "CONNECTION_CHECKS",
    "JumpingLoop",
    "check_authenticator",
    "check_connections",
    "check_provider",
    "check_sink",
    "check_strategy",
    "run_jumping",
]
