"""``realtime-lb demo``: the balancer at work between two simulated providers, on this machine alone."""

from realtime_lb.cli.demo.command import demo

__all__ = ["demo"]
