"""Which providers there are: the built-ins and those of installed packages."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType

from realtime_lb.abc import ProviderAdapter
from realtime_lb.errors import ConfigError, ConfigProblem
from realtime_lb.providers.azure import Azure
from realtime_lb.providers.openai import OpenAI
from realtime_lb.providers.openai_compatible import OpenAICompatible
from realtime_lb.providers.voice_live import VoiceLive
from realtime_lb.providers.xai import XAI

__all__ = ["GROUP", "load_providers"]

GROUP = "realtime_lb.providers"
"""The entry point group: ``<name> = <module>:<subclass of ProviderAdapter>``."""

_BUILT_IN = (OpenAI, Azure, OpenAICompatible, VoiceLive, XAI)


def load_providers(installed: Iterable[EntryPoint] | None = None) -> Mapping[str, ProviderAdapter]:
    """Return a fresh adapter of every provider, by name.

    The caller owns them. Nothing installed can take a built-in's name, nor can two packages share one: which
    code gets to see the keys must not depend on the order of ``sys.path``.

    Args:
        installed: The entry points to load; by default, those of `GROUP`, which are looked for once.

    Raises:
        ConfigError: Entry points that cannot be loaded or used, all at once, each with its distribution.
    """
    adapters: dict[str, ProviderAdapter] = {}
    for built_in in _BUILT_IN:
        adapters[built_in.name] = built_in()
    problems = []
    for entry_point in _installed(*sys.path) if installed is None else installed:
        try:
            if entry_point.name in adapters:
                raise ValueError(f"the name {entry_point.name!r} is taken")  # noqa: TRY301  # one way out
            adapters[entry_point.name] = _load(entry_point)
        except Exception as error:  # noqa: BLE001  # importing foreign code may raise anything
            problems.append(_problem(entry_point, error))
    if problems:
        raise ConfigError(problems)
    return MappingProxyType(adapters)


@cache
def _installed(*_path: str) -> tuple[EntryPoint, ...]:
    """Return the entry points of what is installed on this path: the disk is read, for some 10 ms."""
    return tuple(entry_points(group=GROUP))


def _load(entry_point: EntryPoint) -> ProviderAdapter:
    loaded = entry_point.load()
    if not (isinstance(loaded, type) and issubclass(loaded, ProviderAdapter)):
        raise TypeError("it is not a subclass of realtime_lb.abc.ProviderAdapter")
    if loaded.name != entry_point.name:
        raise ValueError(f"its class calls itself {loaded.name!r}")
    return loaded()


def _problem(entry_point: EntryPoint, error: Exception) -> ConfigProblem:
    package = (
        f"{entry_point.dist.name} {entry_point.dist.version}" if entry_point.dist else "an unknown package"
    )
    return ConfigProblem(
        path=f"entry point {GROUP}:{entry_point.name}",
        message=f"the provider of {package} cannot be used: {type(error).__name__}: {error}",
        hint="upgrade that package or uninstall it",
    )
