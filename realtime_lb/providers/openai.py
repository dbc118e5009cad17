"""OpenAI's own endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from realtime_lb.abc import ProviderAdapter
from realtime_lb.deployments import Deployment
from realtime_lb.errors import CredentialUnavailable
from realtime_lb.providers.base_url import read_base, v1_endpoint
from realtime_lb.providers.headers import account_headers, bearer, handshake_headers
from realtime_lb.providers.query import session_query, with_query
from realtime_lb.requests import DialRequest, SessionRequest
from realtime_lb.typing import Dialect, Secret

__all__ = ["OpenAI"]


class OpenAI(ProviderAdapter):
    """Dials ``wss://api.openai.com/v1/realtime``, in the GA dialect.

    ``api_base`` may name another host with the same layout, such as ``https://eu.api.openai.com/v1`` or a
    gateway under a prefix. The query holds exactly one of ``model``, ``call_id`` and ``intent=transcription``
    (OpenAI: connect reference; openai-python builds it so). ``realtime_protocol`` is not looked at: OpenAI
    switched the beta dialect off in May 2026.
    """

    name: ClassVar[str] = "openai"
    default_base: ClassVar[str | None] = "https://api.openai.com/v1"

    def dial(self, deployment: Deployment, request: SessionRequest) -> DialRequest:
        endpoint = v1_endpoint(read_base(deployment, self.default_base))
        headers = handshake_headers(deployment, request, self.dialect(deployment))
        return DialRequest(
            url=with_query(endpoint, self.query(deployment, request)), headers=headers, tls=deployment.tls
        ).with_headers(account_headers(deployment))

    def query(self, deployment: Deployment, request: SessionRequest) -> Mapping[str, str]:
        """Return the URL's parameters. Raises ``InvalidRequest`` for what the upstream cannot serve."""
        return session_query(deployment.model, request)

    def dialect(self, deployment: Deployment) -> Dialect:  # noqa: ARG002  # there is only one left
        return Dialect.GA

    async def credentials(self, deployment: Deployment) -> Mapping[str, Secret]:
        if deployment.api_key is None:
            raise CredentialUnavailable(f"Deployment {deployment.id!r} has no api_key")
        return bearer(deployment, deployment.api_key)
