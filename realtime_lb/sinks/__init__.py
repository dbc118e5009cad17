"""Who is told: one file per place that records go to, behind a ring that never makes a session wait."""

from realtime_lb.sinks.log import LogSink, log_ring
from realtime_lb.sinks.ring import SinkRing

__all__ = ["LogSink", "SinkRing", "log_ring"]
