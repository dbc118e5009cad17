"""Servers with OpenAI's layout."""

import pytest

from realtime_lb.deployments import Deployment
from realtime_lb.errors import ConfigError, InvalidRequest
from realtime_lb.providers import OpenAICompatible, shown_url
from realtime_lb.requests import SessionRequest
from realtime_lb.typing import Dialect, Secret

COMPATIBLE = OpenAICompatible()


def deployment(
    api_base: str | None = "https://gw.example/team-a/v1",
    *,
    protocol: str | None = None,
    extra: dict[str, str] | None = None,
) -> Deployment:
    return Deployment(
        id="d1",
        model_group="voice",
        model="m",
        provider="openai_compatible",
        api_base=api_base,
        realtime_protocol=protocol,
        extra_headers={name: Secret(value) for name, value in (extra or {}).items()},
    )


@pytest.mark.parametrize(
    ("api_base", "url"),
    [
        ("https://gw.example/team-a/v1", "wss://gw.example/team-a/v1/realtime"),
        ("https://gw.example/team-a", "wss://gw.example/team-a/v1/realtime"),
        (
            "wss://dashscope.aliyuncs.com/api-ws/v1/realtime",
            "wss://dashscope.aliyuncs.com/api-ws/v1/realtime",
        ),
        ("http://localhost:8080", "ws://localhost:8080/v1/realtime"),
        ("https://api.x.ai/v1/", "wss://api.x.ai/v1/realtime"),
    ],
)
def test_a_path_prefix_is_kept(api_base: str, url: str) -> None:
    assert shown_url(COMPATIBLE, deployment(api_base)) == f"{url}?model=m"


def test_a_base_is_needed() -> None:
    """Without one the key would go to a vendor that nobody named."""
    with pytest.raises(ConfigError, match="api_base: is needed"):
        COMPATIBLE.dial(deployment(None), SessionRequest())


@pytest.mark.parametrize(
    ("request_", "query"),
    [
        (SessionRequest(), "model=m"),
        (SessionRequest(intent="transcription"), "model=m&intent=transcription"),
        (SessionRequest(call_id="rtc_1"), "model=m&call_id=rtc_1"),
    ],
)
def test_a_gateway_is_always_told_the_model(request_: SessionRequest, query: str) -> None:
    url = COMPATIBLE.dial(deployment(), request_).url
    assert url == f"wss://gw.example/team-a/v1/realtime?{query}"


def test_an_unknown_intent_is_the_callers_fault() -> None:
    with pytest.raises(InvalidRequest):
        COMPATIBLE.dial(deployment(), SessionRequest(intent="x&y"))


async def test_a_deployment_without_a_key_sends_no_authorization() -> None:
    assert await COMPATIBLE.credentials(deployment()) == {}


async def test_a_key_goes_in_a_bearer_header() -> None:
    at = Deployment(id="d1", model_group="v", model="m", api_base="http://h", api_key=Secret("k-1"))
    assert await COMPATIBLE.credentials(at) == {"Authorization": Secret("Bearer k-1")}


@pytest.mark.parametrize(
    ("protocol", "dialect"),
    [(None, Dialect.GA), ("", Dialect.GA), ("GA", Dialect.GA), ("v1", Dialect.GA), ("Beta", Dialect.BETA)],
)
def test_the_dialect_is_what_the_deployment_states(protocol: str | None, dialect: Dialect) -> None:
    assert COMPATIBLE.dialect(deployment(protocol=protocol)) is dialect


def test_a_server_of_the_beta_dialect_is_told_so() -> None:
    """Servers that speak both choose by this header."""
    dial = COMPATIBLE.dial(deployment(protocol="beta"), SessionRequest())
    assert dial.headers == {"OpenAI-Beta": "realtime=v1"}


def test_a_beta_header_that_the_operator_wrote_is_left_alone() -> None:
    at = deployment(protocol="beta", extra={"openai-beta": "realtime=v2"})
    assert COMPATIBLE.dial(at, SessionRequest()).headers == {"openai-beta": Secret("realtime=v2")}


def test_a_protocol_that_nobody_speaks_is_refused() -> None:
    with pytest.raises(ConfigError, match="realtime_protocol"):
        COMPATIBLE.dial(deployment(protocol="grpc"), SessionRequest())
