"""What an outcome means: one table for all providers, read from the most telling sign to the least."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from realtime_lb.errors import (
    CredentialUnavailable,
    DialError,
    DialTimedOut,
    FirstEventRefused,
    HandshakeRefused,
    OutOfFiles,
)
from realtime_lb.health.delays import LONGEST_DELAY_S, named_delay_s
from realtime_lb.health.meanings import TABLE, Row, Sign, row_of
from realtime_lb.typing import JsonObject
from realtime_lb.verdicts import Meaning, Outcome, Verdict, What

__all__ = ["LIVE", "classify", "outcome_of_close", "outcome_of_event", "outcome_of_failure"]

LIVE = frozenset({What.CLOSED, What.ERROR_EVENT, What.RESPONSE_FAILED, What.RESPONSE_COMPLETED})
"""What can happen to a session that was accepted. All else ends a dial."""

EARLY_END_S = 5.0
"""A session that its upstream ends within this time had not begun in earnest: no turn of talk fits in, and no
provider's limit is so short. Beyond it, an orderly close is an end like any other."""

_WORD_CHARS = 64
_MESSAGE_CHARS = 500
"""What `FirstEventRefused` keeps of a provider's words is enough of an event's, too."""

_REASON = re.compile(r"(\w{1,64})\.(\w{1,64})", re.ASCII)
"""How OpenAI writes a close's reason: ``<type>.<code>``."""

_PHRASES = tuple(str(key) for row in TABLE if row.sign is Sign.PHRASE for key in row.keys)


@lru_cache(maxsize=256)  # nearly all are the same few
def classify(outcome: Outcome) -> Verdict:
    """Return what *outcome* means.

    Pure, and total: there is no outcome that it raises for. A delay is given for rate limits and for
    transient failures, from the header or else from the words; it is more than 0 and at most
    `LONGEST_DELAY_S`.
    """
    row = next(_rows(outcome))
    meaning = row.live if outcome.what in LIVE else row.opening
    if _ended_early(outcome, meaning, row):
        meaning = Meaning.TRANSIENT
    if _named_by_the_client(outcome, meaning):
        meaning = Meaning.CALLERS_FAULT
    if meaning in {Meaning.RATE_LIMITED, Meaning.TRANSIENT}:
        return Verdict(meaning, _delay_s(outcome))
    return Verdict(meaning)


def _rows(outcome: Outcome) -> Iterator[Row]:
    """Give the rows that *outcome* fits, the most telling first. There is always one."""
    for sign, key in _signs(outcome):
        if row := row_of(sign, key):
            yield row


def _signs(outcome: Outcome) -> Iterator[tuple[Sign, str | int]]:
    yield Sign.WHAT, outcome.what
    if outcome.status is not None:
        yield from _status_signs(outcome.status)
    yield from _word_signs(outcome)
    if outcome.close_code is not None:
        yield Sign.CLOSE, outcome.close_code
        yield Sign.CLOSE_CLASS, outcome.close_code // 1000
    yield Sign.OTHERWISE, outcome.what


def _status_signs(status: int) -> Iterator[tuple[Sign, int]]:
    yield Sign.STATUS, status
    yield Sign.STATUS_CLASS, status // 100


def _word_signs(outcome: Outcome) -> Iterator[tuple[Sign, str | int]]:
    """Give what was said: the code, the message where there is none, and last the type, which says least."""
    code, kind, message = outcome.code.lower(), outcome.kind.lower(), outcome.message.strip().lower()
    if outcome.close_code is not None and (reason := _REASON.fullmatch(message)):
        kind, code = kind or reason[1], code or reason[2]
    yield Sign.WORD, code
    if re.fullmatch(r"[45]\d\d", code, re.ASCII):
        yield from _status_signs(int(code))
    yield from ((Sign.PHRASE, phrase) for phrase in _PHRASES if message.startswith(phrase))
    yield Sign.WORD, kind


def _ended_early(outcome: Outcome, meaning: Meaning, row: Row) -> bool:
    by_code = row.sign in {Sign.CLOSE, Sign.CLOSE_CLASS}
    early = outcome.opened_s < EARLY_END_S and not outcome.attached
    return by_code and meaning is Meaning.SESSION_ENDED and early


def _named_by_the_client(outcome: Outcome, meaning: Meaning) -> bool:
    """Whether there may be nothing wrong but the call that the client asked for."""
    if not outcome.attached or meaning is not Meaning.WRONG_CONFIG:
        return False
    return outcome.what is What.FIRST_EVENT_REFUSED or outcome.status in {400, 404}


def _delay_s(outcome: Outcome) -> float | None:
    delay_s = outcome.retry_after_s
    if delay_s is not None and math.isfinite(delay_s) and delay_s > 0:
        return min(delay_s, LONGEST_DELAY_S)
    return named_delay_s(outcome.message)


def outcome_of_failure(error: DialError, *, attached: bool = False) -> Outcome:
    """Return what a failed dial comes to.

    Args:
        error: How it failed.
        attached: The client had asked for a call of its own.
    """
    match error:
        case HandshakeRefused():
            return Outcome(
                what=What.HTTP_REFUSED,
                status=error.status,
                retry_after_s=error.retry_after_s,
                attached=attached,
            )
        case FirstEventRefused():
            # Where there was no event, its code is the close code's number.
            code = "" if error.upstream_code == str(error.upstream_close_code) else error.upstream_code
            return Outcome(
                what=What.FIRST_EVENT_REFUSED,
                code=code,
                kind=error.upstream_kind,
                message=error.upstream_message,
                close_code=error.upstream_close_code,
                attached=attached,
            )
        case DialTimedOut():
            return Outcome(what=What.TIMED_OUT, attached=attached)
        case OutOfFiles():
            return Outcome(what=What.OUT_OF_FILES, attached=attached)
        case CredentialUnavailable():
            return Outcome(what=What.CREDENTIAL_UNAVAILABLE, attached=attached)
        case _:
            return Outcome(what=What.UNREACHABLE, attached=attached)


def outcome_of_close(code: int | None, reason: str, *, opened_s: float) -> Outcome:
    """Return what it comes to that an upstream closed a live session.

    Args:
        code: The close code; None where the connection was lost without one.
        reason: The words beside it.
        opened_s: How long the session had been open, in seconds.
    """
    return Outcome(
        what=What.CLOSED,
        close_code=1006 if code is None else code,
        message=reason[:_MESSAGE_CHARS],
        opened_s=opened_s,
    )


def outcome_of_event(event: JsonObject) -> Outcome | None:
    """Return what a server event says about its deployment: an ``error``, or a ``response.done``; else None.

    A response that was cancelled says nothing; one that ended for its length or its content was served.
    Nothing in *event* is trusted to have its documented shape, and nothing in it makes this raise.
    """
    match event:
        case {"type": "error"}:
            # Some servers leave out the inner object.
            return _told(What.ERROR_EVENT, event.get("error", event))
        case {"type": "response.done", "response": {"status": "failed", **response}}:
            return _told(What.RESPONSE_FAILED, _inner(response.get("status_details"), "error"))
        case {"type": "response.done", "response": {"status": "completed" | "incomplete"}}:
            return Outcome(what=What.RESPONSE_COMPLETED)
    return None


def _told(what: What, error: Any) -> Outcome:
    if isinstance(error, str):
        return Outcome(what=what, message=error[:_MESSAGE_CHARS])
    return Outcome(
        what=what,
        code=_word(_inner(error, "code")),
        kind=_word(_inner(error, "type")),
        message=_word(_inner(error, "message"), _MESSAGE_CHARS),
    )


def _inner(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _word(value: Any, most: int = _WORD_CHARS) -> str:
    """Return text as it is, and a small number, which some servers use for a code, as its digits."""
    if isinstance(value, int) and 0 <= value <= 9999:
        return str(int(value))
    return value[:most] if isinstance(value, str) else ""
