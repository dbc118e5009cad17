"""Azure OpenAI: its v1 endpoint and the preview before it."""

from __future__ import annotations

import re
from typing import ClassVar

from realtime_lb.deployments import Deployment
from realtime_lb.errors import InvalidRequest
from realtime_lb.providers.azure_resource import AI_SCOPE, AzureResource
from realtime_lb.providers.base_url import azure_root
from realtime_lb.providers.headers import handshake_headers
from realtime_lb.providers.problems import misconfigured
from realtime_lb.providers.protocol import stated_dialect
from realtime_lb.providers.query import TRANSCRIPTION, session_query, wants_transcription, with_query
from realtime_lb.requests import DialRequest, SessionRequest
from realtime_lb.typing import Dialect

__all__ = ["Azure"]

DEFAULT_PREVIEW = "2025-04-01-preview"
"""Azure: the one version that its migration guide names for the preview endpoint."""

_DATED = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")
_UNDATED = frozenset({"v1", "latest", "preview"})
"""Azure: API version lifecycle page; what the v1 API may be called with instead of a date."""

_SCOPES = {
    Dialect.GA: AI_SCOPE,
    Dialect.BETA: "https://cognitiveservices.azure.com/.default",
}
"""Azure: the audience that the current pages name, and the one that the preview's pages named."""


class Azure(AzureResource):
    """Dials Azure OpenAI, where ``deployment.model`` is the *deployment name*.

    v1 (GA dialect, Azure: realtime-audio-websockets page): ``/openai/v1/realtime`` with exactly one of
    ``model``, ``call_id`` and ``intent=transcription``; an ``api-version`` there is answered with 401.
    Preview (beta dialect, Azure: preview migration guide): ``/openai/realtime`` with ``api-version`` and
    ``deployment``. ``realtime_protocol`` decides; without it a dated ``api_version`` means preview.

    Credentials are those of `AzureResource`.
    """

    name: ClassVar[str] = "azure"

    def dial(self, deployment: Deployment, request: SessionRequest) -> DialRequest:
        dialect = self.dialect(deployment)
        root = azure_root(deployment)
        if dialect is Dialect.BETA:
            url = with_query(root / "openai" / "realtime", _preview_query(deployment, request))
        else:
            endpoint = root / "openai" / "v1" / "realtime"
            url = with_query(endpoint, session_query(deployment.model, request))
        headers = handshake_headers(deployment, request, dialect)
        return DialRequest(url=url, headers=headers, tls=deployment.tls)

    def dialect(self, deployment: Deployment) -> Dialect:
        stated = stated_dialect(deployment)
        if stated is not None:
            return stated
        return Dialect.BETA if _preview_version(deployment) else Dialect.GA

    def scope(self, deployment: Deployment) -> str:
        return _SCOPES[self.dialect(deployment)]


def _preview_query(deployment: Deployment, request: SessionRequest) -> dict[str, str]:
    if request.call_id is not None:
        raise InvalidRequest(
            "Azure's preview endpoint cannot attach to a call", hint="use a deployment on the v1 endpoint"
        )
    query = {
        "api-version": _preview_version(deployment) or DEFAULT_PREVIEW,
        "deployment": deployment.model,
    }
    return {**query, "intent": TRANSCRIPTION} if wants_transcription(request) else query


def _preview_version(deployment: Deployment) -> str | None:
    """Return the dated ``api_version``, or None where it names the v1 API or nothing."""
    version = (deployment.api_version or "").strip().lower()
    if not version or version in _UNDATED:
        return None
    if not _DATED.fullmatch(version):
        raise misconfigured(
            deployment,
            "api_version",
            "is neither a date (YYYY-MM-DD, perhaps with -preview) nor 'v1'",
            "leave it out for the v1 endpoint",
        )
    return version
