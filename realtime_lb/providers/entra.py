"""Entra tokens, got with azure-identity (extra ``azure``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from attrs import define, field

from realtime_lb.deployments import EntraId, TokenProvider
from realtime_lb.errors import MissingExtra

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

__all__ = ["EntraTokens", "open_credential"]

CredentialFactory: TypeAlias = "Callable[[EntraId], AsyncTokenCredential]"


def open_credential(entra: EntraId) -> AsyncTokenCredential:
    """Return azure-identity's credential for *entra*; nothing is asked of the network yet.

    With a ``client_secret`` it is that application; without one it is the default chain (environment,
    workload identity, managed identity, ``az login``), where ``client_id`` names the identity to take.

    Raises:
        MissingExtra: azure-identity is not installed.
        ValueError: A ``client_secret`` without ``tenant_id`` and ``client_id``.
    """
    try:
        from azure.identity.aio import ClientSecretCredential, DefaultAzureCredential
    except ImportError as error:
        raise MissingExtra("azure", "Signing in with Entra ID") from error
    if entra.client_secret is not None:
        if not (entra.tenant_id and entra.client_id):
            raise ValueError("client_secret needs tenant_id and client_id beside it")
        return ClientSecretCredential(entra.tenant_id, entra.client_id, entra.client_secret.reveal())
    if entra.client_id:
        return DefaultAzureCredential(
            managed_identity_client_id=entra.client_id, workload_identity_client_id=entra.client_id
        )
    return DefaultAzureCredential()


@define
class EntraTokens:
    """Tokens of any number of applications, one credential for each.

    A token is kept until shortly before it expires and then fetched anew, once for all who wait for it.
    Deployments with equal `EntraId` share a credential.

    Attributes:
        open_credential: Makes the credential of an application.
    """

    open_credential: CredentialFactory = open_credential
    _credentials: dict[EntraId, AsyncTokenCredential] = field(factory=dict, init=False)
    _providers: dict[tuple[EntraId, str], TokenProvider] = field(factory=dict, init=False)
    _retired: list[AsyncTokenCredential] = field(factory=list, init=False)

    async def token(self, entra: EntraId, scope: str) -> str:
        """Return a token of *entra* for *scope* that is valid now.

        Raises:
            MissingExtra: azure-identity is not installed.
            Exception: Whatever azure-identity raises where there is no token to be had.
        """
        if entra not in self._credentials:
            self._credentials[entra] = self.open_credential(entra)
        if (entra, scope) not in self._providers:
            from azure.identity.aio import get_bearer_token_provider

            provider = get_bearer_token_provider(self._credentials[entra], scope)
            self._providers[entra, scope] = provider
        return await self._providers[entra, scope]()

    def forget(self, entra: EntraId) -> None:
        """Drop *entra*'s tokens: the next one is fetched.

        Its credential goes with them, since azure-identity keeps tokens there, too. It is closed by `aclose`:
        somebody may be waiting for it at this moment.
        """
        for key in [key for key in self._providers if key[0] == entra]:
            del self._providers[key]
        if (credential := self._credentials.pop(entra, None)) is not None:
            self._retired.append(credential)

    async def aclose(self) -> None:
        """Close every credential. Idempotent; a token asked for later opens a new one."""
        self._providers.clear()
        self._retired += self._credentials.values()
        self._credentials.clear()
        while self._retired:
            await self._retired.pop().close()
