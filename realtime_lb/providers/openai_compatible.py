"""Servers that speak OpenAI's protocol: LiteLLM, LocalAI, DashScope and others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from realtime_lb.deployments import Deployment
from realtime_lb.providers.headers import BETA_SWITCH
from realtime_lb.providers.openai import OpenAI
from realtime_lb.providers.protocol import stated_dialect
from realtime_lb.providers.query import TRANSCRIPTION, wants_transcription
from realtime_lb.requests import DialRequest, SessionRequest
from realtime_lb.typing import Dialect, Secret

__all__ = ["OpenAICompatible"]


class OpenAICompatible(OpenAI):
    """Dials the ``/v1/realtime`` of any server that ``api_base`` names; its path prefix is kept.

    Unlike OpenAI, ``model`` is always sent, since gateways route by it, and ``intent`` or ``call_id`` come
    beside it (xAI documents ``call_id`` so). A deployment without ``api_key`` sends no ``Authorization``.
    ``realtime_protocol: beta`` is for servers that speak the flat dialect of 2024; they are told so with
    ``OpenAI-Beta: realtime=v1``, as every client of that time did.
    """

    name: ClassVar[str] = "openai_compatible"
    default_base: ClassVar[str | None] = None

    def dial(self, deployment: Deployment, request: SessionRequest) -> DialRequest:
        dial = super().dial(deployment, request)
        named = {name.lower() for name in dial.headers}
        if self.dialect(deployment) is Dialect.GA or BETA_SWITCH.lower() in named:
            return dial
        return dial.with_headers({BETA_SWITCH: "realtime=v1"})

    def query(self, deployment: Deployment, request: SessionRequest) -> Mapping[str, str]:
        query = {"model": deployment.model}
        if wants_transcription(request):
            query["intent"] = TRANSCRIPTION
        if request.call_id is not None:
            query["call_id"] = request.call_id
        return query

    def dialect(self, deployment: Deployment) -> Dialect:
        return stated_dialect(deployment) or Dialect.GA

    async def credentials(self, deployment: Deployment) -> Mapping[str, Secret]:
        return await super().credentials(deployment) if deployment.api_key else {}
