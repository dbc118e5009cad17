"""What every endpoint of an Azure resource asks for: a token of Entra ID, or one of the resource's keys."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

from realtime_lb.abc import ProviderAdapter
from realtime_lb.deployments import Deployment
from realtime_lb.errors import CredentialUnavailable, RealtimeError
from realtime_lb.errors.bare import bare
from realtime_lb.providers.entra import EntraTokens
from realtime_lb.providers.headers import bearer, credential
from realtime_lb.typing import Secret

__all__ = ["AI_SCOPE", "AzureResource"]

AI_SCOPE = "https://ai.azure.com/.default"
"""Azure: the audience of tokens that its current pages name; also the default of azure-ai-voicelive."""


class AzureResource(ProviderAdapter):
    """Proves who we are to an Azure resource.

    A token wins over ``api_key``, since an environment often has a key that nobody asked for: first
    ``token_provider``, then ``azure_ad_token``, then ``entra``.

    Options: ``azure_scope``, the audience of ``entra`` tokens, for clouds other than the public one.

    Args:
        tokens: Where tokens for ``entra`` come from. Shared by all deployments; `aclose` releases it.
    """

    def __init__(self, tokens: EntraTokens | None = None) -> None:
        self._tokens = tokens or EntraTokens()

    @abstractmethod
    def scope(self, deployment: Deployment) -> str:
        """Return the audience of ``entra`` tokens in the public cloud."""

    async def credentials(self, deployment: Deployment) -> Mapping[str, Secret]:
        try:
            token = await self._token(deployment)
        except RealtimeError:
            raise
        except Exception as error:  # a token comes from foreign code, which may raise anything
            bare(error)
            raise CredentialUnavailable(f"No Entra token for deployment {deployment.id!r}") from error
        if token is not None:
            return bearer(deployment, token)
        if deployment.api_key is None:
            raise CredentialUnavailable(f"Deployment {deployment.id!r} has neither api_key nor Entra token")
        return credential(deployment, "api-key", "", deployment.api_key)

    def forget_credentials(self, deployment: Deployment) -> bool:
        """A token may have been revoked before its time: fetch another. A key stays what it is."""
        if deployment.token_provider is not None:
            return True
        if deployment.azure_ad_token is None and deployment.entra is not None:
            self._tokens.forget(deployment.entra)
            return True
        return False

    async def _token(self, deployment: Deployment) -> Secret | None:
        if deployment.token_provider is not None:
            return Secret(await deployment.token_provider())
        if deployment.azure_ad_token is not None:
            return deployment.azure_ad_token
        if deployment.entra is not None:
            scope = deployment.options.get("azure_scope") or self.scope(deployment)
            return Secret(await self._tokens.token(deployment.entra, str(scope)))
        return None

    async def aclose(self) -> None:
        """Release what is shared between dials. Idempotent."""
        await self._tokens.aclose()
