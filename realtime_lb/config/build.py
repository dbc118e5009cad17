"""Realtime items of ``model_list`` to deployments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
from attrs import define, frozen

from realtime_lb.config.credentials import Upstream, upstream_of
from realtime_lb.config.document import Node
from realtime_lb.config.findings import Place
from realtime_lb.config.keys import LitellmParams, ModelInfo
from realtime_lb.config.models import RealtimeEntry
from realtime_lb.config.reading import Reading, Wrong
from realtime_lb.config.sections import read_section
from realtime_lb.config.vocabulary import NO_MEANING, NOT_YET, PROVIDERS
from realtime_lb.deployments import Deployment, Tls
from realtime_lb.typing import Secret

__all__ = ["Defaults", "build_deployments"]


@frozen(kw_only=True)
class Defaults:
    """What holds for deployments that say nothing else.

    Attributes:
        tls: How certificates are checked.
        max_sessions: Live sessions that each may hold; None is no limit.
        default_chain: Whether Azure deployments without a credential use azure-identity's default chain.
    """

    tls: Tls = Tls()
    max_sessions: int | None = None
    default_chain: bool = False


def build_deployments(
    entries: Sequence[RealtimeEntry], reading: Reading, defaults: Defaults
) -> tuple[Deployment, ...]:
    """Return the deployments of *entries*, in order. An item that is wrong is noted and left out."""
    infos = [read_section(ModelInfo, "model_info", entry.info, reading) for entry in entries]
    ids = _Ids(reading)
    for entry, info in zip(entries, infos, strict=True):
        ids.reserve(info.id, entry.info)
    return tuple(
        deployment
        for entry, info in zip(entries, infos, strict=True)
        for deployment in _deployments(entry, info, ids, reading, defaults)
    )


def _deployments(
    entry: RealtimeEntry, info: ModelInfo, ids: _Ids, reading: Reading, defaults: Defaults
) -> Iterator[Deployment]:
    """Yield the item's deployment; one for each organization where it lists several."""
    errors_before = reading.findings.error_count
    ours, options = _split_options(entry)
    params = read_section(LitellmParams, "litellm_params", ours, reading)
    if reading.findings.error_count > errors_before:
        return
    upstream = upstream_of(entry.provider, params, ours, reading, default_chain=defaults.default_chain)
    if reading.findings.error_count > errors_before:
        return
    common = {
        **_common(entry, upstream, info, defaults),
        "warm": _warm(entry, upstream.params, defaults, reading),
        "options": {name: _option(node, reading) for name, node in options.items()},
    }
    for organization in upstream.params.organization or (None,):
        name = ids.take(info.id, f"{entry.model_group}/{upstream.provider}-{entry.model}")
        yield Deployment(id=name, organization=organization, **common)


def _common(entry: RealtimeEntry, upstream: Upstream, info: ModelInfo, defaults: Defaults) -> dict[str, Any]:
    params = upstream.params
    given = params.max_parallel_requests
    return {
        "model_group": entry.model_group,
        "model": entry.model,
        "provider": upstream.provider,
        "api_base": params.api_base,
        "api_key": params.api_key,
        "azure_ad_token": params.azure_ad_token,
        "entra": upstream.entra,
        "api_version": params.api_version,
        "realtime_protocol": params.realtime_protocol,
        "project": params.project,
        "extra_headers": params.extra_headers or {},
        "weight": params.weight,
        "rpm": params.rpm,
        "tpm": params.tpm,
        "order": params.order,
        "max_sessions": defaults.max_sessions if given is None else given,
        "tags": params.tags or (),
        "transcription_models": params.transcription_model or {},
        "base_model": info.base_model,
        "dial_timeout_s": params.timeout,
        "hedge_after_s": params.hedge_after_s,
        "prices": _prices(params, info),
        "opaque": bool(params.opaque),
        "tls": params.ssl_verify or defaults.tls,
    }


def _warm(entry: RealtimeEntry, params: LitellmParams, defaults: Defaults, reading: Reading) -> int:
    """Return how many connections to keep open in advance; warn of those that cannot be."""
    node, wanted = entry.params.get("warm"), params.warm or 0
    if not node or not wanted:
        return 0
    if "*" in entry.model:
        reading.findings.warn(node.place, "has no effect: a wildcard names no model to connect to")
        return 0
    cap = defaults.max_sessions if params.max_parallel_requests is None else params.max_parallel_requests
    if cap is not None and wanted > cap:
        reading.findings.warn(
            node.place,
            f"is cut to {cap}: each of these connections is one of max_parallel_requests",
            "it may hold calls as well: leave room for them",
        )
        return cap
    return wanted


def _prices(params: LitellmParams, info: ModelInfo) -> Mapping[str, float]:
    names = [a.name for a in attrs.fields(ModelInfo) if "_cost_per_" in a.name]
    given = {name: (getattr(params, name), getattr(info, name)) for name in names}
    return {
        name: own if own is not None else general
        for name, (own, general) in given.items()
        if own is not None or general is not None
    }


def _split_options(entry: RealtimeEntry) -> tuple[Node, Mapping[str, Node]]:
    """Part an item's parameters into those that are ours or LiteLLM's, and its provider's own.

    Of a provider that comes with this package every key is in `LitellmParams`.
    """
    if entry.provider in PROVIDERS:
        return entry.params, {}
    known = {attribute.name for attribute in attrs.fields(LitellmParams)}
    known |= {*NOT_YET["litellm_params"], *NO_MEANING["litellm_params"]}
    keys = entry.params.keys()
    ours = {name: node for name, node in keys.items() if name in known}
    return attrs.evolve(entry.params, value=ours), {n: node for n, node in keys.items() if n not in known}


def _option(node: Node, reading: Reading) -> object:
    """Return a plain value. Every text in it is a `Secret`, since nobody here knows which of them are."""
    if isinstance(node.value, tuple):
        return tuple(_option(item, reading) for item in node.value)
    if isinstance(node.value, dict):
        return {name: _option(item, reading) for name, item in node.keys().items()}
    try:
        value = reading.resolve(node).value
    except Wrong as wrong:
        reading.findings.error(node.place, wrong.message, wrong.hint)
        return None
    return Secret(value) if isinstance(value, str) else value


@define
class _Ids:
    """Gives each deployment an id that no other has. Ids in the file go before ids that are made up."""

    reading: Reading
    taken: dict[str, Place | None] = attrs.Factory(dict)
    used: set[str] = attrs.Factory(set)

    def reserve(self, given: str | None, info: Node | None) -> None:
        node = info.get("id") if info else None
        if given is None or node is None:
            return
        first = self.taken.get(given)
        if first is not None:
            self.reading.findings.error(
                node.place, f"is the id of another model too, on line {first.line}", "give each its own id"
            )
        self.taken.setdefault(given, node.place)

    def take(self, given: str | None, made_up: str) -> str:
        base = given or made_up
        if given is not None and given not in self.used:
            self.used.add(given)
            return given
        name, count = base, 1
        while name in self.taken:
            count += 1
            name = f"{base}-{count}"
        self.taken[name] = None
        return name
