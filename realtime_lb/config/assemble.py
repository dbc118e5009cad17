"""The document's sections to `Settings`. Where LiteLLM's keys and ours name the same thing, ours win."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from attrs import frozen

from realtime_lb.config import kinds
from realtime_lb.config.build import Defaults, build_deployments
from realtime_lb.config.document import Node
from realtime_lb.config.fallbacks import read_fallbacks
from realtime_lb.config.health import health_values, warn_of_no_cooldown, warn_of_short_limit
from realtime_lb.config.keys import GeneralSettings, LitellmSettings, RouterSettings, TopLevel
from realtime_lb.config.models import SortedModels, sort_models
from realtime_lb.config.reading import Reading
from realtime_lb.config.routing import (
    Groups,
    check_default_model,
    choose_strategy,
    read_aliases,
    warn_of_long_dial,
)
from realtime_lb.config.sections import OWN_SECTIONS, read_own, read_section
from realtime_lb.deployments import Tls
from realtime_lb.settings import RoutingSettings, Settings

__all__ = ["assemble"]

SectionValues = Mapping[str, Any]


@frozen
class _Sections:
    """The file's sections but for the models. What is wrong in them has been noted."""

    root: Node
    model_list: Node | None
    router: RouterSettings
    litellm: LitellmSettings
    general: GeneralSettings
    own: Mapping[str, SectionValues]

    @classmethod
    def read(cls, root: Node, reading: Reading) -> _Sections:
        top = read_section(TopLevel, "", root, reading)
        return cls(
            root=root,
            model_list=root.get("model_list"),
            router=read_section(RouterSettings, "router_settings", top.router_settings, reading),
            litellm=read_section(LitellmSettings, "litellm_settings", top.litellm_settings, reading),
            general=read_section(GeneralSettings, "general_settings", top.general_settings, reading),
            own=read_own(top.realtime_lb, reading),
        )

    def at(self, *path: str) -> Node | None:
        """Return the node at *path*, for the place of messages."""
        node: Node | None = self.root
        for key in path:
            node = node.get(key) if node else None
        return node


def assemble(
    root: Node, reading: Reading, providers: Collection[str], strategies: Collection[str]
) -> Settings:
    """Return what the document sets.

    What is wrong goes to the reading's findings; the settings are to be used only where nothing is.

    Args:
        root: The whole document.
        reading: Gives the environment, takes what is wrong.
        providers: Names that a model's prefix may have.
        strategies: Names that ``routing_strategy`` may have.
    """
    sections = _Sections.read(root, reading)
    models = sort_models(sections.model_list, reading, providers)
    deployments = build_deployments(models.entries, reading, _defaults(sections))
    from_litellm = {
        "routing": _routing(sections, models, strategies, reading),
        "health": _health(sections, reading),
        "logging": _logging(sections.litellm),
        "server": _server(sections, reading),
    }
    values = {name: {**from_litellm.get(name, {}), **sections.own[name]} for name in OWN_SECTIONS}
    groups: dict[str, Any] = {name: OWN_SECTIONS[name](**given) for name, given in values.items()}
    _warn_of_long_dials(sections, models, groups["routing"], reading)
    warn_of_short_limit(sections.at("realtime_lb", "health"), groups["health"], reading)
    return Settings(deployments=deployments, **groups)


def _defaults(sections: _Sections) -> Defaults:
    return Defaults(
        tls=sections.litellm.ssl_verify or Tls(),
        max_sessions=sections.router.default_max_parallel_requests,
        default_chain=bool(sections.litellm.enable_azure_ad_token_refresh),
    )


def _routing(
    sections: _Sections, models: SortedModels, strategies: Collection[str], reading: Reading
) -> SectionValues:
    groups = Groups(served=models.groups, skipped=models.skipped_groups)
    aliases = read_aliases(sections.router.model_group_alias, groups, reading)
    check_default_model(sections.at("realtime_lb", "routing", "default_model"), groups, aliases, reading)
    names = (
        sections.at("realtime_lb", "routing", "strategy"),
        sections.at("router_settings", "routing_strategy"),
    )
    router, litellm = sections.router, sections.litellm
    retries = router.num_retries if router.num_retries is not None else litellm.num_retries
    fallbacks = read_fallbacks(
        _first_filled(router.fallbacks, litellm.fallbacks),
        _first_filled(router.default_fallbacks, litellm.default_fallbacks),
        groups,
        aliases,
        reading,
    )
    return _given(
        strategy=choose_strategy(names, strategies, reading),
        group_aliases=aliases,
        dial_timeout_s=router.timeout or litellm.request_timeout,
        tries=None if retries is None else retries + 1,
        retry_after_s=router.retry_after,
        fallbacks=fallbacks.by_group,
        default_fallbacks=fallbacks.default,
        max_fallbacks=router.max_fallbacks if router.max_fallbacks is not None else litellm.max_fallbacks,
        tag_filtering=router.enable_tag_filtering,
        tags_match_any=router.tag_filtering_match_any,
    )


def _health(sections: _Sections, reading: Reading) -> SectionValues:
    for name, section in (("router_settings", sections.router), ("litellm_settings", sections.litellm)):
        warn_of_no_cooldown(sections.at(name, "cooldown_time"), section.cooldown_time, reading)
    return health_values(sections.router, sections.litellm, sections.general, sections.own["health"])


def _first_filled(*nodes: Node | None) -> Node | None:
    """Return the first of *nodes* that holds anything; LiteLLM takes an empty list for none."""
    return next((node for node in nodes if node and node.value), None)


def _logging(litellm: LitellmSettings) -> SectionValues:
    values = _given(
        redact_content=litellm.turn_off_message_logging,
        format="json" if litellm.json_logs else None,
    )
    types = litellm.logged_real_time_event_types
    return values if types is None else {**values, "event_types": None if "*" in types else types}


def _server(sections: _Sections, reading: Reading) -> SectionValues:
    from_environment = reading.default(kinds.SECRET, sections.root, "LITELLM_MASTER_KEY")
    return _given(master_key=sections.general.master_key or from_environment)


def _given(**values: object) -> SectionValues:
    return {name: value for name, value in values.items() if value is not None}


def _warn_of_long_dials(
    sections: _Sections, models: SortedModels, routing: RoutingSettings, reading: Reading
) -> None:
    for node in _dial_timeouts(sections, models):
        warn_of_long_dial(node, routing.open_timeout_s, reading)


def _dial_timeouts(sections: _Sections, models: SortedModels) -> Iterator[Node]:
    """Yield the keys that bound a dial: of those that hold for all deployments, the one that counts."""
    for_all = (
        sections.at("realtime_lb", "routing", "dial_timeout_s"),
        sections.at("router_settings", "timeout"),
        sections.at("litellm_settings", "request_timeout"),
    )
    counting = [node for node in for_all if node][:1]
    yield from counting
    yield from (node for entry in models.entries if (node := entry.params.get("timeout")))
