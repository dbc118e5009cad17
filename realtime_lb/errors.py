"""Everything that can go wrong, and what to answer when it does.

::

    RealtimeError
    ├── ConfigError                    the file is wrong; holds every problem at once
    ├── MissingExtra                   a feature whose packages are not installed
    ├── RequestRefused                 the caller's fault, told before the upgrade
    │   ├── InvalidRequest             400
    │   │   └── DialectNotServed       400
    │   ├── Unauthenticated            401
    │   ├── OriginRefused              403
    │   ├── UnknownModel               404
    │   ├── UpgradeRequired            426
    │   └── GroupFull                  429
    ├── UpstreamError                  the provider's fault
    │   ├── DialError                  one attempt failed before its first accepted event
    │   │   ├── UpstreamUnreachable
    │   │   ├── DialTimedOut
    │   │   ├── HandshakeRefused
    │   │   ├── FirstEventRefused
    │   │   └── CredentialUnavailable
    │   ├── AllUpstreamsFailed         503, or 429 where every one of them said so
    │   └── UpstreamLost               an accepted one went away without a word
    ├── DownstreamClosed               nobody's fault: the client left
    ├── SlowConsumer                   one peer stopped reading
    ├── SessionEnded                   a library session is over
    └── InternalError                  ours

Each member carries its own answer: an HTTP status for before the upgrade, a close code and an ``error``
event for after it, a hint for the reader. No text that reaches a client holds an upstream address or a key.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from attrs import frozen

from realtime_lb.frames import Close
from realtime_lb.typing import JsonObject

__all__ = [
    "AllUpstreamsFailed",
    "ConfigError",
    "ConfigProblem",
    "CredentialUnavailable",
    "DialError",
    "DialTimedOut",
    "DialectNotServed",
    "DownstreamClosed",
    "FirstEventRefused",
    "GroupFull",
    "HandshakeRefused",
    "InternalError",
    "InvalidRequest",
    "MissingExtra",
    "OriginRefused",
    "RealtimeError",
    "RequestRefused",
    "SessionEnded",
    "SlowConsumer",
    "Unauthenticated",
    "UnknownModel",
    "UpgradeRequired",
    "UpstreamError",
    "UpstreamLost",
    "UpstreamUnreachable",
]


class RealtimeError(Exception):
    """Root of the tree.

    Args:
        message: What happened, fit for the client's eyes.
        hint: How to mend it, for whoever can.
        retry_after_s: When trying again may help, in seconds.

    Attributes:
        http_status: The status to answer with before the upgrade.
        close_code: The code to close with after it.
        kind: OpenAI's ``error.type``.
        code: OpenAI's ``error.code``.
    """

    http_status: int = 500
    close_code: int = 1011
    kind: str = "server_error"
    code: str = "internal_error"

    def __init__(self, message: str, *, hint: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def as_body(self) -> JsonObject:
        """Return the JSON body of an HTTP refusal, in the shape that OpenAI's clients read."""
        return {"error": {"message": str(self), "type": self.kind, "param": None, "code": self.code}}

    def as_event(self, event_id: str | None = None) -> JsonObject:
        """Return an ``error`` server event.

        Args:
            event_id: The client event at fault, which clients use to find the request.
        """
        error = {**self.as_body()["error"], "event_id": event_id}
        return {"type": "error", "event_id": f"event_rlb{uuid.uuid4().hex[:20]}", "error": error}

    @property
    def close_reason(self) -> str:
        """The reason of the close frame: ``<type>.<code>``, as OpenAI writes it."""
        return f"{self.kind}.{self.code}"


@frozen
class ConfigProblem:
    """One thing that is wrong with a configuration.

    Attributes:
        path: Where in the document, such as ``model_list[0].litellm_params.rpm``.
        message: What is wrong.
        hint: How to mend it.
        file: The file's name, or None where the settings were built in Python.
        line: The line in that file, from 1.
    """

    path: str
    message: str
    hint: str = ""
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.file and self.line else ""
        hint = f"\n    hint: {self.hint}" if self.hint else ""
        return f"{place}{self.path}: {self.message}{hint}"


class ConfigError(RealtimeError):
    """The configuration cannot be used. ``problems`` holds all that is wrong with it, in file order."""

    code = "invalid_config"

    def __init__(self, problems: Sequence[ConfigProblem]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__("\n".join([f"{count} in the configuration", *map(str, self.problems)]))


class MissingExtra(RealtimeError):
    """A feature was asked for whose packages are not installed."""

    code = "missing_extra"

    def __init__(self, extra: str, feature: str) -> None:
        super().__init__(f"{feature} needs more packages", hint=f"pip install 'realtime-lb[{extra}]'")


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


class DialectNotServed(InvalidRequest):
    """No deployment of the group speaks the client's dialect."""

    def __init__(self, model_group: str, dialect: str) -> None:
        super().__init__(
            f"No deployment of {model_group!r} speaks the {dialect!r} event dialect",
            code="dialect_not_served",
            hint="drop the OpenAI-Beta header to speak GA, or add a deployment that speaks beta",
        )


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


class UpstreamError(RealtimeError):
    """The provider failed, not the caller."""

    http_status = 503
    kind = "server_error"
    code = "upstream_error"


class DialError(UpstreamError):
    """One attempt at one deployment ended before its first accepted event."""


class UpstreamUnreachable(DialError):
    """No connection: refused, reset, no such host, or TLS that does not verify."""

    code = "upstream_unreachable"


class DialTimedOut(DialError):
    """No accepted first event within the attempt's time."""

    http_status = 504
    code = "upstream_timeout"


class HandshakeRefused(DialError):
    """The upstream answered the upgrade with an HTTP status.

    Attributes:
        status: That status.
    """

    code = "upstream_refused"

    def __init__(self, status: int, *, retry_after_s: float | None = None) -> None:
        super().__init__(f"The upstream answered the handshake with {status}", retry_after_s=retry_after_s)
        self.status = status


class FirstEventRefused(DialError):
    """The upstream took the upgrade, then sent an ``error`` or closed.

    Attributes:
        upstream_code: The provider's ``error.code``, or the close code's number, or None.
    """

    code = "upstream_refused"

    def __init__(self, message: str, *, upstream_code: str | None = None) -> None:
        super().__init__(message)
        self.upstream_code = upstream_code


class CredentialUnavailable(DialError):
    """The deployment's token could not be had."""

    code = "upstream_credential"


class AllUpstreamsFailed(UpstreamError):
    """Every attempt failed. ``attempts`` is how many there were."""

    code = "all_upstreams_failed"

    def __init__(self, model_group: str, failures: Sequence[DialError]) -> None:
        self.attempts = len(failures)
        limited = [f for f in failures if isinstance(f, HandshakeRefused) and f.status == 429]
        delays = [f.retry_after_s for f in limited if f.retry_after_s is not None]
        super().__init__(
            f"No deployment of {model_group!r} accepted the session ({len(failures)} tried)",
            retry_after_s=min(delays, default=1.0),
        )
        self.all_rate_limited = bool(limited) and len(limited) == len(failures)
        if self.all_rate_limited:
            self.http_status = 429
            self.close_code = 1013
            self.code = "rate_limit_exceeded"


class UpstreamLost(UpstreamError):
    """An upstream that had accepted the session went away without a closing handshake, or stopped reading."""

    code = "upstream_lost"

    def __init__(self) -> None:
        super().__init__("The connection to the model was lost")


class DownstreamClosed(RealtimeError):
    """The client left before it was served."""

    http_status = 499  # nginx's "client closed request"; nobody is there to read it
    close_code = 1001
    code = "client_closed"

    def __init__(self) -> None:
        super().__init__("The client left before an upstream was ready")


class SlowConsumer(RealtimeError):
    """A peer took nothing for longer than the stall limit."""

    close_code = 1008
    kind = "invalid_request_error"
    code = "slow_consumer"

    def __init__(self, stall_timeout_s: float) -> None:
        super().__init__(f"The peer read nothing for {stall_timeout_s:g} s")


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
