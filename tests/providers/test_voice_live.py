"""Azure Voice Live: Azure's credentials, an endpoint of its own."""

import pytest

from realtime_lb.deployments import Deployment, EntraId
from realtime_lb.errors import ConfigError, InvalidRequest
from realtime_lb.providers import VoiceLive, shown_url
from realtime_lb.providers.entra import EntraTokens
from realtime_lb.quirks import NO_QUIRKS
from realtime_lb.requests import SessionRequest
from realtime_lb.typing import Dialect, Secret

LIVE = VoiceLive()
ROOT = "https://res.services.ai.azure.com"


def deployment(
    api_base: str | None = ROOT, *, api_version: str | None = None, model: str = "gpt-realtime"
) -> Deployment:
    return Deployment(
        id="d1",
        model_group="voice",
        model=model,
        provider="azure_voice_live",
        api_base=api_base,
        api_version=api_version,
        api_key=Secret("speech-key"),
        organization="org-1",
        extra_headers={"OpenAI-Beta": Secret("realtime=v1"), "X-Team": Secret("a")},
    )


@pytest.mark.parametrize("path", ["", "/", "/voice-live", "/voice-live/realtime", "/voice-live/realtime/"])
@pytest.mark.parametrize("host", ["res.services.ai.azure.com", "res.cognitiveservices.azure.com"])
def test_every_form_of_a_resources_address_reaches_the_endpoint(host: str, path: str) -> None:
    url = f"wss://{host}/voice-live/realtime?api-version=2026-04-10&model=gpt-realtime"
    assert shown_url(LIVE, deployment(f"https://{host}{path}")) == url


def test_a_gateway_in_front_keeps_its_port_and_prefix() -> None:
    url = shown_url(LIVE, deployment("http://localhost:9000/apim/voice-live"))
    assert url.startswith("ws://localhost:9000/apim/voice-live/realtime?")


@pytest.mark.parametrize(
    ("api_base", "problem"),
    [
        (None, "is needed"),
        (f"{ROOT}/api/projects/p1", "serves no realtime endpoint"),
        (f"{ROOT}/openai/v1", "serves no realtime endpoint"),
        (f"{ROOT}/voice-live/realtime?api-version=2026-04-10", "holds a query"),
    ],
)
def test_a_base_without_the_endpoint_is_refused(api_base: str | None, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        LIVE.dial(deployment(api_base), SessionRequest())


@pytest.mark.parametrize("version", ["2025-10-01", "2025-05-01-preview", "2026-07-15"])
def test_a_version_is_sent_as_it_is_given(version: str) -> None:
    """No list of versions is kept: the service knows which it answers to."""
    assert f"?api-version={version}&" in shown_url(LIVE, deployment(api_version=version))


@pytest.mark.parametrize("version", ["v1", "latest", "2026-4-10", "2026-04-10&model=other"])
def test_a_misspelt_version_is_refused(version: str) -> None:
    with pytest.raises(ConfigError, match="api_version: is not a date"):
        LIVE.dial(deployment(api_version=version), SessionRequest())


@pytest.mark.parametrize(
    "request_", [SessionRequest(call_id="rtc_1"), SessionRequest(intent="transcription")]
)
def test_only_conversations_are_served(request_: SessionRequest) -> None:
    with pytest.raises(InvalidRequest, match="conversations only"):
        LIVE.dial(deployment(), request_)


def test_nothing_of_openais_goes_to_voice_live() -> None:
    """It speaks a flat dialect, but is not told so with OpenAI's switch."""
    assert LIVE.dial(deployment(), SessionRequest()).headers == {"X-Team": Secret("a")}


async def test_a_key_goes_in_azures_own_header_and_a_token_wins() -> None:
    fixed = Deployment(
        id="d1", model_group="v", model="m", api_key=Secret("k-1"), azure_ad_token=Secret("fixed")
    )
    assert await LIVE.credentials(deployment()) == {"api-key": Secret("speech-key")}
    assert await LIVE.credentials(fixed) == {"Authorization": Secret("Bearer fixed")}


async def test_entra_is_asked_for_the_audience_of_azures_ai_services() -> None:
    asked = []

    class Tokens(EntraTokens):
        async def token(self, entra: EntraId, scope: str) -> str:
            asked.append(scope)
            return "fresh"

    at = Deployment(id="d1", model_group="v", model="m", entra=EntraId())
    assert await VoiceLive(Tokens()).credentials(at) == {"Authorization": Secret("Bearer fresh")}
    assert asked == ["https://ai.azure.com/.default"]


def test_it_speaks_beta_with_quirks() -> None:
    assert LIVE.dialect(deployment()) is Dialect.BETA
    assert LIVE.quirks(deployment()) != NO_QUIRKS
