"""The cases: whoever puts a `Case` into a module of this package has it on the board."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from benchmarks.scoreboard.case import Case

__all__ = ["all_cases"]


def all_cases() -> list[Case]:
    """Return a case of every class, in the order of their ids."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return sorted((each() for each in _below(Case) if hasattr(each, "id")), key=lambda case: _order(case.id))


def _below(base: Any) -> list[type[Case]]:
    children = [each for each in base.__subclasses__() if each.__module__.startswith(f"{__name__}.")]
    return [*children, *(deeper for each in children for deeper in _below(each))]


def _order(name: str) -> tuple[str, int]:
    return name[0], int(name[1:])
