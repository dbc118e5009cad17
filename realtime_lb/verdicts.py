"""What happened with a deployment, and what that means for its health and for another try."""

from __future__ import annotations

import enum

from attrs import frozen

__all__ = ["Meaning", "Outcome", "Verdict", "What"]


class What(enum.StrEnum):
    """What happened, as the engine saw it. The first seven end a dial, the others come of a live session."""

    ACCEPTED = "accepted"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    HTTP_REFUSED = "http_refused"
    FIRST_EVENT_REFUSED = "first_event_refused"
    CREDENTIAL_UNAVAILABLE = "credential_unavailable"
    OUT_OF_FILES = "out_of_files"
    OUTPACED = "outpaced"
    CLOSED = "closed"
    ERROR_EVENT = "error_event"
    RESPONSE_FAILED = "response_failed"
    RESPONSE_COMPLETED = "response_completed"


class Meaning(enum.StrEnum):
    """What an outcome means. Only some of them speak against the deployment."""

    OK = "ok"
    CALLERS_FAULT = "callers_fault"
    BENIGN = "benign"
    UNREACHABLE = "unreachable"
    TRANSIENT = "transient"
    SLOW = "slow"
    RATE_LIMITED = "rate_limited"
    BAD_CREDENTIAL = "bad_credential"
    QUOTA_EXHAUSTED = "quota_exhausted"
    WRONG_CONFIG = "wrong_config"
    SESSION_ENDED = "session_ended"


@frozen(kw_only=True)
class Outcome:
    """One thing that happened, in the provider's own words where it had any.

    Attributes:
        what: What it was.
        status: The HTTP status that a handshake was refused with.
        code: The provider's ``error.code``; empty where there was none.
        kind: The provider's ``error.type``; empty where there was none.
        message: The provider's words. They may name the delay of a rate limit.
        close_code: How the connection was closed, if it was.
        retry_after_s: The delay that a header named, in seconds.
        attached: The client had asked for something of its own that may not be there, or that ends by itself:
            a call (``call_id``), a session for transcription, a model that a wildcard matched, a header.
        opened_s: How long the session had been open, in seconds.
    """

    what: What
    status: int | None = None
    code: str = ""
    kind: str = ""
    message: str = ""
    close_code: int | None = None
    retry_after_s: float | None = None
    attached: bool = False
    opened_s: float = 0.0


@frozen
class Verdict:
    """What an outcome means.

    Attributes:
        meaning: In a word.
        delay_s: How long the provider asks to be left alone, in seconds; None where it did not say.
    """

    meaning: Meaning
    delay_s: float | None = None
