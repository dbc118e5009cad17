"""The rest: nobody's fault, a peer that stopped reading, and our own."""

from __future__ import annotations

from realtime_lb.errors.root import RealtimeError
from realtime_lb.frames import Close

__all__ = [
    "DownstreamClosed",
    "InternalError",
    "Overloaded",
    "SessionEnded",
    "ShuttingDown",
    "SlowConsumer",
    "TooFast",
]


class DownstreamClosed(RealtimeError):
    """The client left before it was served."""

    http_status = 499  # nginx's "client closed request"; nobody is there to read it
    close_code = 1001
    code = "client_closed"

    def __init__(self) -> None:
        super().__init__("The client left before an upstream was ready")


class ShuttingDown(RealtimeError):
    """The gateway is going away and takes no new session."""

    http_status = 503
    close_code = 1001
    code = "shutting_down"

    def __init__(self) -> None:
        super().__init__("The gateway is shutting down", retry_after_s=1.0)


class Overloaded(RealtimeError):
    """The gateway has no room for another session. Its log says of what there is too little."""

    http_status = 503
    close_code = 1013
    code = "overloaded"

    def __init__(self) -> None:
        super().__init__("The gateway has no room for another session", retry_after_s=5.0)


class SlowConsumer(RealtimeError):
    """A peer took nothing for longer than the stall limit."""

    close_code = 1008
    kind = "invalid_request_error"
    code = "slow_consumer"

    def __init__(self, stall_timeout_s: float) -> None:
        super().__init__(f"The peer read nothing for {stall_timeout_s:g} s")


class TooFast(RealtimeError):
    """A client sends more, or oftener, than it may."""

    close_code = 1008
    kind = "rate_limit_error"
    code = "client_too_fast"

    def __init__(self) -> None:
        super().__init__("You send faster than this gateway allows")


class SessionEnded(RealtimeError):
    """A library session is over, and not by its user's wish.

    Attributes:
        close: How it ended.
    """

    code = "session_ended"

    def __init__(self, close: Close) -> None:
        super().__init__(f"The session ended with close code {close.code} {close.reason!r}")
        self.close = close


class InternalError(RealtimeError):
    """A defect of ours. The log has the traceback; the client gets this fixed text."""

    def __init__(self) -> None:
        super().__init__("Internal error in the gateway")
