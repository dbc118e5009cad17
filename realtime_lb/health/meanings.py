"""What providers say and what they mean by it, as a table; `realtime_lb.health.classify` looks things up.

A sign can mean one thing before a session is accepted and another in a live one: at first nobody but the
configuration can have caused ``model_not_found``, while later a client can, by naming a model of its own for
its transcriptions. What a client can bring about must never speak against a deployment, or one caller could
take it away from all others.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from attrs import frozen

from realtime_lb.verdicts import Meaning, What

__all__ = ["TABLE", "Row", "Sign", "row_of"]


class Sign(enum.Enum):
    """Where a row's keys are found."""

    WHAT = "what"
    STATUS = "status"
    STATUS_CLASS = "status_class"
    WORD = "word"
    PHRASE = "phrase"
    CLOSE = "close"
    CLOSE_CLASS = "close_class"
    OTHERWISE = "otherwise"


@frozen
class Row:
    """What one or more signs mean.

    Attributes:
        sign: What kind of sign the keys are: what happened, an HTTP status or its first digit, an
            ``error.code`` or ``error.type`` in lower case, the beginning of a message in lower case, a close
            code or its thousands, or what happened where nothing else is known.
        keys: The signs.
        opening: What they mean before a session is accepted.
        live: What they mean after that.
        source: Who says so.
    """

    sign: Sign
    keys: tuple[str | int, ...]
    opening: Meaning
    live: Meaning
    source: str


_AZURE = "Azure OpenAI, answers to handshakes"
_ERROR_CODES = "OpenAI, guide to error codes"
_HTTP = "RFC 9110, section 15"
_REALTIME = "OpenAI, reference of the realtime server events"
_SDK = "openai-python, _base_client._should_retry"
_SEEN = "seen in the wild"
_SOCKETS = "RFC 6455, section 7.4.1, and IANA's registry of close codes"

TABLE = (
    # What needs no words.
    Row(Sign.WHAT, (What.ACCEPTED, What.RESPONSE_COMPLETED), Meaning.OK, Meaning.OK, "by itself"),
    Row(Sign.WHAT, (What.OUTPACED,), Meaning.SLOW, Meaning.SLOW, "by itself"),
    Row(
        Sign.WHAT,
        (What.UNREACHABLE, What.TIMED_OUT),
        Meaning.UNREACHABLE,
        Meaning.UNREACHABLE,
        "Envoy's local-origin failures",
    ),
    Row(
        Sign.WHAT,
        (What.CREDENTIAL_UNAVAILABLE,),
        Meaning.BAD_CREDENTIAL,
        Meaning.BAD_CREDENTIAL,
        "no token, no dial",
    ),
    Row(Sign.WHAT, (What.OUT_OF_FILES,), Meaning.BENIGN, Meaning.BENIGN, "our own shortage"),
    # HTTP statuses of handshakes. Some servers also write them as `error.code`, hence the second column.
    Row(Sign.STATUS, (401,), Meaning.BAD_CREDENTIAL, Meaning.CALLERS_FAULT, _AZURE),
    Row(Sign.STATUS, (402,), Meaning.QUOTA_EXHAUSTED, Meaning.QUOTA_EXHAUSTED, _HTTP),
    # The key is right and may not do this: its project has no such model, its region or network is shut out,
    # its role is missing. Another deployment with the same key may do well.
    Row(Sign.STATUS, (403,), Meaning.WRONG_CONFIG, Meaning.CALLERS_FAULT, _AZURE),
    Row(Sign.STATUS, (408, 409, 425), Meaning.TRANSIENT, Meaning.TRANSIENT, _SDK),
    Row(Sign.STATUS, (429,), Meaning.RATE_LIMITED, Meaning.RATE_LIMITED, _SDK),
    # No upgrade where one was asked for, or a redirect, which is not followed: this is no such server.
    Row(Sign.STATUS_CLASS, (1, 2, 3), Meaning.WRONG_CONFIG, Meaning.CALLERS_FAULT, "RFC 6455, section 4.1"),
    Row(Sign.STATUS_CLASS, (4,), Meaning.WRONG_CONFIG, Meaning.CALLERS_FAULT, _HTTP),
    Row(Sign.STATUS_CLASS, (5,), Meaning.TRANSIENT, Meaning.TRANSIENT, _SDK),
    # `error.code` and `error.type`, of events and of failed responses; also in a close's `<type>.<code>`.
    Row(Sign.WORD, ("session_expired",), Meaning.TRANSIENT, Meaning.SESSION_ENDED, _SEEN),
    Row(
        Sign.WORD,
        ("invalid_api_key", "incorrect_api_key", "token_expired", "authentication_error"),
        Meaning.BAD_CREDENTIAL,
        Meaning.BAD_CREDENTIAL,
        _ERROR_CODES,
    ),
    Row(
        Sign.WORD,
        (
            "account_deactivated",
            "billing_hard_limit_reached",
            "billing_not_active",
            "credit_balance_exhausted",
            "insufficient_quota",
        ),
        Meaning.QUOTA_EXHAUSTED,
        Meaning.QUOTA_EXHAUSTED,
        _ERROR_CODES,
    ),
    Row(
        Sign.WORD,
        (
            "inference_rate_limit_exceeded",
            "rate_limit_error",
            "rate_limit_exceeded",
            "ratelimitreached",
            "requests",
            "slow_down",
            "tokens",
            "too_many_requests",
            "toomanyrequests",
        ),
        Meaning.RATE_LIMITED,
        Meaning.RATE_LIMITED,
        _ERROR_CODES,
    ),
    Row(
        Sign.WORD,
        (
            "api_error",
            "internal_error",
            "internal_server_error",
            "overloaded_error",
            "server_error",
            "server_overloaded",
            "service_unavailable",
            "timeout",
        ),
        Meaning.TRANSIENT,
        Meaning.TRANSIENT,
        _ERROR_CODES,
    ),
    Row(
        Sign.WORD,
        (
            "deploymentnotfound",
            "invalid_intent",
            "invalid_model",
            "missing_model",
            "model_not_found",
            "not_found_error",
            "operationnotsupported",
            "opperationnotsupported",  # sic
            "permission_error",
            "unsupported_country_region_territory",
        ),
        Meaning.WRONG_CONFIG,
        Meaning.CALLERS_FAULT,
        _SEEN,
    ),
    Row(Sign.WORD, ("beta_api_shape_disabled",), Meaning.WRONG_CONFIG, Meaning.WRONG_CONFIG, _SEEN),
    Row(
        Sign.WORD,
        (
            "bad_response_create",
            "cannot_update_voice",
            "invalid_event",
            "invalid_request_error",
            "invalid_type",
            "invalid_value",
            "missing_required_parameter",
            "unknown_parameter",
        ),
        Meaning.WRONG_CONFIG,
        Meaning.CALLERS_FAULT,
        _REALTIME,
    ),
    Row(
        Sign.WORD,
        (
            "conversation_already_has_active_response",
            "input_audio_buffer_commit_empty",
            "item_truncate_invalid_item_id",
            "response_cancel_not_active",
        ),
        Meaning.WRONG_CONFIG,
        Meaning.BENIGN,
        _REALTIME,
    ),
    # Messages without a code. Their beginnings only, for the rest may quote the client.
    Row(
        Sign.PHRASE,
        ("your session hit the maximum duration",),
        Meaning.TRANSIENT,
        Meaning.SESSION_ENDED,
        _SEEN,
    ),
    Row(
        Sign.PHRASE,
        ("cancellation failed", "only model output audio messages can be truncated"),
        Meaning.WRONG_CONFIG,
        Meaning.BENIGN,
        _SEEN,
    ),
    Row(Sign.PHRASE, ("rate limit reached",), Meaning.RATE_LIMITED, Meaning.RATE_LIMITED, _SEEN),
    Row(
        Sign.PHRASE,
        ("you exceeded your current quota",),
        Meaning.QUOTA_EXHAUSTED,
        Meaning.QUOTA_EXHAUSTED,
        _ERROR_CODES,
    ),
    Row(Sign.PHRASE, ("the server had an error",), Meaning.TRANSIENT, Meaning.TRANSIENT, _SEEN),
    # Close codes, where nothing was said in words.
    Row(Sign.CLOSE, (1000, 1001, 1005), Meaning.TRANSIENT, Meaning.SESSION_ENDED, _SOCKETS),
    Row(Sign.CLOSE, (1003, 1007, 1009), Meaning.TRANSIENT, Meaning.CALLERS_FAULT, _SOCKETS),
    # Gateways say so of a refused credential, too, but of all else as well: too vague to park one for.
    Row(Sign.CLOSE, (1008,), Meaning.WRONG_CONFIG, Meaning.CALLERS_FAULT, _SOCKETS),
    # LiteLLM's proxy closes so where its own upstream answered 429.
    Row(Sign.CLOSE, (1013,), Meaning.RATE_LIMITED, Meaning.TRANSIENT, _SOCKETS),
    Row(Sign.CLOSE, (3000,), Meaning.BAD_CREDENTIAL, Meaning.BAD_CREDENTIAL, _SOCKETS),
    Row(Sign.CLOSE, (3003, 4000), Meaning.WRONG_CONFIG, Meaning.CALLERS_FAULT, _SEEN),
    Row(Sign.CLOSE_CLASS, (1, 2), Meaning.TRANSIENT, Meaning.TRANSIENT, _SOCKETS),
    # An application's own code is a deliberate end; what it means is known to nobody else.
    Row(Sign.CLOSE_CLASS, (3, 4), Meaning.TRANSIENT, Meaning.SESSION_ENDED, _SOCKETS),
    # Nothing is known but what happened.
    Row(
        Sign.OTHERWISE,
        (What.HTTP_REFUSED, What.FIRST_EVENT_REFUSED, What.CLOSED, What.RESPONSE_FAILED),
        Meaning.TRANSIENT,
        Meaning.TRANSIENT,
        "somebody failed, and it was not the client",
    ),
    Row(
        Sign.OTHERWISE,
        (What.ERROR_EVENT,),
        Meaning.TRANSIENT,
        Meaning.CALLERS_FAULT,
        "OpenAI: most errors are answers to a client's event, and recoverable",
    ),
)
"""All that is known. No key stands in two rows of the same sign."""

_INDEX: Mapping[tuple[Sign, str | int], Row] = {(row.sign, key): row for row in TABLE for key in row.keys}


def row_of(sign: Sign, key: str | int) -> Row | None:
    """Return the row of *key*, if it has one."""
    return _INDEX.get((sign, key))
