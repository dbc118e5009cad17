"""Azure Voice Live: Azure's own voice stack behind a session that looks like the Realtime API of 2024."""

from __future__ import annotations

import re
from typing import ClassVar

from realtime_lb.deployments import Deployment
from realtime_lb.errors import InvalidRequest
from realtime_lb.providers.azure_resource import AI_SCOPE, AzureResource
from realtime_lb.providers.base_url import voice_live_root
from realtime_lb.providers.headers import handshake_headers
from realtime_lb.providers.problems import misconfigured
from realtime_lb.providers.query import wants_transcription, with_query
from realtime_lb.providers.quirk_tables import VOICE_LIVE_QUIRKS
from realtime_lb.quirks import Quirks
from realtime_lb.requests import DialRequest, SessionRequest
from realtime_lb.typing import Dialect

__all__ = ["VoiceLive"]

DEFAULT_API_VERSION = "2026-04-10"
"""Voice Live how-to; live recordings of July 2026 used it. azure-ai-voicelive 1.3.1 asks for 2026-07-15."""

_DATED = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")


class VoiceLive(AzureResource):
    """Dials ``/voice-live/realtime`` of a Foundry or Speech resource (Microsoft: Voice Live how-to).

    The query holds ``api-version`` and ``model``, which here is a model of the service's own list and not a
    deployment's name. The event language is beta but for `VOICE_LIVE_QUIRKS`; ``realtime_protocol`` is not
    looked at. Credentials are as for Azure OpenAI (azure-ai-voicelive: ``api-key`` or bearer token).

    Not served: agents (``agent-name`` and ``agent-project-name`` instead of ``model``), calls, and sessions
    for transcription alone, which the endpoint does not document.
    """

    name: ClassVar[str] = "azure_voice_live"

    def dial(self, deployment: Deployment, request: SessionRequest) -> DialRequest:
        if request.call_id is not None or wants_transcription(request):
            raise InvalidRequest(
                "Voice Live serves conversations only: no calls, no transcription sessions",
                hint="ask for a group with OpenAI or Azure OpenAI deployments",
            )
        query = {"api-version": _api_version(deployment), "model": deployment.model}
        url = with_query(voice_live_root(deployment) / "voice-live" / "realtime", query)
        headers = handshake_headers(deployment, request, Dialect.GA)  # without OpenAI's switch for beta
        return DialRequest(url=url, headers=headers, tls=deployment.tls)

    def dialect(self, deployment: Deployment) -> Dialect:  # noqa: ARG002  # it speaks one
        return Dialect.BETA

    def quirks(self, deployment: Deployment) -> Quirks:  # noqa: ARG002  # all deployments share them
        return VOICE_LIVE_QUIRKS

    def scope(self, deployment: Deployment) -> str:  # noqa: ARG002  # one for all
        return AI_SCOPE


def _api_version(deployment: Deployment) -> str:
    version = (deployment.api_version or DEFAULT_API_VERSION).strip().lower()
    if not _DATED.fullmatch(version):
        raise misconfigured(
            deployment,
            "api_version",
            "is not a date (YYYY-MM-DD, perhaps with -preview)",
            f"leave it out for {DEFAULT_API_VERSION}",
        )
    return version
