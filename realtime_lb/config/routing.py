"""Names that must lead somewhere: aliases, the default model, the strategy. And dials that take too long."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from attrs import frozen

from realtime_lb.config import kinds
from realtime_lb.config.document import Node
from realtime_lb.config.reading import Reading, Wrong, closest
from realtime_lb.config.sections import warn_of_unused
from realtime_lb.config.vocabulary import STRATEGIES_FOR_CHAT
from realtime_lb.settings import RoutingSettings

__all__ = ["Groups", "check_default_model", "choose_strategy", "read_aliases", "warn_of_long_dial"]


@frozen
class Groups:
    """The names that a model may be asked for by.

    Attributes:
        served: The ``model_name`` of every realtime item, wrong ones included.
        skipped: Those of items that were skipped.
    """

    served: frozenset[str]
    skipped: frozenset[str]

    def serves(self, name: str) -> bool:
        """Say whether *name* is a group or what a group with a ``*`` matches."""
        return any(_matches(group, name) for group in self.served)

    def skips(self, name: str) -> bool:
        """Say whether *name* stands for nothing but skipped items."""
        return any(_matches(group, name) for group in self.skipped)

    def hint(self, name: str) -> str:
        """Return what might have been meant by *name*."""
        return closest(name, self.served) or f"known groups: {', '.join(sorted(self.served))[:200]}"


def _matches(pattern: str, name: str) -> bool:
    before, star, after = pattern.partition("*")
    if not star:
        return pattern == name
    return len(name) >= len(before) + len(after) and name.startswith(before) and name.endswith(after)


def read_aliases(section: Node | None, groups: Groups, reading: Reading) -> Mapping[str, str]:
    """Return alias → group. An alias of a skipped group is left out with a warning."""
    aliases = {}
    for alias, node in section.keys().items() if section else ():
        target = _target(node, reading)
        if not target:
            continue
        if groups.serves(target):
            aliases[alias] = target
        elif groups.skips(target):
            reading.findings.warn(node.place, "skipped: its model group is not a realtime one")
        else:
            reading.findings.error(node.place, "is an alias of an unknown model group", groups.hint(target))
    return aliases


def _target(node: Node, reading: Reading) -> str | None:
    if not isinstance(node.value, dict):
        return reading.read(kinds.TEXT, node)
    warn_of_unused(node, "router_settings.model_group_alias", ("model",), reading)
    model = node.get("model")
    if model is None:
        reading.findings.error(node.place, "names no model group", "write {model: <model_name>}")
    return reading.read(kinds.TEXT, model)


def check_default_model(node: Node | None, names: Groups, aliases: Collection[str], reading: Reading) -> None:
    """Note a default model that is neither a group nor an alias."""
    name = _quietly(node, reading)
    if node is None or not name or name in aliases or names.serves(name):
        return
    reading.findings.error(node.place, "is no model group and no alias", names.hint(name))


def choose_strategy(
    nodes: Iterable[Node | None], strategies: Collection[str], reading: Reading
) -> str | None:
    """Return the strategy's name from the first of *nodes* that gives one; None means the default.

    One of LiteLLM's that makes no sense here is the default with a warning; a name that nobody knows is an
    error.
    """
    given = [(node, name) for node in nodes if node and (name := _quietly(node, reading))]
    if not given:
        return None
    node, name = given[0]
    if name in strategies:
        return name
    if name in STRATEGIES_FOR_CHAT:
        default = RoutingSettings().strategy
        reading.findings.warn(node.place, f"has no meaning for realtime: {default} is used instead")
        return None
    hint = closest(name, strategies) or f"known strategies: {', '.join(strategies)}"
    reading.findings.error(node.place, "is no known strategy", hint)
    return None


def _quietly(node: Node | None, reading: Reading) -> str | None:
    """Return a text whose faults, if any, were noted when its section was read."""
    try:
        return kinds.TEXT.read(reading.resolve(node), reading) if node else None
    except Wrong:
        return None


def warn_of_long_dial(node: Node, open_timeout_s: float, reading: Reading) -> None:
    """Warn of a dial that may last as long as a whole open: one stalled upstream then fails the client."""
    try:
        dial_timeout_s = kinds.SECONDS.read(reading.resolve(node), reading)
    except Wrong:  # noted when its section was read
        return
    if dial_timeout_s >= open_timeout_s:
        reading.findings.warn(
            node.place,
            f"a stalled upstream leaves no time for another: an open lasts {open_timeout_s:g} s at most",
            "a dial seldom needs more than 5 s; realtime_lb.routing.open_timeout_s bounds an open",
        )
