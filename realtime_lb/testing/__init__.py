"""For tests: conformance checks of plug-ins, a clock that jumps, and a network that fails on purpose."""

from realtime_lb.testing.auth import check_authenticator
from realtime_lb.testing.clock import JumpingLoop, run_jumping
from realtime_lb.testing.fault_proxy import FaultProxy
from realtime_lb.testing.network_faults import Door, Faults, Way
from realtime_lb.testing.providers import check_provider
from realtime_lb.testing.proxied import ProxiedConnection
from realtime_lb.testing.sinks import check_sink
from realtime_lb.testing.strategies import check_strategy
from realtime_lb.testing.transports import CONNECTION_CHECKS, check_connections

__all__ = [
    "CONNECTION_CHECKS",
    "Door",
    "FaultProxy",
    "Faults",
    "JumpingLoop",
    "ProxiedConnection",
    "Way",
    "check_authenticator",
    "check_connections",
    "check_provider",
    "check_sink",
    "check_strategy",
    "run_jumping",
]
