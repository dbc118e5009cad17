"""All that can be set, as frozen values. A YAML file becomes these; Python code may build them directly."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from typing import TypeAlias

from attrs import field, frozen

from realtime_lb.deployments import Deployment
from realtime_lb.typing import Secret, read_only

__all__ = [
    "AdmissionSettings",
    "HealthSettings",
    "LimitSettings",
    "LoggingSettings",
    "RehomeSettings",
    "RoutingSettings",
    "ServerSettings",
    "Settings",
]

Network: TypeAlias = IPv4Network | IPv6Network

DEFAULT_LOGGED_EVENTS = frozenset({"session.created", "response.create", "response.done"})
"""LiteLLM's default for ``logged_real_time_event_types``."""


@frozen(kw_only=True)
class RoutingSettings:
    """How a deployment is chosen and dialled.

    Attributes:
        strategy: Name of a strategy, such as ``adaptive`` or ``least-busy``.
        group_aliases: Further names of model groups: alias → ``model_name``.
        default_model: The group of requests that name no model.
        fallbacks: Group → groups to try, in order, when none of its deployments accepts a session.
        default_fallbacks: The same for groups that `fallbacks` does not name.
        max_fallbacks: How many of those groups one open may go through.
        tag_filtering: Place a request that carries tags only where one of them is found, and one that carries
            none where ``default`` is found, if it is anywhere in the group.
        tags_match_any: One common tag is enough; otherwise a deployment needs all tags of the request.
        tries: Distinct deployments of a group that one open may dial.
        dial_timeout_s: Limit of one attempt, from connect to first event.
        open_timeout_s: Limit of all attempts together, queueing included. Clients give up at 10 s.
        retry_wait_s: An open that has moved once already waits up to this long before it moves again, up to
            twice as long before the next move, and so on; the wait is drawn evenly from 0.
        retry_after_s: But it waits no less than this.
        retry_share: Dials beyond an open's first move, hedges included, may be this share of all dials under
            way, and three more (Envoy's retry budget).
        hedge: Dial a second deployment, elsewhere, when a dial takes longer than it mostly does there.
        hedge_after_s: When to; None means a tenth more than the 95th percentile of the deployment's recent
            dials, once it has had 20 of them.
        queue_timeout_s: How long an open waits for room in a full group, or for the open that is trying a
            group that is down; 0 does not wait.
        queue_limit: How many opens may wait for room at once.
        warm_max_age_s: A warm connection that nobody has taken is replaced at this age: its session's hour
            is running.
    """

    strategy: str = "adaptive"
    group_aliases: Mapping[str, str] = field(factory=dict, converter=read_only, hash=False)
    default_model: str | None = None
    fallbacks: Mapping[str, tuple[str, ...]] = field(factory=dict, converter=read_only, hash=False)
    default_fallbacks: tuple[str, ...] = ()
    max_fallbacks: int = 5  # LiteLLM's default
    tag_filtering: bool = False
    tags_match_any: bool = True
    tries: int = 3
    dial_timeout_s: float = 5.0
    open_timeout_s: float = 8.0
    retry_wait_s: float = 0.1
    retry_after_s: float = 0.0
    retry_share: float = 0.2
    hedge: bool = True
    hedge_after_s: float | None = None
    queue_timeout_s: float = 1.0
    queue_limit: int = 100
    warm_max_age_s: float = 300.0


@frozen(kw_only=True)
class HealthSettings:
    """When a deployment is left alone, and for how long.

    Attributes:
        enabled: Take failing deployments out of use. False leaves every one eligible, always.
        unreachable_limit: So many dials in a row without an answer eject a deployment.
        failure_limit: So many failures in a row of any kind eject it.
        failure_share: So does this share of failures among the dials of the last `window_s`.
        window_s: How far back that share looks.
        window_least: It needs so many dials to mean anything.
        allowed_fails: More failures within a minute than this eject it, too; None does not count them so.
        ejection_s: How long an ejection lasts, times the number of ejections in a row.
        ejection_max_s: The longest that it may last.
        ejection_jitter: Up to this share of it is added by chance, so that not all come back at once.
        max_ejected_share: No more of a group than this is ejected at once. What should be, beyond that, is
            the last choice instead of none.
        cooldown_s: How long a rate limit holds that names no delay; doubles while they come in a row.
        cooldown_max_s: The longest that it may hold then.
        slow_start_s: How long a deployment that comes back takes to get its whole share of new sessions.
        probe_interval_s: Open a session on every deployment this often, to see who is up; None does not.
    """

    enabled: bool = True
    unreachable_limit: int = 3
    failure_limit: int = 5  # Envoy's consecutive_5xx
    failure_share: float = 0.5
    window_s: float = 30.0
    window_least: int = 10
    allowed_fails: int | None = None
    ejection_s: float = 30.0  # Envoy's base_ejection_time
    ejection_max_s: float = 300.0  # Envoy's max_ejection_time
    ejection_jitter: float = 0.2
    max_ejected_share: float = 0.5
    cooldown_s: float = 5.0  # LiteLLM's cooldown_time
    cooldown_max_s: float = 60.0  # providers count by the minute
    slow_start_s: float = 30.0
    probe_interval_s: float | None = None


@frozen(kw_only=True)
class RehomeSettings:
    """When a live session is moved to another upstream, and what is kept of it for that.

    Attributes:
        enabled: Move sessions whose upstream ends, falls silent or is drained. False keeps nothing of them:
            a session then ends with its upstream.
        to_fallbacks: Move them into the fallbacks of their model group, too, which are perhaps elsewhere in
            the world.
        most_bytes: How much is kept of one session. The oldest sound goes first, its words stay; then the
            oldest items.
        most_items: How many items are kept.
        timeout_s: How long a move may take before the client is told the truth.
        per_minute: How often one session may be moved within a minute.
        margin_s: How long before its end a session is moved, between two turns.
        answer_timeout_s: How long an upstream may leave a client without an answer; one that mostly answers
            faster gets six times as long as it mostly needs, and four seconds at least.
    """

    enabled: bool = True
    to_fallbacks: bool = False
    most_bytes: int = 2 * 1024 * 1024
    most_items: int = 1000
    timeout_s: float = 8.0  # clients give up on a dial at 10
    per_minute: int = 6
    margin_s: float = 180.0
    answer_timeout_s: float = 30.0


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
        message_timeout_s: How long a message may take from its first byte to its last. 15 MiB in 30 s are
            4 Mbit/s.
        client_messages_per_s: How many messages a client may send, on average; a caller's sound is 20 to 50.
            Who sends more is closed with 1008; None counts none.
        client_bytes_per_s: The same of the bytes in them.
        client_burst_s: What a client did not use of both is kept for so long, at least for 2 s, and may come
            at once. So may one message of `max_message_bytes`, however few bytes a second there are.
    """

    max_message_bytes: int = 16 * 1024 * 1024
    heartbeat_s: float = 20.0
    stall_timeout_s: float = 10.0
    close_timeout_s: float = 5.0
    message_timeout_s: float = 30.0
    client_messages_per_s: int | None = None
    client_bytes_per_s: int | None = None
    client_burst_s: float = 10.0


@frozen(kw_only=True)
class LoggingSettings:
    """What is logged.

    Attributes:
        event_types: Types of events to log as they pass, both ways; None means every one.
        redact_content: Log the events' types but not what is in them.
        level: ``debug``, ``info``, ``warning`` or ``error``.
        format: ``console`` or ``json``.
        refusals_per_s: How many refused sessions are logged a second, of each reason; of more, their number.
    """

    event_types: frozenset[str] | None = DEFAULT_LOGGED_EVENTS
    redact_content: bool = False
    level: str = "info"
    format: str = "console"
    refusals_per_s: int = 20  # where all upstreams are down, a line would be a fifth of what a refusal costs


@frozen(kw_only=True)
class ServerSettings:
    """The gateway's door.

    Attributes:
        master_key: What clients must present; None admits everybody but web pages.
        allow_query_key: Accept ``?api-key=``, which ends up in the logs of whatever lies between.
        allowed_origins: Web origins that may open sessions, compared exactly.
        trusted_proxies: Networks whose ``X-Forwarded-For`` is believed.
        admin_host: Where ``realtime-lb serve`` listens for operators.
        admin_port: On which port; 0 does not listen.
        drain_admit_s: How long a gateway that is told to stop still admits sessions, though it says at once
            that it is not ready: whoever sends clients here takes a while to hear of it.
        drain_timeout_s: How long live sessions may go on then, `drain_admit_s` included. Those that are left
            are closed one by one in the last fifth of it.
        config_poll_s: How often `realtime-lb serve` looks whether its file has changed; 0 reads it anew only
            at a SIGHUP.
        head_timeout_s: How long a client may take for a TLS handshake, for the head of a request, and between
            two requests. A limit on all of it together: sending a byte now and then does not help.
    """

    master_key: Secret | None = None
    allow_query_key: bool = False
    allowed_origins: frozenset[str] = frozenset()
    trusted_proxies: tuple[Network, ...] = ()
    admin_host: str = "127.0.0.1"
    admin_port: int = 4001
    drain_admit_s: float = 5.0
    drain_timeout_s: float = 25.0  # Kubernetes kills after 30
    config_poll_s: float = 1.0
    head_timeout_s: float = 15.0


@frozen(kw_only=True)
class AdmissionSettings:
    """How many may come in. Whoever is too much is refused before anybody is dialled, with `Retry-After`.

    Attributes:
        max_sessions: Sessions at once, those that are being placed included. More get a 503. None: as many as
            memory and the limit on open files allow, which `realtime-lb serve` raises as far as it may.
        max_sessions_per_address: Sessions at once from one client address; of IPv6, from one /64. More get a
            429. Behind a proxy, list it in `trusted_proxies`, or all its clients count as one.
        max_opens_per_address: Sessions that one client address may begin within any minute, however short
            they are. More get a 429.
        memory_limit_bytes: What the process may use. Opens get a 503 from 85 % of it on, and
            `/health/readiness` does from 90 % on. None: the limit of its cgroup or its RLIMIT_AS, if any.
    """

    max_sessions: int | None = None
    max_sessions_per_address: int | None = None
    max_opens_per_address: int | None = None
    memory_limit_bytes: int | None = None


@frozen(kw_only=True)
class Settings:
    """Everything.

    Attributes:
        deployments: What sessions can be placed on.
        routing: How a deployment is chosen and dialled.
        health: When a deployment is left alone.
        rehome: When a live session is moved.
        limits: What a connection may cost.
        logging: What is logged.
        server: The gateway's door.
        admission: How many may come in.
    """

    deployments: tuple[Deployment, ...]
    routing: RoutingSettings = RoutingSettings()
    health: HealthSettings = HealthSettings()
    rehome: RehomeSettings = RehomeSettings()
    limits: LimitSettings = LimitSettings()
    logging: LoggingSettings = LoggingSettings()
    server: ServerSettings = ServerSettings()
    admission: AdmissionSettings = AdmissionSettings()
