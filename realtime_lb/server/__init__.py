"""The gateway's doors over aiohttp: a route for an app of your own, a whole app, and a server process."""

from realtime_lb.server.app import create_app
from realtime_lb.server.door import realtime_handler
from realtime_lb.server.running import listening, wait_for_signal

__all__ = ["create_app", "listening", "realtime_handler", "wait_for_signal"]
