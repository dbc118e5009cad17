"""What a deployment proves itself with, where it is, and what the environment adds to its item.

The environment's defaults are those of LiteLLM and of OpenAI's SDK. They fill in only what an item
leaves out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias
from urllib.parse import urlsplit

from attrs import evolve, frozen

from realtime_lb.config import kinds
from realtime_lb.config.document import Node
from realtime_lb.config.findings import Place
from realtime_lb.config.keys import LitellmParams
from realtime_lb.config.models import is_openai_host
from realtime_lb.config.reading import Reading
from realtime_lb.deployments import EntraId

__all__ = ["Upstream", "upstream_of"]


@frozen(kw_only=True)
class Upstream:
    """Where a deployment is and what it proves itself with.

    Attributes:
        provider: The adapter's name; may differ from the file's, see `upstream_of`.
        params: The item's keys, completed from the environment.
        entra: The application to get tokens for, or None.
    """

    provider: str
    params: LitellmParams
    entra: EntraId | None = None


Complete: TypeAlias = Callable[[LitellmParams, Node, Reading, bool], Upstream]


def upstream_of(
    provider: str, params: LitellmParams, node: Node, reading: Reading, *, default_chain: bool
) -> Upstream:
    """Complete *params* for *provider* and note what is missing.

    Args:
        provider: As the file names it. ``openai`` on a host that is not OpenAI's becomes
            ``openai_compatible``.
        params: What the item gives, free of errors.
        node: The item's ``litellm_params``, for the place of messages.
        reading: Gives the environment; takes what is wrong.
        default_chain: Whether Azure deployments without a credential use azure-identity's default chain.
    """
    with_base = evolve(params, api_base=params.api_base or params.base_url)
    complete = _COMPLETE.get(provider)
    if complete is None:
        return Upstream(provider=provider, params=with_base, entra=_entra(with_base, node, reading))
    return complete(with_base, node, reading, default_chain)


def _openai(params: LitellmParams, node: Node, reading: Reading, _: bool) -> Upstream:  # noqa: FBT001  # called through a table
    text, secret = kinds.HEADER_TEXT, kinds.SECRET
    organization = reading.default(text, node, "OPENAI_ORGANIZATION", "OPENAI_ORG_ID")
    base = params.api_base or reading.default(kinds.URL, node, "OPENAI_BASE_URL", "OPENAI_API_BASE")
    provider = "openai" if base is None or is_openai_host(base) else "openai_compatible"
    if (
        params.api_key is None
        and params.api_base
        and provider != "openai"
        and "OPENAI_API_KEY" in reading.environ
    ):
        _warn_of_foreign_key(node, reading)
    completed = evolve(
        params,
        api_base=base,
        api_key=params.api_key or reading.default(secret, node, "OPENAI_API_KEY"),
        organization=params.organization or ((organization,) if organization else None),
        project=params.project or reading.default(text, node, "OPENAI_PROJECT_ID"),
    )
    if completed.api_key is None and provider == "openai" and not reading.environ.get("OPENAI_API_KEY"):
        reading.findings.error(
            _below(node, "api_key"),
            "is missing, and OPENAI_API_KEY is not set",
            "set litellm_params.api_key or OPENAI_API_KEY; model_info.mode: chat skips a chat model",
        )
    return Upstream(provider=provider, params=completed)


def _warn_of_foreign_key(node: Node, reading: Reading, vendor: str = "OpenAI") -> None:
    reading.findings.warn(
        _below(node, "api_base"),
        f"this host is not {vendor}'s, and is sent {vendor.upper()}_API_KEY, as in LiteLLM",
        f"set api_key, or write openai_compatible/<model>, which takes nothing from {vendor}'s variables",
    )


def _openai_compatible(params: LitellmParams, node: Node, reading: Reading, _: bool) -> Upstream:  # noqa: FBT001  # called through a table
    if params.api_base is None:
        hint = "give the server's URL, up to and including any path before /realtime"
        reading.findings.error(_below(node, "api_base"), "is missing", hint)
    return Upstream(provider="openai_compatible", params=params)


def _xai(params: LitellmParams, node: Node, reading: Reading, _: bool) -> Upstream:  # noqa: FBT001  # called through a table
    base = params.api_base or reading.default(kinds.URL, node, "XAI_API_BASE")
    key = params.api_key or reading.default(kinds.SECRET, node, "XAI_API_KEY")
    if key is None and not reading.environ.get("XAI_API_KEY"):
        hint = "set litellm_params.api_key or XAI_API_KEY"
        reading.findings.error(_below(node, "api_key"), "is missing, and XAI_API_KEY is not set", hint)
    if (
        params.api_base
        and params.api_key is None
        and key
        and urlsplit(params.api_base).hostname != "api.x.ai"
    ):
        _warn_of_foreign_key(node, reading, "xAI")
    return Upstream(provider="xai", params=evolve(params, api_base=base, api_key=key))


def _azure(params: LitellmParams, node: Node, reading: Reading, default_chain: bool) -> Upstream:  # noqa: FBT001  # called through a table
    return _azure_resource(_AZURE_OPENAI, params, node, reading, default_chain=default_chain)


def _azure_voice_live(params: LitellmParams, node: Node, reading: Reading, default_chain: bool) -> Upstream:  # noqa: FBT001  # called through a table
    return _azure_resource(_VOICE_LIVE, params, node, reading, default_chain=default_chain)


@frozen(kw_only=True)
class _AzureVariables:
    """What the environment calls one of Azure's services.

    Attributes:
        provider: The adapter.
        base: The variable of its address.
        example: What that looks like.
        version: The variable of its ``api-version``.
        keys: The variables of its key, the first that is set counts.
    """

    provider: str
    base: str
    example: str
    version: str
    keys: tuple[str, ...]


_AZURE_OPENAI = _AzureVariables(
    provider="azure",
    base="AZURE_API_BASE",
    example="https://<resource>.openai.azure.com",
    version="AZURE_API_VERSION",
    keys=("AZURE_API_KEY", "AZURE_OPENAI_API_KEY"),
)
_VOICE_LIVE = _AzureVariables(
    provider="azure_voice_live",
    base="AZURE_VOICELIVE_ENDPOINT",
    example="https://<resource>.services.ai.azure.com",
    version="AZURE_VOICELIVE_API_VERSION",
    keys=("AZURE_VOICELIVE_API_KEY",),
)
"""The names in the samples of azure-ai-voicelive. The resource is another than Azure OpenAI's, and so is its
key: those variables are not looked at."""


def _azure_resource(
    named: _AzureVariables, params: LitellmParams, node: Node, reading: Reading, *, default_chain: bool
) -> Upstream:
    completed = evolve(
        params,
        api_base=params.api_base or reading.default(kinds.URL, node, named.base),
        api_version=params.api_version or reading.default(kinds.TEXT, node, named.version),
    )
    if completed.api_base is None and not reading.environ.get(named.base):
        hint = f"set litellm_params.api_base or {named.base} to {named.example}"
        reading.findings.error(_below(node, "api_base"), f"is missing, and {named.base} is not set", hint)
    entra = _entra(params, node, reading)
    if params.api_key or params.azure_ad_token or entra:
        return Upstream(provider=named.provider, params=completed, entra=entra)
    if any(map(reading.environ.get, (*named.keys, "AZURE_AD_TOKEN"))):
        completed = evolve(
            completed,
            api_key=reading.default(kinds.SECRET, node, *named.keys),
            azure_ad_token=reading.default(kinds.SECRET, node, "AZURE_AD_TOKEN"),
        )
        return Upstream(provider=named.provider, params=completed)
    entra = _default_entra(named, node, reading, default_chain=default_chain)
    return Upstream(provider=named.provider, params=completed, entra=entra)


def _entra(params: LitellmParams, node: Node, reading: Reading) -> EntraId | None:
    """Return what the item itself says of Entra."""
    if params.client_secret and not (params.tenant_id and params.client_id):
        reading.findings.error(
            _below(node, "client_secret"), "needs tenant_id and client_id", "give all three"
        )
    if not (params.tenant_id or params.client_id or params.client_secret or params.use_default_credentials):
        return None
    return EntraId(tenant_id=params.tenant_id, client_id=params.client_id, client_secret=params.client_secret)


def _default_entra(
    named: _AzureVariables, node: Node, reading: Reading, *, default_chain: bool
) -> EntraId | None:
    tenant_id = reading.default(kinds.TEXT, node, "AZURE_TENANT_ID")
    client_id = reading.default(kinds.TEXT, node, "AZURE_CLIENT_ID")
    client_secret = reading.default(kinds.SECRET, node, "AZURE_CLIENT_SECRET")
    if tenant_id and client_id and client_secret:
        return EntraId(tenant_id=tenant_id, client_id=client_id, client_secret=client_secret)
    if default_chain:
        return EntraId()
    reading.findings.error(
        _below(node, "api_key"),
        "is missing, and so is every other credential",
        f"set api_key (or {named.keys[0]}), azure_ad_token (or AZURE_AD_TOKEN), tenant_id with client_id and "
        "client_secret, or use_default_credentials: true",
    )
    return None


def _below(node: Node, key: str) -> Place:
    found = node.get(key)
    return found.place if found else evolve(node.place, path=f"{node.place.path}.{key}")


_COMPLETE: Mapping[str, Complete] = {
    "openai": _openai,
    "openai_compatible": _openai_compatible,
    "azure": _azure,
    "azure_voice_live": _azure_voice_live,
    "xai": _xai,
}
"""Provider → what the environment adds for it. A provider that is not here gets nothing from it."""
