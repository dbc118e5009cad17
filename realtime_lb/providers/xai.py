"""xAI's Grok Voice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from realtime_lb.abc import ProviderAdapter
from realtime_lb.deployments import Deployment
from realtime_lb.errors import CredentialUnavailable, InvalidRequest
from realtime_lb.providers.base_url import read_base, v1_endpoint
from realtime_lb.providers.headers import bearer, handshake_headers
from realtime_lb.providers.query import wants_transcription, with_query
from realtime_lb.providers.quirk_tables import XAI_QUIRKS
from realtime_lb.quirks import Quirks
from realtime_lb.requests import DialRequest, SessionRequest
from realtime_lb.typing import Dialect, Secret

__all__ = ["XAI"]


class XAI(ProviderAdapter):
    """Dials ``wss://api.x.ai/v1/realtime`` with ``model`` and a bearer key (xAI: Voice Agent API).

    The model is always sent: without one the server takes a default and says nothing (pydantic-ai, live).
    ``call_id`` comes beside it. Transcription has an endpoint and a protocol of its own there (``/v1/stt``),
    so it cannot be served. The event language is GA but for `XAI_QUIRKS`; ``realtime_protocol`` is not looked
    at, and OpenAI's account headers are not sent.

    Not served: ``conversation_id`` (resumption) and ``reasoning.effort`` in the URL.
    """

    name: ClassVar[str] = "xai"
    default_base: ClassVar[str] = "https://api.x.ai/v1"

    def dial(self, deployment: Deployment, request: SessionRequest) -> DialRequest:
        if wants_transcription(request):
            raise InvalidRequest(
                "xAI has no transcription sessions", hint="ask for a group with OpenAI or Azure deployments"
            )
        query = {"model": deployment.model}
        if request.call_id is not None:
            query["call_id"] = request.call_id
        url = with_query(v1_endpoint(read_base(deployment, self.default_base)), query)
        headers = handshake_headers(deployment, request, self.dialect(deployment))
        return DialRequest(url=url, headers=headers, tls=deployment.tls)

    def dialect(self, deployment: Deployment) -> Dialect:  # noqa: ARG002  # it speaks one
        return Dialect.GA

    def quirks(self, deployment: Deployment) -> Quirks:  # noqa: ARG002  # all deployments share them
        return XAI_QUIRKS

    async def credentials(self, deployment: Deployment) -> Mapping[str, Secret]:
        if deployment.api_key is None:
            raise CredentialUnavailable(f"Deployment {deployment.id!r} has no api_key")
        return bearer(deployment, deployment.api_key)
