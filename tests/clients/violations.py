"""Events held against the types of an ``openai`` package: that which this interpreter has."""

import importlib
from collections.abc import Iterator
from typing import Any, get_args

import pydantic

Models = dict[str, type[pydantic.BaseModel]]


def models(package: str, union: str) -> Models:
    """Return the members of an event union, such as ``realtime_server_event``, by event type."""
    module = importlib.import_module(f"{package}.{union}")
    name = "".join(part.capitalize() for part in union.split("_"))
    return {_type_of(model): model for model in _members(getattr(module, name))}


def _members(annotation: Any) -> Iterator[type[pydantic.BaseModel]]:
    for argument in get_args(annotation):
        if isinstance(argument, type) and issubclass(argument, pydantic.BaseModel):
            yield argument
        else:
            yield from _members(argument)


def _type_of(model: type[pydantic.BaseModel]) -> str:
    field = model.model_fields["type"]
    return str((get_args(field.annotation) or (field.default,))[0])


def violations(event: dict[str, Any], known: Models) -> list[str]:
    """Return what the event's own type says against it: a field that is missing, or is of another kind."""
    try:
        known[event["type"]].model_validate(event)
    except KeyError:
        return [f"{event['type']}: no such event"]
    except pydantic.ValidationError as error:
        return [
            f"{event['type']}: {each['loc']} {each['type']} {each['input']!r:.60}" for each in error.errors()
        ]
    return []
