"""OpenAI's endpoint: which URL, which headers, which credential."""

import pytest

from realtime_lb.deployments import Deployment, Tls
from realtime_lb.errors import ConfigError, CredentialUnavailable, InvalidRequest
from realtime_lb.providers import OpenAI, shown_url
from realtime_lb.requests import SessionRequest
from realtime_lb.typing import Dialect, Secret

OPENAI = OpenAI()


def deployment(
    api_base: str | None = None, *, model: str = "gpt-realtime", extra: dict[str, str] | None = None
) -> Deployment:
    return Deployment(
        id="d1",
        model_group="voice",
        model=model,
        api_base=api_base,
        api_key=Secret("sk-test-key"),
        extra_headers={name: Secret(value) for name, value in (extra or {}).items()},
    )


def headers_of(at: Deployment, **forwarded: str) -> dict[str, str]:
    request = SessionRequest(forwarded_headers={n.replace("_", "-"): v for n, v in forwarded.items()})
    sent = OPENAI.dial(at, request).headers
    return {n: v.reveal() if isinstance(v, Secret) else v for n, v in sent.items()}


@pytest.mark.parametrize(
    ("api_base", "url"),
    [
        (None, "wss://api.openai.com/v1/realtime"),
        ("https://api.openai.com", "wss://api.openai.com/v1/realtime"),
        ("https://api.openai.com/", "wss://api.openai.com/v1/realtime"),
        ("https://api.openai.com/v1", "wss://api.openai.com/v1/realtime"),
        ("https://api.openai.com/v1///", "wss://api.openai.com/v1/realtime"),
        ("wss://api.openai.com/v1/realtime", "wss://api.openai.com/v1/realtime"),
        ("wss://api.openai.com/v1/realtime/", "wss://api.openai.com/v1/realtime"),
        ("HTTPS://EU.api.openai.com/v1", "wss://eu.api.openai.com/v1/realtime"),
        ("http://localhost:8080", "ws://localhost:8080/v1/realtime"),
        ("ws://127.0.0.1:8080/v1", "ws://127.0.0.1:8080/v1/realtime"),
        ("http://[::1]:8080/v1", "ws://[::1]:8080/v1/realtime"),
        ("https://gw.example:8443/team-a/v1", "wss://gw.example:8443/team-a/v1/realtime"),
        ("https://gw.example/team%20a/openai", "wss://gw.example/team%20a/openai/v1/realtime"),
        ("https://r.openai.azure.com/openai/v1/", "wss://r.openai.azure.com/openai/v1/realtime"),
    ],
)
def test_every_documented_form_of_a_base_is_dialled_at_its_realtime_path(
    api_base: str | None, url: str
) -> None:
    """People paste what a portal or an SDK shows: with or without path, slash, or websocket scheme."""
    assert shown_url(OPENAI, deployment(api_base)) == f"{url}?model=gpt-realtime"


@pytest.mark.parametrize(
    ("api_base", "problem"),
    [
        ("api.openai.com", "is not an http"),
        ("ftp://api.openai.com", "is not an http"),
        ("https:///v1", "is not an http"),
        ("https://h:99999", "is not a URL"),
        ("https://user:hunter2@h/v1", "holds credentials"),
        ("https://hunter2@h/v1", "holds credentials"),
        ("https://h/v1?api-key=hunter2", "holds a query"),
        ("https://h/v1#hunter2", "holds a query or a fragment"),
        ("https://h/v1 ", "holds a space"),
        ("https://h/v1\nhunter2", "control character"),
        ("https://h\\@hunter2/v1", "backslash"),
    ],
)
def test_a_base_that_is_no_address_is_refused_without_being_quoted(api_base: str, problem: str) -> None:
    """A key in an address would be logged by everything on the way, and a refusal may be shown to anybody."""
    with pytest.raises(ConfigError, match=problem) as refused:
        OPENAI.dial(deployment(api_base), SessionRequest())
    assert "d1.api_base" in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("request_", "query"),
    [
        (SessionRequest(model="alias"), "model=gpt-realtime"),
        (SessionRequest(intent="realtime"), "model=gpt-realtime"),
        (SessionRequest(intent="transcription"), "intent=transcription"),
        (SessionRequest(call_id="rtc_1"), "call_id=rtc_1"),
        (SessionRequest(call_id="rtc_1", intent="realtime"), "call_id=rtc_1"),
    ],
)
def test_a_session_names_exactly_one_of_model_call_and_intent(request_: SessionRequest, query: str) -> None:
    """OpenAI answers a transcription session that names a model with invalid_model."""
    assert OPENAI.dial(deployment(), request_).url == f"wss://api.openai.com/v1/realtime?{query}"


@pytest.mark.parametrize(
    "request_",
    [SessionRequest(call_id="rtc_1", intent="transcription"), SessionRequest(intent="speech")],
)
def test_a_request_that_openai_does_not_know_is_the_callers_fault(request_: SessionRequest) -> None:
    with pytest.raises(InvalidRequest):
        OPENAI.dial(deployment(), request_)


@pytest.mark.parametrize(
    ("model", "escaped"),
    [
        ("a&b=c", "a%26b%3Dc"),
        ("a#b", "a%23b"),
        ("a?b", "a%3Fb"),
        ("a/../b", "a%2F..%2Fb"),
        ("a\r\nb\0", "a%0D%0Ab%00"),
        ("é☎", "%C3%A9%E2%98%8E"),
        ("a+b c", "a%2Bb%20c"),
        ("a%26b", "a%2526b"),
    ],
)
def test_a_model_name_stays_one_value_whatever_is_in_it(model: str, escaped: str) -> None:
    """A wildcard deployment passes on what a client wrote, which must not become a parameter or a path."""
    url = OPENAI.dial(deployment(model=model), SessionRequest()).url
    assert url == f"wss://api.openai.com/v1/realtime?model={escaped}"


def test_a_name_without_a_utf8_form_is_the_callers_fault() -> None:
    with pytest.raises(InvalidRequest, match="Unicode"):
        OPENAI.dial(deployment(model="half\ud800"), SessionRequest())


def test_the_account_goes_upstream_from_the_deployment() -> None:
    """Organization and project say who pays, so they win over headers of the same name."""
    at = Deployment(
        id="d1",
        model_group="v",
        model="m",
        organization="org-1",
        project="proj_1",
        extra_headers={"openai-project": Secret("proj_2"), "X-Team": Secret("a")},
    )
    assert headers_of(at) == {"X-Team": "a", "OpenAI-Organization": "org-1", "OpenAI-Project": "proj_1"}


@pytest.mark.parametrize("attribute", ["organization", "project"])
def test_an_account_that_no_header_can_hold_is_refused(attribute: str) -> None:
    at = Deployment(id="d1", model_group="v", model="m", **{attribute: "org\r\nX: y"})  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=attribute):
        OPENAI.dial(at, SessionRequest())


def test_of_the_clients_headers_only_the_safety_identifier_goes_upstream() -> None:
    """It belongs to one connection, so each upstream needs it; all else is the gateway's to say."""
    sent = headers_of(
        deployment(),
        openai_safety_identifier="user-7",
        OpenAI_Beta="realtime=v1",
        Authorization="Bearer client",
        Host="other.example",
        Origin="https://page.example",
        Cookie="a=b",
        Sec_WebSocket_Protocol="realtime",
    )
    assert sent == {"OpenAI-Safety-Identifier": "user-7"}


def test_the_operators_header_wins_over_the_clients() -> None:
    at = deployment(extra={"openai-safety-identifier": "whole-company"})
    assert headers_of(at, OpenAI_Safety_Identifier="user-7") == {"openai-safety-identifier": "whole-company"}


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\0b", "a\udcffb"])
def test_a_forwarded_value_that_no_header_can_hold_is_the_callers_fault(value: str) -> None:
    with pytest.raises(InvalidRequest, match="OpenAI-Safety-Identifier"):
        headers_of(deployment(), OpenAI_Safety_Identifier=value)


@pytest.mark.parametrize("name", ["Host", "connection", "Upgrade", "Sec-WebSocket-Key", "sec-websocket-x"])
def test_extra_headers_cannot_touch_the_handshake(name: str) -> None:
    with pytest.raises(ConfigError, match="belongs to the handshake"):
        OPENAI.dial(deployment(extra={name: "x"}), SessionRequest())


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("X Team", "a", "not a header's"),
        ("X-Team\r\nY", "a", "not a header's"),
        ("", "a", "not a header's"),
        ("X-Team", "hunter2\r\nY: z", "line break"),
    ],
)
def test_extra_headers_are_checked_and_never_quoted(name: str, value: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as refused:
        OPENAI.dial(deployment(extra={name: value}), SessionRequest())
    assert "hunter2" not in str(refused.value)


def test_the_dead_beta_switch_never_reaches_openai() -> None:
    """OpenAI closes a session that asks for the 2024 dialect; old configurations still set the header."""
    at = deployment(extra={"openai-beta": "realtime=v1", "X-Team": "a"})
    assert headers_of(at) == {"X-Team": "a"}
    assert OPENAI.dialect(at) is Dialect.GA


def test_the_deployments_tls_settings_are_passed_on() -> None:
    at = Deployment(id="d1", model_group="v", model="m", tls=Tls(verify=False))
    assert OPENAI.dial(at, SessionRequest()).tls == Tls(verify=False)


async def test_the_key_goes_in_a_bearer_header_and_nowhere_else() -> None:
    at = deployment()
    dial = OPENAI.dial(at, SessionRequest())
    credentials = await OPENAI.credentials(at)
    assert credentials == {"Authorization": Secret("Bearer sk-test-key")}
    assert "sk-test-key" not in f"{dial!r}{dial.with_headers(credentials)!r}{dial.url}"


@pytest.mark.parametrize("key", [None, "", "sk-test\n", "sk\0"])
async def test_a_key_that_cannot_be_sent_is_unavailable(key: str | None) -> None:
    """A key read from a file often ends in a newline; the HTTP library would quote it in its error."""
    at = Deployment(id="d1", model_group="v", model="m", api_key=None if key is None else Secret(key))
    with pytest.raises(CredentialUnavailable, match="d1") as refused:
        await OPENAI.credentials(at)
    assert "sk-test" not in str(refused.value)
