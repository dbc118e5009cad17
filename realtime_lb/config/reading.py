"""Reading one value: its environment variable, its type, its bounds.

A `Kind` says what a key takes. A value of another type is an error, never converted; only what came out of
an environment variable, where everything is text, may be read as the number or boolean that its key wants.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from attrs import evolve, field, frozen

from realtime_lb.config.document import Node
from realtime_lb.config.findings import Findings

__all__ = ["ENVIRON", "Kind", "Reading", "Unshown", "Wrong", "closest", "describe", "environment_of"]

ENVIRON_PREFIX = "os.environ/"
"""LiteLLM's way to name an environment variable."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,254}")

T = TypeVar("T")

_TYPE_NAMES: tuple[tuple[type, str], ...] = (
    (bool, "a boolean"),  # before int, which it is a subclass of
    (int, "a whole number"),
    (float, "a number"),
    (str, "a string"),
    (tuple, "a list"),
    (dict, "a mapping"),
    (bytes, "binary data"),
    (type(None), "nothing"),
)


class Wrong(Exception):
    """A value that its key cannot take. Neither text may hold the value.

    Args:
        message: What is wrong, as the end of a sentence about the key.
        hint: How to mend it.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@frozen
class Kind(Generic[T]):
    """What a key takes.

    Attributes:
        name: For the reference page, such as ``seconds``.
        read: Turns a node, its variable already looked up, into the value.
    """

    name: str
    read: Callable[[Node, Reading], T]


@frozen
class Reading:
    """All that reading a value needs.

    Attributes:
        findings: Takes what is wrong.
        environ: The environment, with ``environment_variables`` laid over it.
        is_file: Says whether a path is an existing file.
    """

    findings: Findings
    environ: Mapping[str, str] = field(repr=False)
    is_file: Callable[[Path], bool]

    def read(self, kind: Kind[T], node: Node | None) -> T | None:
        """Return the value of *node*; None where it is absent, null, or wrong (which is then noted)."""
        if node is None or node.value is None:
            return None
        resolved = node
        try:
            resolved = self.resolve(node)
            return kind.read(resolved, self)
        except Wrong as wrong:
            source = f" (it comes from the variable {resolved.variable})" if resolved.variable else ""
            self.findings.error(node.place, wrong.message + source, wrong.hint)
            return None

    def resolve(self, node: Node) -> Node:
        """Return *node* with ``os.environ/NAME`` replaced by what the variable holds.

        Raises:
            Wrong: There is no such variable, or it is empty.
        """
        name = variable_of(node)
        if name is None:
            return node
        if not _VARIABLE.fullmatch(name):
            raise Wrong("names no environment variable", f"write {ENVIRON_PREFIX} and a variable's name")
        if name not in self.environ:
            raise Wrong(f"the environment variable {name} is not set", f"set {name}, or remove this setting")
        if not self.environ[name]:
            raise Wrong(
                f"the environment variable {name} is empty", f"give {name} a value, or remove this setting"
            )
        return evolve(node, value=self.environ[name], variable=name)

    def default(self, kind: Kind[T], node: Node, *names: str) -> T | None:
        """Return the value of the first of the variables *names* that is set and not empty, else None.

        What is wrong with it is noted at *node*, which is what would have used it.
        """
        for name in names:
            if text := self.environ.get(name):
                return self.read(kind, evolve(node, value=text, variable=name))
        return None


def variable_of(node: Node) -> str | None:
    """Return the name behind ``os.environ/``, or None where *node* is no such reference."""
    if node.variable is None and isinstance(node.value, str) and node.value.startswith(ENVIRON_PREFIX):
        return node.value.removeprefix(ENVIRON_PREFIX)
    return None


def environment_of(section: Node | None, environ: Mapping[str, str], findings: Findings) -> Mapping[str, str]:
    """Return *environ* with the section ``environment_variables`` laid over it.

    As in LiteLLM, the file wins over the process, values become text, and a reference to a variable that is
    not set leaves its name as it was: it matters only if something needs it. That the section is a mapping
    is not looked at here.
    """
    laid_over = dict(environ)
    for name, node in section.keys().items() if section else ():
        source = variable_of(node)
        if source is not None and source in environ:
            laid_over[name] = environ[source]
        elif source is not None:
            findings.warn(node.place, f"left alone: the environment variable {source[:80]} is not set")
        elif isinstance(node.value, (str, bool, int, float)):
            laid_over[name] = str(node.value)
        elif node.value is not None:
            findings.error(node.place, f"must be a string, not {describe(node)}")
    return Unshown(laid_over)


class Unshown(Mapping[str, str]):
    """An environment whose ``repr`` does not show it: some tools show tracebacks with their variables.

    Args:
        variables: What it holds, and goes on to hold.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def __getitem__(self, name: str) -> str:
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    def __repr__(self) -> str:
        return f"<{len(self)} variables>"


ENVIRON = Unshown(os.environ)
"""The process's environment, as it is when it is looked at."""


def describe(node: Node) -> str:
    """Return the type of *node*'s value in words, and nothing of the value."""
    return next((name for type_, name in _TYPE_NAMES if isinstance(node.value, type_)), "a date")


def closest(name: str, known: Collection[str]) -> str:
    """Return ``did you mean …?`` for the most similar of *known*; empty where none is."""
    matches = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {matches[0]}?" if matches else ""
