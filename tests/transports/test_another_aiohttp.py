"""An aiohttp that is not as we know it is refused at the import, in words that say what to do."""

import importlib
import sys
import tomllib
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
