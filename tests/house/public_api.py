"""An overview of the public API, as text: ``python -m tests.house.public_api`` prints it."""

import enum
import importlib
import inspect
import types
from collections.abc import Iterator

MODULES = (
    "realtime_lb",
    "realtime_lb.abc",
    "realtime_lb.errors",
    "realtime_lb.frames",
    "realtime_lb.records",
    "realtime_lb.requests",
    "realtime_lb.server",
    "realtime_lb.settings",
    "realtime_lb.simulator",
    "realtime_lb.strategies",
    "realtime_lb.testing",
)


def overview() -> str:
    return "\n".join(line for name in MODULES for line in _module(name)) + "\n"


def _module(name: str) -> Iterator[str]:
    module = importlib.import_module(name)
    yield f"{name}:"
    for public in sorted(module.__all__):
        yield from (f"    {line}" for line in _described(public, getattr(module, public)))


def _described(name: str, value: object) -> Iterator[str]:
    if isinstance(value, types.ModuleType):
        yield f"module {name}"
    elif inspect.isclass(value):
        yield f"class {name}{_bases(value)}{_signature(value)}"
        for member, function in sorted(vars(value).items()):
            if not member.startswith("_"):
                yield from (f"    {line}" for line in _member(member, function))
    elif callable(value) and hasattr(value, "__code__"):
        yield f"def {name}{_signature(value)}"
    else:
        yield f"{name}"


def _member(name: str, value: object) -> Iterator[str]:
    if isinstance(value, classmethod):
        yield f"classmethod {name}{_signature(value.__func__)}"
    elif inspect.iscoroutinefunction(value):
        yield f"async def {name}{_signature(value)}"
    elif inspect.isfunction(value):
        yield f"def {name}{_signature(value)}"
    elif isinstance(value, property):
        yield f"property {name}"


def _bases(value: type) -> str:
    return f"({', '.join(base.__name__ for base in value.__bases__ if base is not object)})".replace("()", "")


def _signature(value: object) -> str:
    if inspect.isclass(value) and (issubclass(value, enum.Enum) or getattr(value, "_is_protocol", False)):
        return ""  # nobody calls these, and Python's own versions differ
    try:
        signature = inspect.signature(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return ""
    names = []
    for parameter in signature.parameters.values():
        default = "" if parameter.default is parameter.empty else "=..."
        star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
        star = "**" if parameter.kind is parameter.VAR_KEYWORD else star
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in names:
            names.append("*")
        names.append(f"{star}{parameter.name}{default}")
    return f"({', '.join(names)})"


if __name__ == "__main__":
    print(overview(), end="")  # noqa: T201  # its purpose
