"""Events held against the types of an ``openai`` package: that which this interpreter has.

Usage: python -m tests.clients.violations <package> <union>. Reads events as JSON lines, and prints for each a
line with all that is said against it.
"""

# ruff: noqa: T201  # printing is how it reports

import importlib
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, get_args

import pydantic

Models = dict[str, type[pydantic.BaseModel]]

MISSING = "missing"
NO_SUCH_EVENT = "no_such_event"


@dataclass(frozen=True)
class Violation:
    """What a type says against an event.

    Attributes:
        event: The event's type.
        place: Where it goes wrong: dotted, ``[]`` for any place in a list.
        kind: Pydantic's word for it, `MISSING` among them, or `NO_SUCH_EVENT`.
        value: What stands there: JSON, cut short.
        required: The type insists on the field; an optional one has a value that the type does not know.
    """

    event: str
    place: str
    kind: str
    value: str
    required: bool


def models(package: str, union: str) -> Models:
    """Return the members of an event union, such as ``realtime_server_event``, by event type."""
    module = importlib.import_module(f"{package}.{union}")
    name = "".join(part.capitalize() for part in union.split("_"))
    return {_type_of(model): model for model in _members(getattr(module, name))}


def _members(annotation: Any) -> Iterator[type[pydantic.BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _members(argument)


def _type_of(model: type[pydantic.BaseModel]) -> str:
    field = model.model_fields["type"]
    return str((get_args(field.annotation) or (field.default,))[0])


def violations(event: dict[str, Any], known: Models) -> list[Violation]:
    """Return what the event's own type says against it. Nothing is converted: ``"5"`` is no number."""
    name = str(event["type"])
    if name not in known:
        return [Violation(name, "type", NO_SUCH_EVENT, json.dumps(name), required=True)]
    try:
        known[name].model_validate_json(json.dumps(event), strict=True)
    except pydantic.ValidationError as error:
        return [_violation(name, known[name], each) for each in error.errors()]
    return []


def _violation(name: str, model: type[pydantic.BaseModel], error: Any) -> Violation:
    place, required, held = "", True, [model]
    for part in error["loc"]:
        if isinstance(part, int):
            place += "[]"
            continue
        field = next((each.model_fields[part] for each in held if part in each.model_fields), None)
        if field is None:  # which member of a union says so
            held = [each for each in held if each.__name__ == part] or held
            continue
        place, required = f"{place}.{part}".lstrip("."), field.is_required()
        held = list(_members(field.annotation))
    value = "" if error["type"] == MISSING else json.dumps(error["input"])[:60]
    return Violation(name, place, error["type"], value, required)


def main(package: str, union: str) -> None:
    known = models(package, union)
    for line in sys.stdin:
        print(json.dumps([asdict(each) for each in violations(json.loads(line), known)]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
