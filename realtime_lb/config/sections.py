"""Reading a section: known keys to an attrs value, every other key to a warning."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar, get_args

import attrs
from attrs import Attribute, AttrsInstance

from realtime_lb.config import kinds
from realtime_lb.config.document import Node
from realtime_lb.config.reading import Kind, Reading, closest
from realtime_lb.config.vocabulary import NO_MEANING, NOT_YET
from realtime_lb.settings import Network, Settings

__all__ = ["OWN_SECTIONS", "kind_of", "read_own", "read_section", "warn_of_unused"]

Section = TypeVar("Section", bound=AttrsInstance)

_SET_ELSEWHERE: Mapping[str, str] = {
    "group_aliases": "router_settings.model_group_alias",
    "event_types": "litellm_settings.logged_real_time_event_types",
    "redact_content": "litellm_settings.turn_off_message_logging",
    "master_key": "general_settings.master_key",
    "fallbacks": "router_settings.fallbacks",
    "retry_after_s": "router_settings.retry_after",
    "default_fallbacks": "router_settings.default_fallbacks",
    "max_fallbacks": "router_settings.max_fallbacks",
    "tag_filtering": "router_settings.enable_tag_filtering",
    "tags_match_any": "router_settings.tag_filtering_match_any",
}
"""Attributes of the settings that have a key of LiteLLM's: one thing is set in one place."""

_CHOICES: Mapping[str, Kind[str]] = {
    "level": kinds.choice(("debug", "info", "warning", "error")),
    "format": kinds.choice(("console", "json")),
}
"""Text attributes that take one of a few words, as `LoggingSettings` lists them."""

_KINDS_BY_NAME: Mapping[str, Kind[Any]] = {
    **dict.fromkeys(("retry_share", "failure_share", "max_ejected_share", "ejection_jitter"), kinds.SHARE),
    **dict.fromkeys(("retry_wait_s", "queue_timeout_s", "slow_start_s"), kinds.SECONDS_OR_NONE),
    **dict.fromkeys(("drain_admit_s", "drain_timeout_s", "config_poll_s"), kinds.SECONDS_OR_NONE),
    **dict.fromkeys(("queue_limit", "allowed_fails"), kinds.ZERO_OR_MORE),
    "admin_port": kinds.PORT,
}
"""Numbers that may be nothing, or no more than something."""

_KINDS_BY_TYPE: Mapping[Any, Kind[Any]] = {
    str: kinds.TEXT,
    bool: kinds.BOOLEAN,
    int: kinds.COUNT,
    float: kinds.SECONDS,
    frozenset[str]: kinds.ORIGINS,
    tuple[Network, ...]: kinds.NETWORKS,
}
"""Every other number in the settings is a duration, a size or a count: more than nothing."""


def read_section(cls: type[Section], name: str, node: Node | None, reading: Reading) -> Section:
    """Return a *cls* with what *node* gives; its other attributes are None.

    Args:
        cls: One of the classes of `realtime_lb.config.keys`.
        name: The section's name in the vocabulary.
        node: The section, or None where the file has none.
        reading: Takes what is wrong, and a warning for each key that does nothing.
    """
    section = reading.read(kinds.MAPPING, node)
    if section is None:
        return cls()
    known = {attribute.name: attribute for attribute in attrs.fields(cls)}
    warn_of_unused(section, name, known, reading)
    given = {key: known[key].metadata["kind"] for key in section.keys() if key in known}  # noqa: SIM118  # a node is no mapping
    return cls(**{key: reading.read(kind, section.keys()[key]) for key, kind in given.items()})


def warn_of_unused(section: Node, name: str, known: Collection[str], reading: Reading) -> None:
    """Warn once of each key of *section* that is not among *known*, by what is known about it."""
    for key, value in section.keys().items():
        if key in known:
            continue
        if key in NOT_YET[name]:
            reading.findings.warn(
                value.place, "accepted, but has no effect in this version", NOT_YET[name][key]
            )
        elif key in NO_MEANING[name]:
            reading.findings.warn(value.place, "ignored: has no meaning for realtime")
        else:
            names = (*known, *NOT_YET[name], *NO_MEANING[name])
            reading.findings.warn(value.place, "ignored: no such key is known", closest(key, names))


def _own_sections() -> Mapping[str, type[AttrsInstance]]:
    sections = {attribute.name: attribute.type for attribute in attrs.fields(attrs.resolve_types(Settings))}
    return {name: type_ for name, type_ in sections.items() if isinstance(type_, type) and attrs.has(type_)}


OWN_SECTIONS = _own_sections()
"""The sections of ``realtime_lb``: each attribute of `Settings` that is a settings class itself."""


def kind_of(attribute: Attribute[Any]) -> Kind[Any] | None:
    """Return what an attribute of a settings class takes; None where it is set by a key of LiteLLM's."""
    if attribute.name in _SET_ELSEWHERE:
        return None
    if attribute.name in _CHOICES:
        return _CHOICES[attribute.name]
    if attribute.name in _KINDS_BY_NAME:
        return _KINDS_BY_NAME[attribute.name]
    options = [option for option in get_args(attribute.type) if option is not type(None)]
    optional = type(None) in get_args(attribute.type)
    return _KINDS_BY_TYPE[options[0] if optional else attribute.type]


def read_own(node: Node | None, reading: Reading) -> Mapping[str, Mapping[str, Any]]:
    """Return what the top-level section ``realtime_lb`` sets: section → attribute → value."""
    own: dict[str, Mapping[str, Any]] = {name: {} for name in OWN_SECTIONS}
    section = reading.read(kinds.MAPPING, node)
    for name, value in section.keys().items() if section else ():
        if name in OWN_SECTIONS:
            own[name] = _read_own_section(OWN_SECTIONS[name], value, reading)
        else:
            reading.findings.warn(
                value.place, "ignored: no such section is known", closest(name, OWN_SECTIONS)
            )
    return own


def _read_own_section(cls: type[AttrsInstance], node: Node, reading: Reading) -> Mapping[str, Any]:
    attributes = {attribute.name: attribute for attribute in attrs.fields(attrs.resolve_types(cls))}
    section = reading.read(kinds.MAPPING, node)
    given = {}
    for name, value in section.keys().items() if section else ():
        if name in _SET_ELSEWHERE and name in attributes:
            reading.findings.error(value.place, "is not set here", f"set {_SET_ELSEWHERE[name]}")
        elif name not in attributes:
            reading.findings.warn(value.place, "ignored: no such key is known", closest(name, attributes))
        elif (kind := kind_of(attributes[name])) and (read := reading.read(kind, value)) is not None:
            given[name] = read
    return given
