"""A small language for the shape of JSON: a check looks at a value and refuses what a real server would.

Checks compose: ``record({"speed": number(0.25, 1.5)})`` is itself a check. Each is called with the value and
with its place (``session.audio.output``), which becomes ``error.param``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from realtime_lb.simulator.refusals import (
    EventRefused,
    invalid_value,
    missing_parameter,
    unknown_parameter,
    wrong_type,
)

__all__ = [
    "Check",
    "an_object",
    "anything",
    "either",
    "flag",
    "list_of",
    "nullable",
    "number",
    "one_of",
    "record",
    "string_map",
    "tagged",
    "text",
    "whole",
]

Check: TypeAlias = Callable[[Any, str], None]


def anything(value: Any, place: str) -> None:
    """Accept every value."""


def an_object(value: Any, place: str) -> None:
    """Accept every object."""
    if not isinstance(value, dict):
        raise wrong_type(place, "an object", value)


def text(max_chars: int | None = None) -> Check:
    """Accept a string of at most *max_chars* characters."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, str):
            raise wrong_type(place, "a string", value)
        if max_chars is not None and len(value) > max_chars:
            raise EventRefused(
                f"Invalid '{place}': string too long. Expected a string with maximum length {max_chars}, "
                f"but got a string with length {len(value)} instead.",
                code="string_above_max_length",
                param=place,
            )

    return check


def flag(value: Any, place: str) -> None:
    """Accept true and false."""
    if not isinstance(value, bool):
        raise wrong_type(place, "a boolean", value)


def number(least: float, most: float) -> Check:
    """Accept a number from *least* to *most*, both allowed."""

    def check(value: Any, place: str) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise wrong_type(place, "a decimal", value)
        _within(value, place, least, most)

    return check


def whole(least: int, most: int | None = None) -> Check:
    """Accept an integer from *least* to *most*, both allowed."""

    def check(value: Any, place: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong_type(place, "an integer", value)
        _within(value, place, least, most)

    return check


def _within(value: float, place: str, least: float, most: float | None) -> None:
    if value < least:
        raise invalid_value(
            place, f"Invalid '{place}': below minimum value. Expected a value >= {least}, got {value}."
        )
    if most is not None and value > most:
        raise invalid_value(
            place, f"Invalid '{place}': above maximum value. Expected a value <= {most}, got {value}."
        )


def one_of(*allowed: str) -> Check:
    """Accept one of the strings *allowed*."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, str):
            raise wrong_type(place, "a string", value)
        if value not in allowed:
            raise invalid_value(place, f"Invalid value: '{value}'. Supported values are: {_names(allowed)}.")

    return check


def _names(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def nullable(inner: Check) -> Check:
    """Accept null, or what *inner* accepts."""

    def check(value: Any, place: str) -> None:
        if value is not None:
            inner(value, place)

    return check


def either(kind: type | tuple[type, ...], first: Check, second: Check) -> Check:
    """Hold values of *kind* to *first*, all others to *second*."""

    def check(value: Any, place: str) -> None:
        (first if isinstance(value, kind) else second)(value, place)

    return check


def list_of(inner: Check, *, least: int = 0) -> Check:
    """Accept an array of at least *least* values that *inner* accepts."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, list):
            raise wrong_type(place, "an array", value)
        if len(value) < least:
            raise invalid_value(place, f"Invalid '{place}': expected at least {least} elements.")
        for index, element in enumerate(value):
            inner(element, f"{place}[{index}]")

    return check


def record(fields: Mapping[str, Check], *, needs: Iterable[str] = (), is_open: bool = False) -> Check:
    """Accept an object that has all of *needs*, none but *fields*, and values that their checks accept.

    An open one may have other fields too, which nobody looks at.
    """
    needed = tuple(needs)

    def check(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise wrong_type(place, "an object", value)
        for name in needed:
            if name not in value:
                raise missing_parameter(_inside(place, name))
        for name, element in value.items():
            if is_open and name not in fields:
                continue
            if name not in fields:
                raise unknown_parameter(_inside(place, name))
            fields[name](element, _inside(place, name))

    return check


def _inside(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def tagged(tag: str, kinds: Mapping[str, Check]) -> Check:
    """Accept an object whose field *tag* names the check that it is held to."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise wrong_type(place, "an object", value)
        if tag not in value:
            raise missing_parameter(_inside(place, tag))
        one_of(*kinds)(value[tag], _inside(place, tag))
        kinds[value[tag]](value, place)

    return check


def string_map(most: int, key_chars: int, value_chars: int) -> Check:
    """Accept an object of at most *most* pairs of strings, each no longer than allowed."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise wrong_type(place, "an object", value)
        if len(value) > most:
            raise invalid_value(place, f"Invalid '{place}': too many properties, at most {most} allowed.")
        for name, element in value.items():
            text(key_chars)(name, place)
            text(value_chars)(element, _inside(place, name))

    return check
