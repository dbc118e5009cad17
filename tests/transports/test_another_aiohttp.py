"""An aiohttp that is not as we know it is refused at the import, in words that say what to do."""

import ast
import importlib
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from realtime_lb.transports import insides
from tests.cli.processes import run

ROOT = Path(__file__).parents[2]

OTHER = """
import aiohttp
aiohttp.__version__ = "9.9.9"
del aiohttp.TCPConnector._wrap_create_connection
import realtime_lb
"""


async def test_a_program_that_has_another_aiohttp_is_told_so_at_the_import() -> None:
    done = await run(command=(sys.executable, "-c", OTHER))
    assert done.status == 1
    assert done.err.splitlines()[-1] == (
        "ImportError: realtime_lb does not know aiohttp 9.9.9, "
        "which has no TCPConnector._wrap_create_connection; pip install 'aiohttp>=3.14.5,<3.15'"
    )


@pytest.mark.parametrize("place", insides.LEANT_ON)
def test_whatever_is_not_there_is_named(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, _, name = place.partition(":")
    monkeypatch.delattr(importlib.import_module(module), name)
    with pytest.raises(ImportError, match=f"has no {name};"):
        insides.check_aiohttp()


def test_so_is_an_attribute_that_instances_are_no_longer_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(insides.LEANT_ON, "aiohttp.web_server:Server", ("_kwargs", "_keywords"))
    with pytest.raises(ImportError, match=r"has no Server\._keywords;"):
        insides.check_aiohttp()


def test_the_package_asks_for_the_versions_that_we_know() -> None:
    (asked,) = (
        each
        for each in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
        if each.startswith("aiohttp")
    )
    assert asked == f"aiohttp{insides.KNOWN}"


def test_all_that_aiohttp_promises_to_nobody_is_looked_for() -> None:
    """What is private, and nobody's in this package, is aiohttp's wherever that is imported."""
    trees = {file: ast.parse(file.read_text()) for file in (ROOT / "realtime_lb").rglob("*.py")}
    ours = {name for tree in trees.values() for node in ast.walk(tree) for name in _given(node)}
    leant_on = {
        node.attr
        for file, tree in trees.items()
        for node in ast.walk(tree)
        if "aiohttp" in file.read_text() and isinstance(node, ast.Attribute) and _is_private(node.attr)
    }
    assert leant_on - ours <= {name for names in insides.LEANT_ON.values() for name in names}


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _given(node: ast.AST) -> Iterator[str]:
    """Yield the names that are given to something here."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        yield node.attr
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
