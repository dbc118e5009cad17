"""Where commands print."""

from __future__ import annotations

import sys

from rich.console import Console

__all__ = ["UNBOUNDED", "console_for"]

UNBOUNDED = 10_000
"""Columns of a pipe: nothing is folded or cut that another program may want whole."""


def console_for() -> Console:
    """Return standard output: as wide as the terminal, or unbounded where there is none.

    Nothing that is printed is read as markup or coloured for what it looks like, since names come from files.
    """
    width = None if sys.stdout.isatty() else UNBOUNDED
    return Console(width=width, highlight=False, markup=False, emoji=False)
