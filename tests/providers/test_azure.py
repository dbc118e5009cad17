"""Azure: two endpoints, two dialects, two kinds of credential."""

import pytest

from realtime_lb.deployments import Deployment
from realtime_lb.errors import ConfigError, CredentialUnavailable, InvalidRequest, MissingExtra
from realtime_lb.providers import Azure, shown_url
from realtime_lb.requests import SessionRequest
from realtime_lb.typing import Dialect, Secret

AZURE = Azure()
ROOT = "https://res.openai.azure.com"
V1 = "wss://res.openai.azure.com/openai/v1/realtime"
PREVIEW = "wss://res.openai.azure.com/openai/realtime"


def deployment(
    api_base: str | None = ROOT,
    *,
    api_version: str | None = None,
    protocol: str | None = None,
    model: str = "my-rt",
    extra: dict[str, str] | None = None,
) -> Deployment:
    return Deployment(
        id="d1",
        model_group="voice",
        model=model,
        provider="azure",
        api_base=api_base,
        api_version=api_version,
        realtime_protocol=protocol,
        api_key=Secret("azure-test-key"),
        organization="org-1",
        extra_headers={name: Secret(value) for name, value in (extra or {}).items()},
    )


@pytest.mark.parametrize("scheme", ["https", "wss"])
@pytest.mark.parametrize("path", ["", "/openai", "/openai/v1", "/openai/v1/realtime", "/openai/realtime"])
@pytest.mark.parametrize("slashes", ["", "/", "//"])
@pytest.mark.parametrize(
    "host", ["res.openai.azure.com", "res.services.ai.azure.com", "res.cognitiveservices.azure.com"]
)
def test_every_form_of_a_resources_address_reaches_both_endpoints(
    scheme: str, path: str, slashes: str, host: str
) -> None:
    """The portal, the SDKs and LiteLLM's documents each show another part of the same address."""
    base = f"{scheme}://{host}{path}{slashes}"
    v1 = shown_url(AZURE, deployment(base))
    preview = shown_url(AZURE, deployment(base, api_version="2024-10-01-preview"))
    assert v1 == f"wss://{host}/openai/v1/realtime?model=my-rt"
    query = "api-version=2024-10-01-preview&deployment=my-rt"
    assert preview == f"wss://{host}/openai/realtime?{query}"


@pytest.mark.parametrize(
    ("api_base", "url"),
    [
        ("http://localhost:9000", "ws://localhost:9000/openai/v1/realtime"),
        ("http://[::1]:9000/openai/", "ws://[::1]:9000/openai/v1/realtime"),
        ("https://apim.example/voice%20eu/openai", "wss://apim.example/voice%20eu/openai/v1/realtime"),
    ],
)
def test_a_gateway_in_front_of_azure_keeps_its_port_and_prefix(api_base: str, url: str) -> None:
    assert shown_url(AZURE, deployment(api_base)) == f"{url}?model=my-rt"


@pytest.mark.parametrize(
    ("api_base", "problem"),
    [
        (None, "is needed"),
        ("https://res.services.ai.azure.com/api/projects/p1", "serves no realtime endpoint"),
        ("https://res.openai.azure.com/v1", "serves no realtime endpoint"),
        (f"{ROOT}/openai/realtime?api-version=2024-10-01-preview&deployment=x", "holds a query"),
    ],
)
def test_a_base_without_a_realtime_endpoint_is_refused(api_base: str | None, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        AZURE.dial(deployment(api_base), SessionRequest())


@pytest.mark.parametrize(
    ("protocol", "api_version", "dialect", "url"),
    [
        (None, None, Dialect.GA, f"{V1}?model=my-rt"),
        (None, "", Dialect.GA, f"{V1}?model=my-rt"),
        (None, "v1", Dialect.GA, f"{V1}?model=my-rt"),
        (None, "latest", Dialect.GA, f"{V1}?model=my-rt"),
        (None, "Preview", Dialect.GA, f"{V1}?model=my-rt"),
        (None, "2025-08-28", Dialect.BETA, f"{PREVIEW}?api-version=2025-08-28&deployment=my-rt"),
        (
            None,
            "2024-10-01-preview",
            Dialect.BETA,
            f"{PREVIEW}?api-version=2024-10-01-preview&deployment=my-rt",
        ),
        ("GA", "2024-10-01-preview", Dialect.GA, f"{V1}?model=my-rt"),
        ("v1", None, Dialect.GA, f"{V1}?model=my-rt"),
        ("beta", None, Dialect.BETA, f"{PREVIEW}?api-version=2025-04-01-preview&deployment=my-rt"),
        ("BETA", "v1", Dialect.BETA, f"{PREVIEW}?api-version=2025-04-01-preview&deployment=my-rt"),
        ("beta", "2024-12-17", Dialect.BETA, f"{PREVIEW}?api-version=2024-12-17&deployment=my-rt"),
    ],
)
def test_the_stated_protocol_decides_and_else_a_date_means_preview(
    protocol: str | None, api_version: str | None, dialect: Dialect, url: str
) -> None:
    """An api-version on the v1 endpoint is answered with 401, so it is never there."""
    at = deployment(protocol=protocol, api_version=api_version)
    assert (AZURE.dialect(at), shown_url(AZURE, at)) == (dialect, url)


@pytest.mark.parametrize("api_version", ["2024-10-01preview", "2024-10", "newest", "2024-10-01-preview&x=y"])
def test_a_misspelt_version_is_refused_and_not_taken_for_v1(api_version: str) -> None:
    with pytest.raises(ConfigError, match="api_version"):
        AZURE.dialect(deployment(api_version=api_version))


@pytest.mark.parametrize(
    ("api_version", "request_", "url"),
    [
        (None, SessionRequest(intent="transcription"), f"{V1}?intent=transcription"),
        (None, SessionRequest(call_id="rtc_1"), f"{V1}?call_id=rtc_1"),
        (
            "2024-12-17",
            SessionRequest(intent="transcription"),
            f"{PREVIEW}?api-version=2024-12-17&deployment=my-rt&intent=transcription",
        ),
    ],
)
def test_transcription_and_calls_are_asked_for_as_each_endpoint_wants(
    api_version: str | None, request_: SessionRequest, url: str
) -> None:
    assert AZURE.dial(deployment(api_version=api_version), request_).url == url


def test_the_preview_cannot_attach_to_a_call() -> None:
    with pytest.raises(InvalidRequest, match="cannot attach"):
        AZURE.dial(deployment(protocol="beta"), SessionRequest(call_id="rtc_1"))


def test_a_deployment_name_stays_one_value() -> None:
    at = deployment(protocol="beta", model="a&api-version=x#/?é")
    assert AZURE.dial(at, SessionRequest()).url.endswith("&deployment=a%26api-version%3Dx%23%2F%3F%C3%A9")


def test_openais_account_headers_are_not_for_azure() -> None:
    dial = AZURE.dial(deployment(extra={"X-Team": "a", "OpenAI-Beta": "realtime=v1"}), SessionRequest())
    assert dial.headers == {"X-Team": Secret("a")}


async def test_a_key_goes_in_azures_own_header() -> None:
    assert await AZURE.credentials(deployment()) == {"api-key": Secret("azure-test-key")}


async def test_an_explicit_token_wins_over_a_key() -> None:
    """Configurations fill api_key from the environment even where somebody set up a token."""

    async def provider() -> str:
        return "from-the-provider"

    key, fixed = Secret("k-1"), Secret("fixed")
    with_both = Deployment(
        id="d1", model_group="v", model="m", api_key=key, azure_ad_token=fixed, token_provider=provider
    )
    without_provider = Deployment(id="d1", model_group="v", model="m", api_key=key, azure_ad_token=fixed)
    assert await AZURE.credentials(with_both) == {"Authorization": Secret("Bearer from-the-provider")}
    assert await AZURE.credentials(without_provider) == {"Authorization": Secret("Bearer fixed")}


async def test_a_deployment_without_any_credential_says_so() -> None:
    with pytest.raises(CredentialUnavailable, match="neither api_key nor Entra token"):
        await AZURE.credentials(Deployment(id="d1", model_group="v", model="m"))


async def test_a_token_provider_that_fails_makes_the_credential_unavailable() -> None:
    """The reason is kept for the log, and out of the text that a client may see."""

    async def provider() -> str:
        raise OSError("tenant 1234 is unreachable")

    at = Deployment(id="d1", model_group="v", model="m", token_provider=provider)
    with pytest.raises(CredentialUnavailable, match="d1") as refused:
        await AZURE.credentials(at)
    assert "1234" not in str(refused.value)
    assert isinstance(refused.value.__cause__, OSError)


async def test_an_error_of_ours_passes_unchanged() -> None:
    async def provider() -> str:
        raise MissingExtra("azure", "Signing in")

    at = Deployment(id="d1", model_group="v", model="m", token_provider=provider)
    with pytest.raises(MissingExtra):
        await AZURE.credentials(at)
