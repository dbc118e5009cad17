"""Settings before a router goes by them: what could not work later, and what they would change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs

from realtime_lb.abc import ProviderAdapter
from realtime_lb.deployments import Deployment, serves_as
from realtime_lb.errors import ConfigError, ConfigProblem, RequestRefused
from realtime_lb.requests import SessionRequest
from realtime_lb.settings import Settings
from realtime_lb.snapshots import Reconfigured
from realtime_lb.strategies import STRATEGIES

__all__ = ["check", "compared"]


def check(settings: Settings, providers: Mapping[str, ProviderAdapter], *, names_strategy: bool) -> None:
    """See that *settings* can be used.

    Args:
        settings: What a router is to go by.
        providers: Adapters by name.
        names_strategy: The strategy is theirs, and not one of the caller's own.

    Raises:
        ConfigError: With every problem.
    """
    problems = [problem for d in settings.deployments for problem in _problems(d, providers)]
    if names_strategy and settings.routing.strategy not in STRATEGIES:
        problems.append(
            ConfigProblem(
                path="routing.strategy",
                message=f"no strategy is called {settings.routing.strategy!r}",
                hint=f"known strategies: {', '.join(sorted(STRATEGIES))}",
            )
        )
    if problems:
        raise ConfigError(problems)


def _problems(deployment: Deployment, providers: Mapping[str, ProviderAdapter]) -> Sequence[ConfigProblem]:
    adapter = providers.get(deployment.provider)
    if adapter is None:
        known = ", ".join(sorted(providers))
        message = f"no provider is called {deployment.provider!r}"
        return [ConfigProblem(f"deployment {deployment.id}", message, f"known providers: {known}")]
    try:
        adapter.dialect(deployment)
        adapter.dial(deployment, SessionRequest())
    except ConfigError as error:
        return error.problems
    except RequestRefused:
        pass  # it serves other requests than a plain one
    return []


def compared(
    old: Settings, new: Settings, *, leaving: Sequence[str | None], fixed: Sequence[str]
) -> Reconfigured:
    """Return what it changes to go by *new* where a router went by *old*.

    Args:
        old: What it went by.
        new: What was asked for.
        leaving: Ids of the deployments that sessions leave now, for whatever reason, one for each.
        fixed: Sections that stay as they are.
    """
    before, after = ({d.id: d for d in settings.deployments} for settings in (old, new))
    changed = [name for name in after if name in before and not serves_as(after[name], before[name])]
    removed = [name for name in before if name not in after]
    return Reconfigured(
        added=tuple(name for name in after if name not in before),
        removed=tuple(removed),
        changed=tuple(changed),
        moving=sum(name in {*removed, *changed} for name in leaving),
        fixed=tuple(name for section in fixed for name in _different(section, old, new)),
    )


def _different(section: str, old: Settings, new: Settings) -> Iterator[str]:
    before, after = getattr(old, section), getattr(new, section)
    for attribute in attrs.fields(type(before)):
        if getattr(before, attribute.name) != getattr(after, attribute.name):
            yield f"{section}.{attribute.name}"
