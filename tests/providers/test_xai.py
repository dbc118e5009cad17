"""xAI: OpenAI's layout, a host and rules of its own."""

import pytest

from realtime_lb.deployments import Deployment
from realtime_lb.errors import ConfigError, CredentialUnavailable, InvalidRequest
from realtime_lb.providers import XAI, shown_url
from realtime_lb.quirks import NO_QUIRKS
from realtime_lb.requests import SessionRequest
from realtime_lb.typing import Dialect, Secret

GROK = XAI()
URL = "wss://api.x.ai/v1/realtime?model=grok-voice-latest"


def deployment(api_base: str | None = None, *, protocol: str | None = None) -> Deployment:
    return Deployment(
        id="d1",
        model_group="voice",
        model="grok-voice-latest",
        provider="xai",
        api_base=api_base,
        api_key=Secret("xai-test-key"),
        realtime_protocol=protocol,
        organization="org-1",
        project="proj-1",
        extra_headers={"OpenAI-Beta": Secret("realtime=v1"), "X-Team": Secret("a")},
    )


@pytest.mark.parametrize(
    ("api_base", "url"),
    [
        (None, URL),
        ("https://api.x.ai", URL),
        ("https://api.x.ai/v1/", URL),
        ("wss://api.x.ai/v1/realtime", URL),
        ("http://[::1]:9000/grok/v1", "ws://[::1]:9000/grok/v1/realtime?model=grok-voice-latest"),
    ],
)
def test_every_form_of_the_address_reaches_the_endpoint(api_base: str | None, url: str) -> None:
    assert shown_url(GROK, deployment(api_base)) == url


def test_a_call_is_joined_beside_the_model() -> None:
    assert GROK.dial(deployment(), SessionRequest(call_id="rtc_1")).url == f"{URL}&call_id=rtc_1"


def test_transcription_alone_is_not_served() -> None:
    """xAI has another endpoint for it, with another protocol."""
    with pytest.raises(InvalidRequest, match="no transcription sessions"):
        GROK.dial(deployment(), SessionRequest(intent="transcription"))


def test_nothing_of_openais_goes_to_xai() -> None:
    """Neither whose account pays there, nor the switch to a dialect that only OpenAI had."""
    assert GROK.dial(deployment(), SessionRequest()).headers == {"X-Team": Secret("a")}


async def test_the_key_goes_in_a_bearer_header() -> None:
    assert await GROK.credentials(deployment()) == {"Authorization": Secret("Bearer xai-test-key")}
    with pytest.raises(CredentialUnavailable, match="d1"):
        await GROK.credentials(Deployment(id="d1", model_group="v", model="m", provider="xai"))


@pytest.mark.parametrize("protocol", [None, "GA", "beta"])
def test_it_speaks_ga_with_quirks_whatever_is_stated(protocol: str | None) -> None:
    assert GROK.dialect(deployment(protocol=protocol)) is Dialect.GA
    assert GROK.quirks(deployment(protocol=protocol)) != NO_QUIRKS


def test_a_base_that_is_no_address_is_refused() -> None:
    with pytest.raises(ConfigError, match="api_base"):
        GROK.dial(deployment("api.x.ai"), SessionRequest())
