"""All that can be set, as frozen values. A YAML file becomes these; Python code may build them directly."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from typing import TypeAlias

from attrs import field, frozen

from realtime_lb.deployments import Deployment
from realtime_lb.typing import Secret, read_only

__all__ = ["LimitSettings", "LoggingSettings", "RoutingSettings", "ServerSettings", "Settings"]

Network: TypeAlias = IPv4Network | IPv6Network

DEFAULT_LOGGED_EVENTS = frozenset({"session.created", "response.create", "response.done"})
"""LiteLLM's default for ``logged_real_time_event_types``."""


@frozen(kw_only=True)
class RoutingSettings:
    """How a deployment is chosen and dialled.

    Attributes:
        strategy: Name of a strategy: ``simple-shuffle`` or ``least-busy``.
        group_aliases: Further names of model groups: alias → ``model_name``.
        default_model: The group of requests that name no model.
        tries: Distinct deployments that one open may dial.
        dial_timeout_s: Limit of one attempt, from connect to first event.
        open_timeout_s: Limit of all attempts together. Clients give up at 10 s.
    """

    strategy: str = "simple-shuffle"  # LiteLLM's default
    group_aliases: Mapping[str, str] = field(factory=dict, converter=read_only, hash=False)
    default_model: str | None = None
    tries: int = 3
    dial_timeout_s: float = 5.0
    open_timeout_s: float = 8.0


@frozen(kw_only=True)
class LimitSettings:
    """What a connection may cost.

    Attributes:
        max_message_bytes: Largest message either way. An ``input_audio_buffer.append`` may hold 15 MiB.
        heartbeat_s: A ping goes out after this much silence; half of it later without an answer the peer is
            dead (20 s: dead at 30 s).
        stall_timeout_s: How long a peer may take nothing before its session ends. Below the 20 s that
            websocket peers commonly wait for a pong, which a paused leg cannot send.
        close_timeout_s: How long a closing handshake may take before the socket is aborted.
    """

    max_message_bytes: int = 16 * 1024 * 1024
    heartbeat_s: float = 20.0
    stall_timeout_s: float = 10.0
    close_timeout_s: float = 5.0


@frozen(kw_only=True)
class LoggingSettings:
    """What is logged.

    Attributes:
        event_types: Types of events to log as they pass, both ways; None means every one.
        redact_content: Log the events' types but not what is in them.
        level: ``debug``, ``info``, ``warning`` or ``error``.
        format: ``console`` or ``json``.
    """

    event_types: frozenset[str] | None = DEFAULT_LOGGED_EVENTS
    redact_content: bool = False
    level: str = "info"
    format: str = "console"


@frozen(kw_only=True)
class ServerSettings:
    """The gateway's door.

    Attributes:
        master_key: What clients must present; None admits everybody but web pages.
        allow_query_key: Accept ``?api-key=``, which ends up in the logs of whatever lies between.
        allowed_origins: Web origins that may open sessions, compared exactly.
        trusted_proxies: Networks whose ``X-Forwarded-For`` is believed.
    """

    master_key: Secret | None = None
    allow_query_key: bool = False
    allowed_origins: frozenset[str] = frozenset()
    trusted_proxies: tuple[Network, ...] = ()


@frozen(kw_only=True)
class Settings:
    """Everything.

    Attributes:
        deployments: What sessions can be placed on.
        routing: How a deployment is chosen and dialled.
        limits: What a connection may cost.
        logging: What is logged.
        server: The gateway's door.
    """

    deployments: tuple[Deployment, ...]
    routing: RoutingSettings = RoutingSettings()
    limits: LimitSettings = LimitSettings()
    logging: LoggingSettings = LoggingSettings()
    server: ServerSettings = ServerSettings()
