"""What the pages point to is there: other pages, headings, files, names in the code."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

import realtime_lb
from realtime_lb import errors, server, simulator, testing
from realtime_lb.settings import Settings
from tests.docs.pages import PAGES, ROOT, anchors, prose

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PUBLIC = (realtime_lb, server, testing, simulator, errors)
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(prose(page)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        pointed = page if not path else (page.parent / path).resolve()
        assert pointed.exists(), target
        assert not anchor or anchor in anchors(pointed), target


def test_every_page_is_reached_from_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / target.partition("#")[0]).resolve() for target in _LINK.findall(prose(index))}
    assert {page for page in PAGES if page.is_relative_to(index.parent) and page != index} <= linked
    assert index in {(ROOT / target).resolve() for target in _LINK.findall(prose(ROOT / "README.md"))}


@every_page
def test_files_that_are_named_exist(page: Path) -> None:
    for name in re.findall(r"`((?:realtime_lb|examples|tests|docs)/[\w./-]+)`", page.read_text()):
        assert (ROOT / name).exists(), name


@every_page
def test_names_of_the_code_exist(page: Path) -> None:
    """Dotted names that begin with the package's are modules, their members, or keys of our own section."""
    for name in re.findall(r"`(realtime_lb(?:\.\w+)+)[(`]", prose(page)):
        assert _is_name(name) or _is_key(name), name


def _is_name(name: str) -> bool:
    parts = name.split(".")
    found: object = realtime_lb
    for at, part in enumerate(parts[1:], start=2):
        if not hasattr(found, part):
            try:
                importlib.import_module(".".join(parts[:at]))
            except ImportError:
                return False
        found = getattr(found, part)
    return True


def _is_key(name: str) -> bool:
    _, section, *keys = name.split(".")
    found: object = Settings(deployments=())
    for part in (section, *keys):
        if not hasattr(found, part):
            return False
        found = getattr(found, part)
    return True


@pytest.mark.parametrize("module", PUBLIC, ids=lambda module: module.__name__)
def test_every_public_name_is_told_of(module: ModuleType) -> None:
    pages = ("python-api.md", "errors.md", "simulator.md")
    told = "".join((ROOT / "docs" / "reference" / page).read_text() for page in pages)
    missing = [name for name in module.__all__ if not re.search(rf"\b{name}\b", told)]
    assert missing == []
