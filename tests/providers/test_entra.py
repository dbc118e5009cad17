"""Entra tokens: one credential for each application, kept and closed."""

import asyncio
import sys
from typing import Any, Self

import pytest
from azure.core.credentials import AccessToken
from azure.identity.aio import ClientSecretCredential, DefaultAzureCredential

from realtime_lb.deployments import Deployment, EntraId
from realtime_lb.errors import CredentialUnavailable, MissingExtra
from realtime_lb.providers import Azure
from realtime_lb.providers.entra import EntraTokens, open_credential
from realtime_lb.typing import Secret

APPLICATION = EntraId(tenant_id="t", client_id="c", client_secret=Secret("s-1"))
SAME_APPLICATION = EntraId(tenant_id="t", client_id="c", client_secret=Secret("s-1"))
FAR_FUTURE_S = 4_000_000_000


class FakeCredential:
    """Issues numbered tokens that do not expire."""

    def __init__(self) -> None:
        self.scopes: list[str] = []
        self.closed = 0

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.scopes += scopes
        await asyncio.sleep(0)  # as a network would, let others in
        return AccessToken(f"token-{len(self.scopes)}", FAR_FUTURE_S)

    async def close(self) -> None:
        self.closed += 1

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class Directory:
    """Hands out fake credentials and remembers them."""

    def __init__(self) -> None:
        self.opened: list[FakeCredential] = []

    def __call__(self, _entra: EntraId) -> FakeCredential:
        self.opened.append(FakeCredential())
        return self.opened[-1]


def azure(entra: EntraId, **more: Any) -> Deployment:
    return Deployment(id="d1", model_group="v", model="m", provider="azure", entra=entra, **more)


async def test_a_token_is_asked_for_once_and_shared() -> None:
    """Every dial asks; the directory must not be on the way of each."""
    directory = Directory()
    adapter = Azure(EntraTokens(directory))
    dialled = [await adapter.credentials(azure(entra)) for entra in (APPLICATION, SAME_APPLICATION)]
    assert dialled == [{"Authorization": Secret("Bearer token-1")}] * 2
    assert len(directory.opened) == 1


async def test_dials_that_wait_together_share_one_request() -> None:
    directory = Directory()
    adapter = Azure(EntraTokens(directory))
    await asyncio.gather(*(adapter.credentials(azure(APPLICATION)) for _ in range(5)))
    assert len(directory.opened[0].scopes) == 1


async def test_another_application_has_a_credential_of_its_own() -> None:
    directory = Directory()
    adapter = Azure(EntraTokens(directory))
    await adapter.credentials(azure(APPLICATION))
    await adapter.credentials(azure(EntraId(client_id="other")))
    assert len(directory.opened) == 2


@pytest.mark.parametrize(
    ("more", "scope"),
    [
        ({}, "https://ai.azure.com/.default"),
        ({"realtime_protocol": "beta"}, "https://cognitiveservices.azure.com/.default"),
        (
            {"options": {"azure_scope": "https://ai.azure.us/.default"}},
            "https://ai.azure.us/.default",
        ),
    ],
)
async def test_each_endpoint_has_its_audience(more: dict[str, Any], scope: str) -> None:
    directory = Directory()
    await Azure(EntraTokens(directory)).credentials(azure(APPLICATION, **more))
    assert directory.opened[0].scopes == [scope]


async def test_closing_releases_every_credential_once() -> None:
    directory = Directory()
    adapter = Azure(EntraTokens(directory))
    await adapter.credentials(azure(APPLICATION))
    await adapter.aclose()
    await adapter.aclose()
    assert directory.opened[0].closed == 1
    await adapter.credentials(azure(APPLICATION))
    assert [len(credential.scopes) for credential in directory.opened] == [1, 1]


async def test_an_application_with_a_secret_signs_in_as_itself() -> None:
    credential = open_credential(APPLICATION)
    assert isinstance(credential, ClientSecretCredential)
    await credential.close()


@pytest.mark.parametrize("entra", [EntraId(), EntraId(client_id="managed")])
async def test_without_a_secret_the_default_chain_is_asked(entra: EntraId) -> None:
    credential = open_credential(entra)
    assert isinstance(credential, DefaultAzureCredential)
    await credential.close()


async def test_a_secret_without_its_application_makes_the_credential_unavailable() -> None:
    with pytest.raises(CredentialUnavailable):
        await Azure().credentials(azure(EntraId(client_secret=Secret("s-1"))))


async def test_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """azure-identity is an extra; who needs it is told what to install."""
    monkeypatch.setitem(sys.modules, "azure.identity.aio", None)
    with pytest.raises(MissingExtra, match=r"realtime-lb\[azure\]"):
        await Azure().credentials(azure(APPLICATION))
