"""Load balancing for OpenAI Realtime voice sessions over OpenAI and Azure OpenAI deployments.

Three ways in, one router under all of them::

    async with realtime_lb.RealtimeRouter.from_config("config.yaml") as router:
        async with router.connect("gpt-realtime") as session:              # 1. inside an app
            await session.send({"type": "response.create"})
            async for event in session: ...
        app.router.add_get("/v1/realtime", realtime_lb.server.realtime_handler(router))  # 2. a route

and ``realtime-lb serve --config config.yaml`` as a gateway.
"""

from realtime_lb import abc, errors, records, server
from realtime_lb.abc import (
    Authenticator,
    Candidate,
    Connection,
    EventSink,
    Pick,
    ProviderAdapter,
    Strategy,
    Transport,
)
from realtime_lb.config import load_config
from realtime_lb.deployments import Deployment, EntraId, Tls
from realtime_lb.errors import ConfigError, RealtimeError, RequestRefused, SessionEnded, UpstreamError
from realtime_lb.library import RealtimeSession
from realtime_lb.requests import DialRequest, Principal, SessionRequest
from realtime_lb.router import RealtimeRouter
from realtime_lb.settings import (
    AdmissionSettings,
    HealthSettings,
    LimitSettings,
    LoggingSettings,
    RehomeSettings,
    RoutingSettings,
    ServerSettings,
    Settings,
)
from realtime_lb.sinks import LogSink
from realtime_lb.typing import Dialect, Secret

__all__ = [
    "AdmissionSettings",
    "Authenticator",
    "Candidate",
    "ConfigError",
    "Connection",
    "Deployment",
    "DialRequest",
    "Dialect",
    "EntraId",
    "EventSink",
    "HealthSettings",
    "LimitSettings",
    "LogSink",
    "LoggingSettings",
    "Pick",
    "Principal",
    "ProviderAdapter",
    "RealtimeError",
    "RealtimeRouter",
    "RealtimeSession",
    "RehomeSettings",
    "RequestRefused",
    "RoutingSettings",
    "Secret",
    "ServerSettings",
    "SessionEnded",
    "SessionRequest",
    "Settings",
    "Strategy",
    "Tls",
    "Transport",
    "UpstreamError",
    "abc",
    "errors",
    "load_config",
    "records",
    "server",
]
