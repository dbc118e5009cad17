"""The gateway's doors over aiohttp: a route for an app of your own, a whole app, and a server process."""

from realtime_lb.server.admin import create_admin_app
from realtime_lb.server.app import create_app
from realtime_lb.server.door import realtime_handler
from realtime_lb.server.running import listening, listening_admin, wait_for_signal

__all__ = [
    "create_admin_app",
    "create_app",
    "listening",
    "listening_admin",
    "realtime_handler",
    "wait_for_signal",
]
