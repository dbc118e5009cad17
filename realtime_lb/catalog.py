"""What a model name means: its group, through aliases and wildcards."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import evolve, field, frozen

from realtime_lb.deployments import Deployment, ModelGroup
from realtime_lb.errors import InvalidRequest, UnknownModel
from realtime_lb.settings import Settings

__all__ = ["Catalog"]


@frozen
class _Wildcard:
    """A group whose name holds ``*``."""

    group: ModelGroup
    pattern: re.Pattern[str] = field(init=False)

    @pattern.default
    def _compiled(self) -> re.Pattern[str]:
        parts = (re.escape(part) for part in self.group.name.split("*"))
        return re.compile("(.*)".join(parts), re.DOTALL)


class Catalog:
    """Finds model groups.

    Args:
        settings: Its deployments and their aliases.
    """

    def __init__(self, settings: Settings) -> None:
        self.reload(settings)

    def reload(self, settings: Settings) -> None:
        """Find the groups of *settings* from now on."""
        groups: dict[str, list[Deployment]] = {}
        for deployment in settings.deployments:
            groups.setdefault(deployment.model_group, []).append(deployment)
        found = {name: ModelGroup(name, tuple(members)) for name, members in groups.items()}
        self._default = settings.routing.default_model
        self._aliases = settings.routing.group_aliases
        self._routing = settings.routing
        self.groups: Mapping[str, ModelGroup] = found
        # The longest literal part first: `openai/gpt-*` is meant before `openai/*`, and that before `*`.
        wildcards = (_Wildcard(group) for name, group in found.items() if "*" in name)
        self._wildcards = sorted(wildcards, key=lambda w: len(w.group.name), reverse=True)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that may be asked for, aliases included, wildcards as written."""
        return (*self.groups, *self._aliases)

    def route(self, model: str | None) -> tuple[ModelGroup, ...]:
        """Return the group that *model* means, then those to fall back to, each once.

        A group to fall back to is followed by its own fallbacks before the next comes, as in LiteLLM, up to
        ``max_fallbacks`` in all. Fallbacks belong to the name that was asked for, or to the group that it
        means.

        Raises:
            InvalidRequest, UnknownModel: As for `resolve`.
        """
        first = self.resolve(model)
        found = {first.name: first}
        self._add_fallbacks(model or self._default or "", first, found)
        return tuple(found.values())

    def _add_fallbacks(self, name: str, group: ModelGroup, found: dict[str, ModelGroup]) -> None:
        own = self._routing.fallbacks
        written = group.deployments[0].model_group  # of a wildcard, what its owner wrote
        names = (name, self._aliases.get(name, name), group.name, written)
        given = next((own[each] for each in names if each in own), self._routing.default_fallbacks)
        for behind in given:
            following = self.resolve(behind)
            if following.name in found or len(found) > self._routing.max_fallbacks:
                continue
            found[following.name] = following
            self._add_fallbacks(behind, following, found)

    def resolve(self, model: str | None) -> ModelGroup:
        """Return the group that *model* means; None means the configured default.

        A wildcard's deployments come back with their ``model`` filled in.

        Raises:
            InvalidRequest: No model was named and there is no default.
            UnknownModel: Nothing has this name.
        """
        wanted = model or self._default
        if not wanted:
            raise InvalidRequest(
                "No model was named", code="missing_model", hint="add ?model=<name> to the URL"
            )
        return self._named(self._aliases.get(wanted, wanted), wanted)

    def group(self, name: str) -> ModelGroup:
        """Return the group that has this name by itself, not as an alias.

        Raises:
            UnknownModel: None has.
        """
        return self._named(name, name)

    def _named(self, name: str, wanted: str) -> ModelGroup:
        if name in self.groups:
            return self.groups[name]
        for wildcard in self._wildcards:
            if match := wildcard.pattern.fullmatch(name):
                return _filled(wildcard.group, name, match[1])
        raise UnknownModel(wanted, self.names)


def _filled(group: ModelGroup, name: str, star: str) -> ModelGroup:
    members = tuple(evolve(d, model=d.model.replace("*", star, 1)) for d in group.deployments)
    return ModelGroup(name, members)
