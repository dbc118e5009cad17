"""The provider's fault."""

from __future__ import annotations

from collections.abc import Sequence

from realtime_lb.errors.root import RealtimeError

__all__ = [
    "AllUpstreamsFailed",
    "CredentialUnavailable",
    "DialError",
    "DialTimedOut",
    "FirstEventRefused",
    "GroupDown",
    "GroupRateLimited",
    "HandshakeRefused",
    "OutOfFiles",
    "UpstreamError",
    "UpstreamLost",
    "UpstreamUnreachable",
]


class UpstreamError(RealtimeError):
    """The provider failed, not the caller."""

    http_status = 503
    kind = "server_error"
    code = "upstream_error"


class DialError(UpstreamError):
    """One attempt at one deployment ended before its first accepted event."""

    @property
    def outcome(self) -> str:
        """What happened, in a word, for the log."""
        return self.code


class UpstreamUnreachable(DialError):
    """No connection: refused, reset, no such host, or TLS that does not verify."""

    code = "upstream_unreachable"


class DialTimedOut(DialError):
    """No accepted first event within the attempt's time."""

    http_status = 504
    code = "upstream_timeout"


class OutOfFiles(DialError):
    """This process has no file left for another connection. Nobody was dialled, nobody is to blame."""

    code = "out_of_files"

    def __init__(self) -> None:
        super().__init__("This process may not open another connection", hint="raise its limit (ulimit -n)")


class HandshakeRefused(DialError):
    """The upstream answered the upgrade with an HTTP status.

    Attributes:
        status: That status.
    """

    code = "upstream_refused"

    def __init__(self, status: int, *, retry_after_s: float | None = None) -> None:
        super().__init__(f"The upstream answered the handshake with {status}", retry_after_s=retry_after_s)
        self.status = status

    @property
    def outcome(self) -> str:
        """The status, for the log."""
        return f"http_{self.status}"


class FirstEventRefused(DialError):
    """The upstream took the upgrade, then sent an ``error`` or closed.

    Args:
        message: What happened, in our words.
        upstream_code: The provider's ``error.code``, or the close code's number.
        upstream_kind: The provider's ``error.type``.
        upstream_message: The provider's ``error.message``, which may name a delay.
        close_code: How it was closed, if it was closed before any event.

    Attributes:
        upstream_code, upstream_kind, upstream_message: As given, cut to what a log can hold.
        upstream_close_code: *close_code*.
    """

    code = "upstream_refused"

    def __init__(
        self,
        message: str,
        *,
        upstream_code: str,
        upstream_kind: str = "",
        upstream_message: str = "",
        close_code: int | None = None,
    ) -> None:
        super().__init__(message)
        self.upstream_code = upstream_code[:64]
        self.upstream_kind = upstream_kind[:64]
        self.upstream_message = upstream_message[:500]
        self.upstream_close_code = close_code

    @property
    def outcome(self) -> str:
        """The upstream's own code, for the log."""
        return f"refused_{self.upstream_code}"


class CredentialUnavailable(DialError):
    """The deployment's token could not be had."""

    code = "upstream_credential"


class AllUpstreamsFailed(UpstreamError):
    """Every attempt failed.

    Attributes:
        failures: Each attempt's error, in order. For operators: clients get the message.
    """

    code = "all_upstreams_failed"

    def __init__(self, model_group: str, failures: Sequence[DialError]) -> None:
        self.failures = tuple(failures)
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


class GroupDown(UpstreamError):
    """Every deployment of the group failed of late, and is left alone for the moment.

    One session a second tries whether somebody is back. Who comes meanwhile waits a moment for what that one
    finds; all others are told at once.
    """

    code = "upstreams_down"

    def __init__(self, model_group: str, *, retry_after_s: float = 1.0) -> None:
        super().__init__(f"No deployment of {model_group!r} is up", retry_after_s=retry_after_s)


class GroupRateLimited(UpstreamError):
    """Every deployment of the group has told us to wait."""

    http_status = 429
    close_code = 1013
    kind = "rate_limit_error"
    code = "rate_limit_exceeded"

    def __init__(self, model_group: str, *, retry_after_s: float) -> None:
        super().__init__(f"Every deployment of {model_group!r} is rate limited", retry_after_s=retry_after_s)


class UpstreamLost(UpstreamError):
    """An upstream that had accepted the session went away without a closing handshake, or stopped reading."""

    code = "upstream_lost"

    def __init__(self) -> None:
        super().__init__("The connection to the model was lost")
