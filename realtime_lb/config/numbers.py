"""The kinds of numbers that keys take, as one constant each."""

from __future__ import annotations

import re
from collections.abc import Callable

from attrs import evolve

from realtime_lb.config.document import Node
from realtime_lb.config.reading import Kind, Reading, Wrong, describe

__all__ = [
    "COUNT",
    "NON_NEGATIVE",
    "PORT",
    "PRICE",
    "SECONDS",
    "SECONDS_OR_NONE",
    "SHARE",
    "WHOLE",
    "ZERO_OR_MORE",
]

LARGEST = 2**53
"""Up to here a double holds every whole number exactly; no key of ours needs more."""

_NUMERIC = re.compile(r"[-+]?(\d+(_\d+)*(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
"""What `float` takes, but for names such as ``inf``."""


def _number(node: Node, _: Reading) -> float:
    if node.variable and isinstance(node.value, str) and _NUMERIC.fullmatch(node.value.strip()):
        value: object = float(node.value)
    else:
        value = node.value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Wrong(f"must be a number, not {describe(node)}", _numeric_hint(node))
    if not abs(value) <= LARGEST:  # not a number compares false with everything
        raise Wrong("is out of range", "give a finite number")
    return float(value)


def _whole(node: Node, reading: Reading) -> int:
    value = _number(node, reading)
    if value != int(value) or (isinstance(node.value, float) and not node.variable):
        raise Wrong("must be a whole number", "drop the decimal point")
    return int(value)


def _numeric_hint(node: Node) -> str:
    if node.variable:
        return f"{node.variable} must hold a number"
    if isinstance(node.value, str) and _NUMERIC.fullmatch(node.value):
        return (
            "remove the quotes" if "e" not in node.value.lower() else "write it out: YAML reads 1e6 as text"
        )
    return ""


def _at_least(minimum: int, read: Callable[[Node, Reading], float]) -> Callable[[Node, Reading], float]:
    def checked(node: Node, reading: Reading) -> float:
        value = read(node, reading)
        if value < minimum:
            raise Wrong(f"must be {minimum} or more")
        return value

    return checked


def _bounded_whole(minimum: int) -> Callable[[Node, Reading], int]:
    checked = _at_least(minimum, _whole)
    return lambda node, reading: int(checked(node, reading))


def _price(node: Node, reading: Reading) -> float:
    """Text may be a number here: YAML takes ``4e-07``, which is how price lists write it, for text."""
    if isinstance(node.value, str) and _NUMERIC.fullmatch(node.value):
        node = evolve(node, value=float(node.value))
    return _at_least(0, _number)(node, reading)


def _share(node: Node, reading: Reading) -> float:
    value = _at_least(0, _number)(node, reading)
    if value > 1:
        raise Wrong("must be 1 or less", "1 is all of it, 0.5 is half")
    return value


def _port(node: Node, reading: Reading) -> int:
    value = _whole(node, reading)
    if not 0 <= value <= 65_535:
        raise Wrong("must be 0 to 65535", "0 does not listen")
    return value


def _seconds(node: Node, reading: Reading) -> float:
    value = _number(node, reading)
    if value <= 0:
        raise Wrong("must be more than 0 seconds")
    return value


WHOLE = Kind("whole number", _whole)
COUNT = Kind("whole number ≥ 1", _bounded_whole(1))
ZERO_OR_MORE = Kind("whole number ≥ 0", _bounded_whole(0))
NON_NEGATIVE = Kind("number ≥ 0", _at_least(0, _number))
SECONDS = Kind("seconds", _seconds)
SECONDS_OR_NONE = Kind("seconds ≥ 0", _at_least(0, _number))
SHARE = Kind("share, 0 to 1", _share)
PORT = Kind("port", _port)
PRICE = Kind("number ≥ 0", _price)
