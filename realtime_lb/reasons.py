"""What speaks for trying another upstream. Not what the caller did, nor what another would say as well."""

from __future__ import annotations

from attrs import frozen

from realtime_lb.events import event_of
from realtime_lb.frames import Frame
from realtime_lb.health import outcome_of_event
from realtime_lb.verdicts import Meaning, Outcome

__all__ = ["FailedResponse", "failed_response", "may_help", "says_it_is_over"]

_NOT_THE_UPSTREAMS = frozenset({Meaning.CALLERS_FAULT, Meaning.WRONG_CONFIG, Meaning.OK, Meaning.BENIGN})

_PRIVATE_CODES = 3000
"""Close codes from here on are an application's own; one of them that says nothing known means an end."""

_ITS_TROUBLE = frozenset({Meaning.BAD_CREDENTIAL, Meaning.RATE_LIMITED, Meaning.QUOTA_EXHAUSTED})


@frozen
class FailedResponse:
    """A response that came to nothing.

    Attributes:
        response_id: As the upstream calls it.
        outcome: What the upstream said of it.
    """

    response_id: str
    outcome: Outcome


def may_help(meaning: Meaning, close_code: int = 0) -> bool:
    """Say whether another upstream may do better, after what happened to this one."""
    if close_code >= _PRIVATE_CODES:
        return meaning in _ITS_TROUBLE
    return meaning not in _NOT_THE_UPSTREAMS


def says_it_is_over(frame: Frame) -> bool:
    """Say whether an ``error`` tells that the session has lived as long as it may."""
    error = (event_of(frame) or {}).get("error")
    return isinstance(error, dict) and error.get("code") == "session_expired"


def failed_response(frame: Frame) -> FailedResponse | None:
    """Return the response that a ``response.done`` tells to have failed; None where it did not."""
    if b'"failed"' not in bytes(frame.payload):
        return None
    event = event_of(frame) or {}
    response = event.get("response")
    if not isinstance(response, dict) or response.get("status") != "failed":
        return None
    outcome = outcome_of_event(event)
    return None if outcome is None else FailedResponse(str(response.get("id")), outcome)
