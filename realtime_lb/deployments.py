"""What a session can be placed on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from attrs import evolve, field, frozen
from attrs.validators import instance_of

from realtime_lb.typing import Secret, read_only

__all__ = ["Deployment", "EntraId", "ModelGroup", "Tls", "TokenProvider", "serves_as"]

TokenProvider: TypeAlias = Callable[[], Awaitable[str]]
"""Returns a fresh bearer token, such as azure-identity's ``get_bearer_token_provider`` does."""


@frozen(kw_only=True)
class Tls:
    """How the upstream's certificate is checked.

    Attributes:
        verify: False trusts anybody who answers; the gateway warns of it at every start. It has to be said in
            so many words: what is merely falsy is refused.
        ca_file: A bundle of PEM certificates to trust instead of the system's.
    """

    verify: bool = field(default=True, validator=instance_of(bool))
    ca_file: Path | None = None


@frozen(kw_only=True)
class EntraId:
    """An Entra application that may use an Azure deployment (extra ``azure``).

    Attributes:
        tenant_id: The directory; None together with the others means azure-identity's default chain.
        client_id: The application.
        client_secret: Its secret.
    """

    tenant_id: str | None = None
    client_id: str | None = None
    client_secret: Secret | None = None


@frozen(kw_only=True)
class Deployment:
    """One endpoint + credential + model: the thing that is picked.

    Attributes:
        id: Unique in the configuration; names the deployment in logs, answers and metrics.
        model_group: The ``model_name`` that clients ask for. May hold ``*``.
        provider: The `ProviderAdapter` that reaches it: ``openai``, ``azure``, ``openai_compatible``,
            ``azure_voice_live``, ``xai`` or the name of an installed entry point.
        model: What the upstream calls it: OpenAI's model, or Azure's *deployment name*. May hold ``*``,
            which stands for what the ``*`` of ``model_group`` matched.
        api_base: Where it is, in any form that its provider documents; None means the provider's default.
        api_key: The credential, unless a token is used.
        token_provider: Async callable that returns an Entra token; asked at every dial.
        azure_ad_token: A fixed Entra token.
        entra: An Entra application to get tokens for.
        api_version: Azure's ``api-version``. A dated one means the preview protocol.
        realtime_protocol: ``GA`` or ``beta``; overrides what ``api_version`` says.
        organization: Value of ``OpenAI-Organization``.
        project: Value of ``OpenAI-Project``.
        extra_headers: Sent with the handshake. Secret, since people keep gateway keys in them.
        weight: Share of new sessions relative to others of the group.
        rpm: Requests a minute that the provider grants.
        tpm: Tokens a minute that the provider grants.
        order: Priority tier, lower first; None comes after all numbers.
        max_sessions: Live sessions it may hold at once; None is no limit.
        tags: Labels.
        transcription_models: What a client calls a transcription model → what the upstream calls it: on
            Azure, a deployment's name. ``*`` stands for all others.
        base_model: The model behind an Azure deployment name, for prices.
        dial_timeout_s: Limit of one attempt, overriding the router's.
        hedge_after_s: Hedge a dial after this long, overriding the router's.
        warm: Connections to keep open in advance. Each holds a lease, and costs a session upstream.
        prices: What it charges where that is not what `base_model` or `model` usually costs: LiteLLM's names,
            such as ``input_cost_per_audio_token``, in US dollars.
        opaque: Relay any websocket protocol unread and do not wait for a first event.
        tls: How its certificate is checked.
        options: Keys that only its provider knows.
    """

    id: str
    model_group: str
    model: str
    provider: str = "openai"
    api_base: str | None = None
    api_key: Secret | None = None
    token_provider: TokenProvider | None = field(default=None, repr=False)
    azure_ad_token: Secret | None = None
    entra: EntraId | None = None
    api_version: str | None = None
    realtime_protocol: str | None = None
    organization: str | None = None
    project: str | None = None
    extra_headers: Mapping[str, Secret] = field(factory=dict, converter=read_only, hash=False)
    weight: float | None = None
    rpm: int | None = None
    tpm: int | None = None
    order: int | None = None
    max_sessions: int | None = None
    tags: tuple[str, ...] = ()
    transcription_models: Mapping[str, str] = field(factory=dict, converter=read_only, hash=False)
    base_model: str | None = None
    dial_timeout_s: float | None = None
    hedge_after_s: float | None = None
    warm: int = 0
    prices: Mapping[str, float] = field(factory=dict, converter=read_only, hash=False)
    opaque: bool = False
    tls: Tls = Tls()
    options: Mapping[str, Any] = field(factory=dict, converter=read_only, hash=False)


_STEERING = (
    "weight",
    "rpm",
    "tpm",
    "order",
    "max_sessions",
    "tags",
    "base_model",
    "dial_timeout_s",
    "hedge_after_s",
    "warm",
    "prices",
)
"""What steers choices and dials, and is nothing to a session that is there already."""


def serves_as(new: Deployment, old: Deployment) -> bool:
    """Say whether a session on *old* is where *new* would have it: only what steers choices may differ.

    Args:
        new: A deployment of the configuration. If it is a wildcard's, it is taken to be any of its models.
        old: What has taken the session, its model filled in.
    """
    if new is old:
        return True
    names = (*_STEERING, "model") if "*" in new.model else _STEERING
    return evolve(old, **{name: getattr(new, name) for name in names}) == new


@frozen
class ModelGroup:
    """The deployments that share a ``model_name``.

    Attributes:
        name: That name.
        deployments: Its members, in the order of the configuration.
    """

    name: str
    deployments: tuple[Deployment, ...]
