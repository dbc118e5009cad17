"""The caller's fault: told before the upgrade, with a true HTTP status, but for a bad event."""

from __future__ import annotations

from collections.abc import Sequence

from realtime_lb.errors.root import RealtimeError

__all__ = [
    "GroupFull",
    "InvalidEvent",
    "InvalidRequest",
    "OriginRefused",
    "RequestRefused",
    "TooCostly",
    "TooManyOpens",
    "TooManySessions",
    "Unauthenticated",
    "UnknownDeployment",
    "UnknownModel",
    "UpgradeRequired",
]


class RequestRefused(RealtimeError):
    """The caller asked for something that it cannot have."""

    http_status = 400
    close_code = 4000
    kind = "invalid_request_error"
    code = "invalid_request"


class InvalidRequest(RequestRefused):
    """The request makes no sense as it stands."""

    def __init__(self, message: str, *, code: str = "invalid_request", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code


class InvalidEvent(InvalidRequest):
    """A client sent what is no event. Its session lives: the answer is an ``error`` event, not a close.

    Attributes:
        event_id: What the client calls it, if it said so.
    """

    def __init__(self, message: str, *, event_id: str | None = None) -> None:
        super().__init__(message, code="invalid_event")
        self.event_id = event_id


class TooCostly(InvalidEvent):
    """An event that has to be read holds so many values that reading it would hold everybody up."""

    def __init__(self) -> None:
        super().__init__("Your event holds too many values.")


class Unauthenticated(RequestRefused):
    """No key, or a wrong one."""

    http_status = 401
    close_code = 3000
    code = "invalid_api_key"

    def __init__(self) -> None:
        super().__init__(
            "Missing or wrong API key",
            hint="send it as 'Authorization: Bearer <key>', as an 'api-key' header, or as the subprotocol "
            "'openai-insecure-api-key.<key>'",
        )


class OriginRefused(RequestRefused):
    """A web page that nobody allowed tried to open a session."""

    http_status = 403
    close_code = 1008
    code = "origin_not_allowed"

    def __init__(self) -> None:
        super().__init__(
            "This web origin may not open sessions",
            hint="set general_settings.master_key, or list the origin in realtime_lb.server.allowed_origins",
        )


class UnknownModel(RequestRefused):
    """No model group has this name."""

    http_status = 404
    code = "model_not_found"

    def __init__(self, model: str, known: Sequence[str]) -> None:
        names = ", ".join(sorted(known)) or "none"
        super().__init__(f"The model {model[:100]!r} does not exist", hint=f"known models: {names}")


class UnknownDeployment(RequestRefused):
    """No deployment has this id."""

    http_status = 404
    code = "deployment_not_found"

    def __init__(self, deployment_id: str, known: Sequence[str]) -> None:
        names = ", ".join(sorted(known)) or "none"
        super().__init__(
            f"The deployment {deployment_id[:100]!r} does not exist", hint=f"known deployments: {names}"
        )


class UpgradeRequired(RequestRefused):
    """A plain HTTP request came to a websocket's address."""

    http_status = 426
    code = "websocket_expected"

    def __init__(self) -> None:
        super().__init__("This address speaks websocket", hint="connect with ws:// or wss://")


class GroupFull(RequestRefused):
    """Every deployment of the group holds as many sessions as it may."""

    http_status = 429
    close_code = 1013
    kind = "rate_limit_error"
    code = "no_capacity"

    def __init__(self, model_group: str, *, retry_after_s: float = 1.0) -> None:
        super().__init__(
            f"Every deployment of {model_group!r} is at its session limit", retry_after_s=retry_after_s
        )


class TooManySessions(RequestRefused):
    """The client's address holds as many sessions as one may."""

    http_status = 429
    close_code = 1013
    kind = "rate_limit_error"
    code = "too_many_sessions"

    def __init__(self) -> None:
        super().__init__("Your address has as many sessions as it may", retry_after_s=5.0)


class TooManyOpens(RequestRefused):
    """The client's address began as many sessions within a minute as one may."""

    http_status = 429
    close_code = 1013
    kind = "rate_limit_error"
    code = "rate_limit_exceeded"

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("Your address opens sessions faster than it may", retry_after_s=retry_after_s)
