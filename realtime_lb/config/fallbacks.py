"""Groups to try when nobody of a group accepts a session, in every form that LiteLLM takes.

It walks a list of rules and uses the first for a group (``get_fallback_model_group``); a rule for ``*`` holds
for all groups without one, and ``default_fallbacks`` come before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from realtime_lb.config import kinds
from realtime_lb.config.document import Node
from realtime_lb.config.reading import Kind, Reading, Wrong, closest, describe
from realtime_lb.config.routing import Groups

__all__ = ["Fallbacks", "read_fallbacks"]

ALL_OTHERS = "*"
"""The group of a rule for groups that have none, even where a group is called so."""


@frozen
class Fallbacks:
    """Where opens go on.

    Attributes:
        by_group: Group or alias → the groups behind it, in order.
        default: Those behind all others.
    """

    by_group: Mapping[str, tuple[str, ...]]
    default: tuple[str, ...]


def read_fallbacks(
    rules: Node | None, default: Node | None, groups: Groups, aliases: Mapping[str, str], reading: Reading
) -> Fallbacks:
    """Return what ``fallbacks`` and ``default_fallbacks`` say.

    Args:
        rules: The first of them, or None.
        default: The second, or None.
        groups: The groups that there are.
        aliases: Their further names.
        reading: Takes what is wrong: a target that nobody knows is an error, one that is no realtime model
            a warning.
    """
    targets = _Targets(groups, aliases, reading)
    found: dict[str, tuple[str, ...] | None] = {}
    for name, node in _rules(rules, reading):
        if name in found:
            reading.findings.warn(node.place, "ignored: an earlier rule is for the same model group")
        elif name == ALL_OTHERS or targets.known(name):
            found[name] = targets.read(node, behind=name)
        elif not groups.skips(name):
            message = "ignored: they are for a model group that does not exist"
            reading.findings.warn(node.place, message, targets.closest(name))
    of_all_others = found.pop(ALL_OTHERS, None)
    return Fallbacks(
        {name: those for name, those in found.items() if those is not None},
        targets.read(default) or of_all_others or (),
    )


def _rules(section: Node | None, reading: Reading) -> Iterator[tuple[str, Node]]:
    """Yield each group with what names its fallbacks, from a list of mappings or from one mapping."""
    if section is None:
        return
    for item in section.value if isinstance(section.value, tuple) else (section,):
        rule = reading.read(_RULE, item)
        yield from rule.keys().items() if rule else ()


def _rule(node: Node, _: Reading) -> Node:
    if not isinstance(node.value, dict):
        raise Wrong(f"must be a mapping, not {describe(node)}", "write it as {group: [group, group]}")
    return node


_RULE = Kind("mapping", _rule)


@frozen
class _Targets:
    """Reads the groups that rules lead to."""

    groups: Groups
    aliases: Mapping[str, str]
    reading: Reading

    def known(self, name: str) -> bool:
        return name in self.aliases or self.groups.serves(name)

    def closest(self, name: str) -> str:
        return closest(name, {*self.groups.served, *self.aliases})

    def read(self, node: Node | None, behind: str = ALL_OTHERS) -> tuple[str, ...] | None:
        """Return the groups that *node* names, each once; None where none of those that it names is left."""
        checked = self.reading.read(kinds.TARGETS, node)
        if checked is None:
            return None
        given = checked.value if isinstance(checked.value, tuple) else (checked,)
        names = dict.fromkeys(name for target in given if (name := self._one(target, behind)))
        return tuple(names) if names or not given else None

    def _one(self, node: Node, behind: str) -> str | None:
        named = self._named(node)
        name = self.reading.read(kinds.NAME, named)
        if named is None or name is None:
            return None
        findings = self.reading.findings
        if not self.known(name):
            if self.groups.skips(name):
                findings.warn(named.place, "skipped: its model group is not a realtime one")
            else:
                hint = self.closest(name) or self.groups.hint(name)
                findings.error(named.place, "is an unknown model group", hint)
            return None
        if self.aliases.get(name, name) == self.aliases.get(behind, behind):
            findings.warn(named.place, "ignored: it is the group that failed")
            return None
        return name

    def _named(self, node: Node) -> Node | None:
        """Return what names the group: *node*, or the ``model`` of a mapping that overrides parameters."""
        if not isinstance(node.value, dict):
            return node
        for key, value in node.keys().items():
            if key != "model":
                self.reading.findings.warn(value.place, "ignored: a session goes on as it was asked for")
        model = node.get("model")
        if model is None:
            self.reading.findings.error(node.place, "names no model group", "write {model: <model_name>}")
        return model
