"""Every outcome has the meaning that the table gives it."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime_lb.errors import (
    CredentialUnavailable,
    DialError,
    DialTimedOut,
    FirstEventRefused,
    HandshakeRefused,
    UpstreamUnreachable,
)
from realtime_lb.health import classify, outcome_of_close, outcome_of_event, outcome_of_failure
from realtime_lb.health.classify import LIVE
from realtime_lb.health.meanings import TABLE, Sign
from realtime_lb.verdicts import Meaning, Outcome, Verdict, What

OK, CALLER, BENIGN, UNREACHABLE, TRANSIENT, SLOW, LIMITED, CREDENTIAL, QUOTA, CONFIG, ENDED = Meaning


def failed(error: DialError, *, attached: bool = False) -> Verdict:
    return classify(outcome_of_failure(error, attached=attached))


def refused(code: str = "", kind: str = "", message: str = "", close: int | None = None) -> FirstEventRefused:
    return FirstEventRefused(
        "refused", upstream_code=code, upstream_kind=kind, upstream_message=message, close_code=close
    )


def event_verdict(event: dict[str, Any]) -> Verdict:
    outcome = outcome_of_event(event)
    assert outcome is not None
    return classify(outcome)


def error_event(code: Any = None, kind: Any = "invalid_request_error", message: Any = "") -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "code": code, "message": message}}


def failed_response(code: Any = None, kind: Any = None, message: Any = "") -> dict[str, Any]:
    error = {"type": kind, "code": code, "message": message}
    return {
        "type": "response.done",
        "response": {"status": "failed", "status_details": {"type": "failed", "error": error}},
    }


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (UpstreamUnreachable("x"), UNREACHABLE),
        (DialTimedOut("x"), UNREACHABLE),
        (DialError("x"), UNREACHABLE),
        (CredentialUnavailable("x"), CREDENTIAL),
        *(
            (HandshakeRefused(status), CONFIG)
            for status in (101, 200, 302, 400, 403, 404, 407, 418, 422, 431)
        ),
        *(
            (HandshakeRefused(status), TRANSIENT)
            for status in (408, 409, 425, 500, 501, 502, 503, 504, 529, 599)
        ),
        (HandshakeRefused(401), CREDENTIAL),
        (HandshakeRefused(402), QUOTA),
        (HandshakeRefused(429), LIMITED),
        (HandshakeRefused(999), TRANSIENT),
    ],
)
def test_a_failed_dial(error: DialError, meaning: Meaning) -> None:
    assert failed(error) == Verdict(meaning)


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (UpstreamUnreachable("x"), {"what": What.UNREACHABLE}),
        (DialTimedOut("x"), {"what": What.TIMED_OUT}),
        (CredentialUnavailable("x"), {"what": What.CREDENTIAL_UNAVAILABLE}),
        (
            HandshakeRefused(503, retry_after_s=2.0),
            {"what": What.HTTP_REFUSED, "status": 503, "retry_after_s": 2.0},
        ),
        (
            refused("c", "k", "m", close=4000),
            {"what": What.FIRST_EVENT_REFUSED, "code": "c", "kind": "k", "message": "m", "close_code": 4000},
        ),
        (refused("4000", close=4000), {"what": What.FIRST_EVENT_REFUSED, "close_code": 4000}),
    ],
)
def test_nothing_that_a_failed_dial_told_is_lost(
    error: DialError, told: dict[str, Any], *, attached: bool
) -> None:
    assert outcome_of_failure(error, attached=attached) == Outcome(**told, attached=attached)


def test_a_dial_is_of_no_call_of_the_clients_own_unless_that_is_said() -> None:
    assert classify(outcome_of_failure(HandshakeRefused(404))) == Verdict(CONFIG)


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (refused("invalid_api_key", "invalid_request_error"), CREDENTIAL),
        (refused("insufficient_quota", "insufficient_quota"), QUOTA),
        (refused("rate_limit_exceeded", "invalid_request_error"), LIMITED),
        (refused("model_not_found", "invalid_request_error"), CONFIG),
        (refused("DeploymentNotFound"), CONFIG),
        (refused("OpperationNotSupported"), CONFIG),
        (refused("beta_api_shape_disabled", "invalid_request_error"), CONFIG),
        (refused("invalid_value", "invalid_request_error"), CONFIG),
        (refused("never_heard_of", "invalid_request_error"), CONFIG),
        (refused("never_heard_of", "server_error"), TRANSIENT),
        (refused("never_heard_of", "never_heard_of"), TRANSIENT),
        (refused("", "Authentication_Error"), CREDENTIAL),
        (refused("not_an_event"), TRANSIENT),
        (refused("429"), LIMITED),
        (refused("503"), TRANSIENT),
        (refused("1000", close=1000), TRANSIENT),
        (refused("1006", close=1006), TRANSIENT),
        (refused("1008", close=1008), CONFIG),
        (refused("1011", close=1011), TRANSIENT),
        (refused("1013", close=1013), LIMITED),
        (refused("3000", close=3000), CREDENTIAL),
        (refused("3003", close=3003), CONFIG),
        (refused("4000", close=4000), CONFIG),
        (refused("4321", close=4321), TRANSIENT),
        (refused("2999", close=2999), TRANSIENT),
        (refused("4000", message="invalid_request_error.invalid_api_key", close=4000), CREDENTIAL),
        (refused("4000", message="insufficient_quota.whatever_it_is", close=4000), QUOTA),
        (refused("4000", message="server_error.never_heard_of", close=4000), TRANSIENT),
        (refused("model_not_found", message="server_error.server_error", close=4000), CONFIG),
        (refused("", "rate_limit_error", "server_error.server_error", close=4000), TRANSIENT),
        (refused("", "rate_limit_error", "server_error.unheard_of", close=4000), LIMITED),
        (refused("", "", "server_error.server_error"), TRANSIENT),
        (refused("", "", " You exceeded your current quota, please check"), QUOTA),
    ],
)
def test_a_refused_first_event_or_a_close_in_its_place(error: DialError, meaning: Meaning) -> None:
    assert failed(error).meaning is meaning


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (HandshakeRefused(404), CALLER),
        (HandshakeRefused(400), CALLER),
        (HandshakeRefused(403), CONFIG),
        (HandshakeRefused(401), CREDENTIAL),
        (HandshakeRefused(503), TRANSIENT),
        (refused("call_not_found", "invalid_request_error"), CALLER),
        (refused("invalid_api_key"), CREDENTIAL),
    ],
)
def test_a_call_of_the_clients_own_may_not_exist(error: DialError, meaning: Meaning) -> None:
    assert failed(error, attached=True).meaning is meaning


def test_a_refusal_keeps_the_delay_of_its_header() -> None:
    assert failed(HandshakeRefused(429, retry_after_s=7.5)) == Verdict(LIMITED, 7.5)
    assert failed(HandshakeRefused(503, retry_after_s=1.0)) == Verdict(TRANSIENT, 1.0)
    assert failed(HandshakeRefused(404, retry_after_s=1.0)) == Verdict(CONFIG)
    assert failed(HandshakeRefused(429, retry_after_s=99_999)) == Verdict(LIMITED, 86_400)


@pytest.mark.parametrize("delay_s", [0.0, -1.0, float("nan"), float("inf")])
def test_a_header_without_a_sane_delay_names_none(delay_s: float) -> None:
    assert failed(HandshakeRefused(429, retry_after_s=delay_s)) == Verdict(LIMITED)


def test_the_header_comes_before_the_words() -> None:
    words = "Please try again in 6s"
    outcome = Outcome(what=What.HTTP_REFUSED, status=429, message=words, retry_after_s=2.0)
    assert classify(outcome).delay_s == 2.0
    assert failed(refused("rate_limit_exceeded", message=words)).delay_s == 6.0


@pytest.mark.parametrize(
    ("code", "kind", "message", "meaning"),
    [
        ("session_expired", "invalid_request_error", "", ENDED),
        ("rate_limit_exceeded", "rate_limit_exceeded", "", LIMITED),
        ("inference_rate_limit_exceeded", "invalid_request_error", "", LIMITED),
        ("insufficient_quota", "insufficient_quota", "", QUOTA),
        ("billing_hard_limit_reached", "invalid_request_error", "", QUOTA),
        (None, "server_error", "The server had an error while processing your request", TRANSIENT),
        (None, None, "The server had an error while processing your request", TRANSIENT),
        (None, "overloaded_error", "", TRANSIENT),
        (500, None, "", TRANSIENT),
        ("429", None, "", LIMITED),
        ("401", None, "", CALLER),
        ("600", "server_error", "", TRANSIENT),
        ("4٢٩", "server_error", "", TRANSIENT),
        (7, "server_error", "", TRANSIENT),
        ("invalid_api_key", "invalid_request_error", "", CREDENTIAL),
        ("model_not_found", "invalid_request_error", "", CALLER),
        ("permission_error", None, "", CALLER),
        ("invalid_value", "invalid_request_error", "Invalid value: 'rate limit reached'", CALLER),
        (None, "invalid_request_error", "Rate limit reached for x", LIMITED),
        (None, "invalid_request_error", "Your session hit the maximum duration of 60 minutes.", ENDED),
        (None, "invalid_request_error", "Cancellation failed: no active response found", BENIGN),
        (None, "invalid_request_error", "Only model output audio messages can be truncated", BENIGN),
        ("response_cancel_not_active", "invalid_request_error", "", BENIGN),
        ("conversation_already_has_active_response", "invalid_request_error", "", BENIGN),
        ("input_audio_buffer_commit_empty", "invalid_request_error", "", BENIGN),
        ("unheard_of", "invalid_request_error", "", CALLER),
        (None, "invalid_request_error", "", CALLER),
    ],
)
def test_errors_and_failed_responses_of_a_live_session(
    code: Any, kind: Any, message: str, meaning: Meaning
) -> None:
    assert event_verdict(error_event(code, kind, message)).meaning is meaning
    assert event_verdict(failed_response(code, kind, message)).meaning is meaning


KNOWN_WORDS = {
    (CREDENTIAL, CREDENTIAL): "invalid_api_key incorrect_api_key token_expired authentication_error",
    (QUOTA, QUOTA): "account_deactivated billing_hard_limit_reached billing_not_active "
    "credit_balance_exhausted insufficient_quota",
    (LIMITED, LIMITED): "rate_limit_exceeded inference_rate_limit_exceeded rate_limit_error slow_down tokens "
    "requests too_many_requests TooManyRequests RateLimitReached",
    (TRANSIENT, TRANSIENT): "server_error overloaded_error internal_error internal_server_error api_error "
    "server_overloaded service_unavailable timeout",
    (CONFIG, CALLER): "model_not_found invalid_model missing_model invalid_intent DeploymentNotFound "
    "OperationNotSupported OpperationNotSupported not_found_error permission_error "
    "unsupported_country_region_territory invalid_request_error unknown_parameter invalid_value "
    "invalid_event missing_required_parameter invalid_type bad_response_create cannot_update_voice",
    (CONFIG, BENIGN): "response_cancel_not_active conversation_already_has_active_response "
    "input_audio_buffer_commit_empty item_truncate_invalid_item_id",
    (CONFIG, CONFIG): "beta_api_shape_disabled",
    (TRANSIENT, ENDED): "session_expired",
}


@pytest.mark.parametrize(("meanings", "words"), KNOWN_WORDS.items(), ids=str)
def test_the_words_of_the_providers(meanings: tuple[Meaning, Meaning], words: str) -> None:
    """Codes and types that the protocol's notes list, before a session is accepted and after."""
    for word in words.split():
        opening = classify(Outcome(what=What.FIRST_EVENT_REFUSED, code=word)).meaning
        live = classify(Outcome(what=What.RESPONSE_FAILED, code=word)).meaning
        assert (word, opening, live) == (word, *meanings)


def test_no_word_is_known_that_is_not_listed_here() -> None:
    listed = {word.lower() for words in KNOWN_WORDS.values() for word in words.split()}
    assert {key for row in TABLE if row.sign is Sign.WORD for key in row.keys} == listed


@pytest.mark.parametrize(
    ("phrase", "opening", "live"),
    [
        ("Your session hit the maximum duration of 60 minutes.", TRANSIENT, ENDED),
        ("Cancellation failed: no active response found", CONFIG, BENIGN),
        ("Only model output audio messages can be truncated", CONFIG, BENIGN),
        ("Rate limit reached for gpt-realtime in organization org-1", LIMITED, LIMITED),
        ("You exceeded your current quota, please check your plan", QUOTA, QUOTA),
        ("The server had an error while processing your request", TRANSIENT, TRANSIENT),
    ],
)
def test_messages_without_a_code(phrase: str, opening: Meaning, live: Meaning) -> None:
    kind = "invalid_request_error"
    assert failed(refused("", kind, phrase)).meaning is opening
    assert event_verdict(error_event(None, kind, phrase)).meaning is live


@pytest.mark.parametrize(
    ("status", "live"),
    [
        *((status, CALLER) for status in (401, 403, 404)),
        *((status, TRANSIENT) for status in (408, 409, 425, 500, 503)),
        (402, QUOTA),
        (429, LIMITED),
    ],
)
def test_a_status_as_the_code_of_an_event(status: int, live: Meaning) -> None:
    assert event_verdict(failed_response(status)).meaning is live
    assert event_verdict(error_event(str(status), None)).meaning is live


def test_an_unknown_error_is_the_clients_and_an_unknown_failure_the_deployments() -> None:
    assert event_verdict(error_event("unheard_of", "unheard_of")) == Verdict(CALLER)
    assert event_verdict(failed_response("unheard_of", "unheard_of")) == Verdict(TRANSIENT)
    assert event_verdict({"type": "response.done", "response": {"status": "failed"}}) == Verdict(TRANSIENT)


def test_a_rate_limit_inside_a_response_names_its_delay() -> None:
    event = failed_response("rate_limit_exceeded", "tokens", "Please try again in 1m30.5s.")
    assert event_verdict(event) == Verdict(LIMITED, 90.5)


@pytest.mark.parametrize(
    ("event", "what"),
    [
        ({"type": "response.done", "response": {"status": "completed"}}, What.RESPONSE_COMPLETED),
        ({"type": "response.done", "response": {"status": "incomplete"}}, What.RESPONSE_COMPLETED),
        ({"type": "response.done", "response": {"status": "cancelled"}}, None),
        ({"type": "response.done", "response": {}}, None),
        ({"type": "response.done", "response": []}, None),
        ({"type": "response.done"}, None),
        ({"type": "response.created", "response": {"status": "failed"}}, None),
        ({"type": "session.created"}, None),
        ({}, None),
    ],
)
def test_only_what_says_something_is_an_outcome(event: dict[str, Any], what: What | None) -> None:
    outcome = outcome_of_event(event)
    assert (outcome and outcome.what) == what
    assert outcome is None or classify(outcome).meaning is OK


def test_odd_shapes_of_an_error_are_read_as_far_as_they_go() -> None:
    flat = outcome_of_event({"type": "error", "code": "server_error", "message": "m" * 999})
    assert flat == Outcome(what=What.ERROR_EVENT, code="server_error", kind="error", message="m" * 500)
    assert outcome_of_event({"type": "error", "error": "e" * 999}) == Outcome(
        what=What.ERROR_EVENT, message="e" * 500
    )
    assert outcome_of_event(error_event([], {}, 5.5)) == Outcome(what=What.ERROR_EVENT)
    assert outcome_of_event(error_event("c" * 99, -1, 10_000)) == Outcome(
        what=What.ERROR_EVENT, code="c" * 64
    )
    assert outcome_of_event(error_event(9999, 0)) == Outcome(what=What.ERROR_EVENT, code="9999", kind="0")


@pytest.mark.parametrize(
    ("code", "reason", "meaning"),
    [
        (1000, "", ENDED),
        (1001, "Your session hit the maximum duration of 60 minutes.", ENDED),
        (1001, "", ENDED),
        (1005, "", ENDED),
        (1002, "", TRANSIENT),
        (None, "", TRANSIENT),
        (1006, "", TRANSIENT),
        (1011, "keepalive ping timeout", TRANSIENT),
        (1012, "", TRANSIENT),
        (1013, "", TRANSIENT),
        (1015, "", TRANSIENT),
        (2500, "", TRANSIENT),
        (3001, "", ENDED),
        (3003, "", CALLER),
        (1003, "", CALLER),
        (1007, "", CALLER),
        (1008, "", CALLER),
        (1009, "", CALLER),
        (3000, "", CREDENTIAL),
        (4000, "", CALLER),
        (4000, "invalid_request_error.session_expired", ENDED),
        (4000, "server_error.overloaded", TRANSIENT),
        (4444, "idle", ENDED),
        (3999, "", ENDED),
    ],
)
def test_how_a_live_session_was_closed(code: int | None, reason: str, meaning: Meaning) -> None:
    assert classify(outcome_of_close(code, reason, opened_s=5.0)).meaning is meaning


@pytest.mark.parametrize("code", [1000, 1001, 1005, 4444])
def test_an_orderly_close_right_after_the_opening_is_a_failure(code: int) -> None:
    assert classify(outcome_of_close(code, "", opened_s=4.9)) == Verdict(TRANSIENT)


@pytest.mark.parametrize("code", [1007, 1008, 4000])
def test_what_the_client_sent_may_end_a_session_at_once(code: int) -> None:
    assert classify(outcome_of_close(code, "", opened_s=0.0)) == Verdict(CALLER)


def test_a_connection_that_was_lost_counts_as_closed_with_1006() -> None:
    lost = Outcome(what=What.CLOSED, close_code=1006, message="why", opened_s=9.0)
    assert outcome_of_close(None, "why", opened_s=9.0) == lost


def test_a_long_reason_is_cut() -> None:
    assert len(outcome_of_close(1000, "r" * 999, opened_s=9.0).message) == 500
    said = outcome_of_close(1001, "Your session hit the maximum duration of 60 minutes.", opened_s=1.0)
    assert classify(said).meaning is ENDED


def test_what_needs_no_words() -> None:
    assert classify(Outcome(what=What.ACCEPTED)) == Verdict(OK)
    assert classify(Outcome(what=What.OUTPACED)) == Verdict(SLOW)
    assert classify(Outcome(what=What.HTTP_REFUSED)) == Verdict(TRANSIENT)
    assert classify(Outcome(what=What.FIRST_EVENT_REFUSED)) == Verdict(TRANSIENT)


def test_every_row_of_the_table_is_reached_by_its_own_keys() -> None:
    """And by no other row's: a key stands once among its kind. Words are in lower case, to be compared."""
    keys = Counter((row.sign, key) for row in TABLE for key in row.keys)
    assert set(keys.values()) == {1}
    for row in TABLE:
        assert row.source
        for key in row.keys:
            assert key == (key.lower() if isinstance(key, str) else key)
            if row.sign is Sign.WORD:
                assert classify(Outcome(what=What.ERROR_EVENT, code=str(key))).meaning is row.live
                assert classify(Outcome(what=What.FIRST_EVENT_REFUSED, kind=str(key))).meaning is row.opening


def test_nothing_that_a_client_can_bring_about_parks_a_credential() -> None:
    """In a live session, only what names the key speaks against it."""
    words = {key for row in TABLE if row.live is CREDENTIAL for key in row.keys}
    assert words == {
        What.CREDENTIAL_UNAVAILABLE,
        "invalid_api_key",
        "incorrect_api_key",
        "token_expired",
        "authentication_error",
        3000,
    }


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
known_words = st.sampled_from(
    ["error", "response.done", "failed", "completed", "server_error", "429", "4000"]
)


@given(
    st.fixed_dictionaries(
        {"type": known_words | anything},
        optional={
            "error": anything
            | st.fixed_dictionaries(
                {}, optional=dict.fromkeys(("type", "code", "message"), anything | known_words)
            ),
            "response": anything
            | st.fixed_dictionaries(
                {"status": known_words | anything},
                optional={"status_details": anything | st.fixed_dictionaries({"error": anything})},
            ),
        },
    )
)
def test_no_event_of_any_shape_raises(event: dict[str, Any]) -> None:
    outcome = outcome_of_event(event)
    if outcome is not None:
        assert isinstance(classify(outcome), Verdict)


@given(
    st.builds(
        Outcome,
        what=st.sampled_from(What),
        status=st.none() | st.integers(-1, 1200),
        code=st.text() | known_words,
        kind=st.text(),
        message=st.text(),
        close_code=st.none() | st.integers(-1, 70_000),
        retry_after_s=st.none() | st.floats(),
        attached=st.booleans(),
        opened_s=st.floats(0, 4000),
    )
)
def test_every_outcome_has_a_verdict(outcome: Outcome) -> None:
    verdict = classify(outcome)
    assert verdict.delay_s is None or 0 < verdict.delay_s <= 86_400
    if verdict.meaning is SLOW:
        assert outcome.what is What.OUTPACED
    if outcome.what in LIVE:
        assert verdict.meaning not in {UNREACHABLE, SLOW}
