"""YAML text to a tree of nodes that know where they stand.

PyYAML's composer gives marks, its safe constructor gives scalars; mappings are put together here, since the
constructor keeps the last of two equal keys without a word and follows merge keys without a bound.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

import yaml
from attrs import define, field, frozen

from realtime_lb.config.findings import Findings, Place

__all__ = ["Items", "Keys", "Node", "read_document"]

Items: TypeAlias = "tuple[Node, ...]"
Keys: TypeAlias = "Mapping[str, Node]"

MAX_NODES = 200_000
"""10,000 deployments of 20 keys. YAML's anchors let a few lines stand for billions of nodes."""

MAX_DEPTH = 100
"""LiteLLM's deepest documented key is six levels down; Python's own stack ends near 1,000 frames."""

_PLAIN_KEY = re.compile(r"[\w-]+")
_MERGE_TAG = "tag:yaml.org,2002:merge"
_COLLECTION_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")

_CONSTRUCTION_ERRORS = (yaml.YAMLError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What PyYAML's scalar constructors raise for ``2024-99-99``, ``!!bool x``, ``!!int ''`` and the like."""


@frozen
class Node:
    """One value of the document.

    Attributes:
        place: Where it stands; for a value of a mapping, where its key stands.
        value: `Items`, `Keys` or a scalar. Not shown by ``repr``: it may be a credential.
        variable: The environment variable that it was read from, or None.
    """

    place: Place
    value: object = field(repr=False)
    variable: str | None = None

    def keys(self) -> Keys:
        """Return its keys and values; empty where it is no mapping."""
        return self.value if isinstance(self.value, dict) else {}

    def get(self, key: str) -> Node | None:
        """Return the value of *key*; None where it is absent or null."""
        found = self.keys().get(key)
        return None if found is None or found.value is None else found


def read_document(text: str, findings: Findings) -> Node | None:
    """Return the root of the one document in *text*, or None where it cannot be read.

    Syntax errors, equal keys in one mapping, keys that are not scalars, tags that LiteLLM's loader
    does not know and documents beyond `MAX_NODES` or `MAX_DEPTH` go to *findings*.
    """
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
    except yaml.YAMLError as error:
        findings.error(_place_of(error), f"not valid YAML: {_describe(error)}", _hint_for(error))
        return None
    except RecursionError:
        findings.error(Place(), "nested too deeply to be read")
        return None
    if root is None:
        findings.error(Place(), "the file is empty", "start with a model_list")
        return None
    if not isinstance(root, yaml.MappingNode):
        findings.error(Place(line=_line(root)), "must be a mapping", "start with a model_list")
        return None
    return _read_whole(_Tree(loader, findings), root)


def _read_whole(tree: _Tree, root: yaml.Node) -> Node | None:
    try:
        return tree.read(root, Place(line=_line(root)))
    except _TooBig as too_big:
        tree.findings.error(too_big.place, "the document grows too large or too deep here")
        return None


class _TooBig(Exception):
    def __init__(self, place: Place) -> None:
        self.place = place


@define
class _Tree:
    """Turns composed nodes into ours. Bounded: an anchor costs its full size at every use."""

    loader: yaml.SafeLoader
    findings: Findings
    nodes: int = 0
    depth: int = 0

    def read(self, node: yaml.Node, place: Place) -> Node:
        self.nodes += 1
        if self.nodes > MAX_NODES or self.depth > MAX_DEPTH:
            raise _TooBig(place)
        self.depth += 1
        value = self._value(node, place)
        self.depth -= 1
        return Node(place, value)

    def _value(self, node: yaml.Node, place: Place) -> object:
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, place)
        if node.tag not in _COLLECTION_TAGS:
            self.findings.error(place, "has a YAML tag that is not supported here", "remove the tag")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        return tuple(
            self.read(item, Place(f"{place.path}[{index}]", _line(item), _column(item)))
            for index, item in enumerate(node.value)
        )

    def _scalar(self, node: yaml.ScalarNode, place: Place) -> object:
        try:
            return self.loader.construct_object(node)
        except _CONSTRUCTION_ERRORS:
            kind = (
                node.tag.rpartition(":")[2] if node.tag.startswith("tag:yaml.org,2002:") else "tagged value"
            )
            self.findings.error(place, f"is not a valid {kind}", "put it in quotes if it is meant as text")
            return None

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Node]:
        found: dict[str, Node] = {}
        merged: list[yaml.Node] = []
        for key, value in node.value:
            name = self._key(key, place)
            if key.tag == _MERGE_TAG:
                merged.append(value)
            elif name in found:
                self._duplicate(_below(place, name, key), found[name].place.line)
            elif name is not None:
                found[name] = self.read(value, _below(place, name, key))
        for source in merged:
            for name, inherited in self._inherited(source, place):
                found.setdefault(name, inherited)
        return found

    def _key(self, key: yaml.Node, place: Place) -> str | None:
        if isinstance(key, yaml.ScalarNode):
            return str(key.value)
        here = Place(place.path, _line(key), _column(key))
        self.findings.error(here, "has a key that is a list or a mapping", "use plain text as the key")
        return None

    def _duplicate(self, place: Place, first_line: int) -> None:
        self.findings.error(
            place, f"is given twice; first on line {first_line}", "keep one: YAML would drop the first"
        )

    def _inherited(self, source: yaml.Node, place: Place) -> Iterator[tuple[str, Node]]:
        """Yield what ``<<: *anchor`` or ``<<: [*one, *two]`` brings in, the strongest first."""
        sources = source.value if isinstance(source, yaml.SequenceNode) else [source]
        for each in sources:
            if isinstance(each, yaml.MappingNode):
                yield from self.read(each, place).keys().items()
            else:
                self.findings.error(place, "merges (<<) something that is not a mapping")


def _below(place: Place, key: str | None, node: yaml.Node) -> Place:
    shown = (key or "")[:80]
    step = shown if _PLAIN_KEY.fullmatch(shown) else f'["{shown}"]'
    dot = "." if place.path and not step.startswith("[") else ""
    return Place(f"{place.path}{dot}{step}", _line(node), _column(node))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _column(node: yaml.Node) -> int:
    return int(node.start_mark.column) + 1


def _place_of(error: yaml.YAMLError) -> Place:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return Place(line=mark.line + 1, column=mark.column + 1) if mark else Place()


def _describe(error: yaml.YAMLError) -> str:
    """Return PyYAML's words without the snippet of the file and without names taken from it."""
    problem = getattr(error, "problem", None) or "it holds a character that YAML forbids"
    return re.sub(r"'(?!<)[^']{2,}'", "'…'", str(problem))


def _hint_for(error: yaml.YAMLError) -> str:
    tab = "\\t" in str(getattr(error, "problem", ""))
    return "indent with spaces, not tabs" if tab else "look at the indentation and quotes around this line"
