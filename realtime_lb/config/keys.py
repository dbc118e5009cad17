"""LiteLLM's keys that mean something here: one class per section, one attribute per key.

An attribute's metadata holds what reading and the reference page need: the key's `Kind`, and its meaning.
Every attribute is None where the file gives no usable value.
"""

# ruff: noqa: RUF009  # key() returns an attrs field, which is no default

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import field, frozen

from realtime_lb.config import kinds
from realtime_lb.config.document import Node
from realtime_lb.config.reading import Kind
from realtime_lb.deployments import Tls
from realtime_lb.typing import Secret

__all__ = [
    "Entry",
    "GeneralSettings",
    "LitellmParams",
    "LitellmSettings",
    "ModelInfo",
    "RouterSettings",
    "TopLevel",
]

T = TypeVar("T")


def key(kind: Kind[T], meaning: str, default: str = "") -> Any:  # as attrs' own field()
    """Return an attribute for a key.

    Args:
        kind: What it takes.
        meaning: For the reference page.
        default: What holds where the key is absent, for the reference page.
    """
    return field(default=None, metadata={"kind": kind, "meaning": meaning, "default": default})


_PRICE = "US dollars, for `cost-based-routing`."
_PRICE_TOO = "As in `litellm_params`, which wins."
_ROUTERS_TOO = "As in `router_settings`, which wins."
_USUAL = "what its model usually costs"


@frozen(kw_only=True)
class TopLevel:
    """The file's sections."""

    model_list: Node | None = key(kinds.LIST, "The deployments, one item each.", "required")
    router_settings: Node | None = key(kinds.MAPPING, "LiteLLM's section on routing.")
    litellm_settings: Node | None = key(kinds.MAPPING, "LiteLLM's section on logging and calls.")
    general_settings: Node | None = key(kinds.MAPPING, "LiteLLM's section on the gateway.")
    environment_variables: Node | None = key(
        kinds.MAPPING,
        "Variables that are set before the rest is read, for this file only: the process's own environment "
        "stays as it is. They win over it.",
    )
    realtime_lb: Node | None = key(kinds.MAPPING, "Settings of our own, in sections.")


@frozen(kw_only=True)
class Entry:
    """One item of ``model_list``."""

    model_name: str | None = key(
        kinds.NAME,
        "The model group that clients ask for. Items that share it are balanced. May hold one `*`.",
        "required",
    )
    litellm_params: Node | None = key(kinds.MAPPING, "How to reach it and how to choose it.", "required")
    model_info: Node | None = key(kinds.MAPPING, "What it is.")


@frozen(kw_only=True)
class LitellmParams:
    """How to reach a deployment, and how to choose it."""

    model: str | None = key(
        kinds.NAME,
        "`<provider>/<model>`; for Azure `azure/<deployment name>`, for Azure Voice Live "
        "`azure_voice_live/<model>`, for Grok Voice `xai/<model>`. A bare name that starts with `gpt-` or "
        "holds `realtime` is OpenAI's. A `*` stands for what the `*` of `model_name` matched.",
        "required",
    )
    custom_llm_provider: str | None = key(kinds.NAME, "The provider, instead of a prefix of `model`.")
    api_base: str | None = key(
        kinds.URL,
        "Where it is. An `openai/…` model whose host is not `api.openai.com` (or below it, such as "
        "`eu.api.openai.com`) is served by the provider `openai_compatible`, which keeps a path prefix.",
        "`OPENAI_BASE_URL` or `OPENAI_API_BASE`; `AZURE_API_BASE`; `AZURE_VOICELIVE_ENDPOINT`; "
        "`XAI_API_BASE`, else `https://api.x.ai/v1`",
    )
    base_url: str | None = key(kinds.URL, "LiteLLM's other name for `api_base`, which wins.")
    api_key: Secret | None = key(
        kinds.SECRET,
        "The credential.",
        "`OPENAI_API_KEY`; `AZURE_API_KEY`; `AZURE_VOICELIVE_API_KEY`; `XAI_API_KEY`; none for "
        "`openai_compatible/…`",
    )
    api_version: str | None = key(
        kinds.TEXT,
        "Azure's `api-version`. For `azure/…`, a dated one means the preview protocol.",
        "`AZURE_API_VERSION`; `AZURE_VOICELIVE_API_VERSION`, else `2026-04-10`",
    )
    organization: tuple[str, ...] | None = key(
        kinds.HEADER_TEXTS,
        "Value of `OpenAI-Organization`. A list makes one deployment for each, as in LiteLLM.",
        "`OPENAI_ORGANIZATION` or `OPENAI_ORG_ID`",
    )
    project: str | None = key(kinds.HEADER_TEXT, "Ours: value of `OpenAI-Project`.", "`OPENAI_PROJECT_ID`")
    extra_headers: Mapping[str, Secret] | None = key(kinds.HEADERS, "Sent with the handshake.", "none")
    timeout: float | None = key(
        kinds.SECONDS, "Limit of one dial, from connect to first event.", "`router_settings.timeout`"
    )
    realtime_protocol: str | None = key(
        kinds.PROTOCOL,
        "The event language, in any case; `v1` is GA. Overrides `api_version`. OpenAI, Voice Live and xAI "
        "speak one each, and do not look at it.",
    )
    azure_ad_token: Secret | None = key(kinds.SECRET, "A fixed Entra token.", "`AZURE_AD_TOKEN`")
    tenant_id: str | None = key(
        kinds.TEXT,
        "The Entra directory to get tokens from.",
        "`AZURE_TENANT_ID`, with both of the others",
    )
    client_id: str | None = key(kinds.TEXT, "The Entra application.", "`AZURE_CLIENT_ID`")
    client_secret: Secret | None = key(
        kinds.SECRET, "Its secret; needs `tenant_id` and `client_id`.", "`AZURE_CLIENT_SECRET`"
    )
    use_default_credentials: bool | None = key(
        kinds.BOOLEAN,
        "Ours: take Entra tokens from azure-identity's default chain.",
        "`litellm_settings.enable_azure_ad_token_refresh`",
    )
    weight: float | None = key(kinds.NON_NEGATIVE, "Share of new sessions in its group.", "`rpm`, else `tpm`")
    rpm: int | None = key(kinds.ZERO_OR_MORE, "Requests a minute that the provider grants.")
    tpm: int | None = key(kinds.ZERO_OR_MORE, "Tokens a minute that the provider grants.")
    order: int | None = key(kinds.WHOLE, "Priority tier, lower first.", "after all numbers")
    max_parallel_requests: int | None = key(
        kinds.ZERO_OR_MORE,
        "Live sessions that it may hold at once. Looked at when choosing, which LiteLLM does not.",
        "`router_settings.default_max_parallel_requests`",
    )
    tags: tuple[str, ...] | None = key(
        kinds.TEXTS, "Labels. They count with `router_settings.enable_tag_filtering`.", "none"
    )
    ssl_verify: Tls | None = key(
        kinds.TLS,
        'The boolean `false` trusts anybody who answers; a path names a CA bundle. Text such as `"false"` '
        "is an error.",
        "`litellm_settings.ssl_verify`",
    )
    transcription_model: Mapping[str, str] | None = key(
        kinds.RENAMES,
        "Ours: what the upstream calls transcription models: on Azure, a deployment's name. One name for "
        "all, or a mapping from what clients say, such as `{whisper-1: my-whisper}`, where `*` is any other.",
        "as clients say",
    )
    opaque: bool | None = key(
        kinds.BOOLEAN, "Ours: relay any websocket protocol unread, await no first event.", "`false`"
    )
    warm: int | None = key(
        kinds.ZERO_OR_MORE,
        "Ours: connections to keep open in advance. Each counts as a session, here and upstream.",
        "`0`",
    )
    hedge_after_s: float | None = key(
        kinds.SECONDS,
        "Ours: dial another deployment, too, when a dial takes longer than this.",
        "`realtime_lb.routing.hedge_after_s`",
    )
    input_cost_per_token: float | None = key(kinds.PRICE, _PRICE, _USUAL)
    output_cost_per_token: float | None = key(kinds.PRICE, _PRICE, _USUAL)
    input_cost_per_audio_token: float | None = key(kinds.PRICE, _PRICE, _USUAL)
    output_cost_per_audio_token: float | None = key(kinds.PRICE, _PRICE, _USUAL)
    input_cost_per_second: float | None = key(kinds.PRICE, _PRICE, _USUAL)
    output_cost_per_second: float | None = key(kinds.PRICE, _PRICE, _USUAL)


@frozen(kw_only=True)
class ModelInfo:
    """What a deployment is."""

    id: str | None = key(
        kinds.IDENTIFIER,
        "Unique; names it in logs and metrics.",
        "`<model_name>/<provider>-<model>`, with `-2` and so on where that is taken",
    )
    mode: str | None = key(
        kinds.TEXT,
        "An item of another mode than `realtime` is skipped with a warning.",
        "judged by its model",
    )
    base_model: str | None = key(kinds.TEXT, "The model behind an Azure deployment name, for prices.")
    input_cost_per_token: float | None = key(kinds.PRICE, _PRICE_TOO, _USUAL)
    output_cost_per_token: float | None = key(kinds.PRICE, _PRICE_TOO, _USUAL)
    input_cost_per_audio_token: float | None = key(kinds.PRICE, _PRICE_TOO, _USUAL)
    output_cost_per_audio_token: float | None = key(kinds.PRICE, _PRICE_TOO, _USUAL)
    input_cost_per_second: float | None = key(kinds.PRICE, _PRICE_TOO, _USUAL)
    output_cost_per_second: float | None = key(kinds.PRICE, _PRICE_TOO, _USUAL)


@frozen(kw_only=True)
class RouterSettings:
    """LiteLLM's section on routing."""

    routing_strategy: str | None = key(
        kinds.TEXT,
        "One of LiteLLM's strategies, or ours: `adaptive`, `round-robin`.",
        "`adaptive`",
    )
    num_retries: int | None = key(
        kinds.ZERO_OR_MORE,
        "How many more deployments an open may dial after its first. `realtime_lb.routing.tries`, which "
        "counts the first, too, wins.",
        "`litellm_settings.num_retries`, else 2",
    )
    retry_after: float | None = key(
        kinds.SECONDS_OR_NONE,
        "The least wait before another try; before the first move there is none. An open has 8 s in all.",
        "`0`",
    )
    fallbacks: Node | None = key(
        kinds.FALLBACKS,
        "Groups to try, in order, when nobody of a group accepts the session: `[{group: [group, …]}]`. Each "
        'is followed by its own. The group `"*"` is every other one.',
        "`litellm_settings.fallbacks`",
    )
    default_fallbacks: Node | None = key(
        kinds.TARGETS,
        'The same for all groups that have none. They win over those of `"*"`.',
        "`litellm_settings.default_fallbacks`",
    )
    max_fallbacks: int | None = key(
        kinds.ZERO_OR_MORE,
        "How many of them one open may go through.",
        "`litellm_settings.max_fallbacks`, else 5",
    )
    allowed_fails: int | None = key(
        kinds.ZERO_OR_MORE,
        "More failures within a minute than this take a deployment out of use. It is taken out for "
        "[other reasons](../explanation/choosing.md#health), too. `realtime_lb.health.allowed_fails` wins.",
        "`litellm_settings.allowed_fails`",
    )
    cooldown_time: float | None = key(
        kinds.SECONDS_OR_NONE,
        "How long it is then out of use, and after a rate limit that names no delay: exactly so long each "
        "time. `0` is no value. `realtime_lb.health` has finer settings, which win.",
        "`litellm_settings.cooldown_time`, else as `realtime_lb.health` says",
    )
    disable_cooldowns: bool | None = key(kinds.BOOLEAN, "`true` takes nobody out of use.", "`false`")
    enable_tag_filtering: bool | None = key(
        kinds.BOOLEAN, "Place requests by their header `x-litellm-tags`.", "`false`"
    )
    tag_filtering_match_any: bool | None = key(
        kinds.BOOLEAN, "One common tag is enough; `false`: all tags of the request.", "`true`"
    )
    timeout: float | None = key(
        kinds.SECONDS,
        "Limit of one dial. `realtime_lb.routing.dial_timeout_s` wins.",
        "`litellm_settings.request_timeout`",
    )
    model_group_alias: Node | None = key(
        kinds.MAPPING,
        "Further names of model groups: `alias: model_name`, or `alias: {model: model_name, hidden: …}`.",
        "none",
    )
    default_max_parallel_requests: int | None = key(
        kinds.ZERO_OR_MORE, "Default of `litellm_params.max_parallel_requests`.", "no limit"
    )


@frozen(kw_only=True)
class LitellmSettings:
    """LiteLLM's section on logging and calls."""

    logged_real_time_event_types: frozenset[str] | None = key(
        kinds.EVENT_TYPES,
        'Types of events to log, in both directions; `"*"` means every one.',
        "`session.created`, `response.create`, `response.done`",
    )
    turn_off_message_logging: bool | None = key(
        kinds.BOOLEAN, "Log the events' types but not what is in them.", "`false`"
    )
    json_logs: bool | None = key(
        kinds.BOOLEAN, "`true` logs JSON. `realtime_lb.logging.format` wins.", "`false`"
    )
    request_timeout: float | None = key(
        kinds.SECONDS, "Limit of one dial. `router_settings.timeout` wins.", "5 seconds"
    )
    ssl_verify: Tls | None = key(
        kinds.TLS, "Default of `litellm_params.ssl_verify`.", "`true`: the system's certificates"
    )
    num_retries: int | None = key(kinds.ZERO_OR_MORE, _ROUTERS_TOO)
    fallbacks: Node | None = key(kinds.FALLBACKS, _ROUTERS_TOO)
    default_fallbacks: Node | None = key(kinds.TARGETS, _ROUTERS_TOO)
    max_fallbacks: int | None = key(kinds.ZERO_OR_MORE, _ROUTERS_TOO)
    allowed_fails: int | None = key(kinds.ZERO_OR_MORE, _ROUTERS_TOO)
    cooldown_time: float | None = key(kinds.SECONDS_OR_NONE, _ROUTERS_TOO)
    enable_azure_ad_token_refresh: bool | None = key(
        kinds.BOOLEAN,
        "Azure deployments without a credential take Entra tokens from azure-identity's default chain.",
        "`false`",
    )


@frozen(kw_only=True)
class GeneralSettings:
    """LiteLLM's section on the gateway."""

    master_key: Secret | None = key(
        kinds.MASTER_KEY,
        "What clients must present. Without one, everybody is admitted but web pages.",
        "`LITELLM_MASTER_KEY`",
    )
    background_health_checks: bool | None = key(
        kinds.BOOLEAN,
        "Open a session on every deployment from time to time, to know whether it is up. It costs a session "
        "each time.",
        "`false`",
    )
    health_check_interval: float | None = key(
        kinds.SECONDS, "How often. `realtime_lb.health.probe_interval_s` wins.", "`300`"
    )
