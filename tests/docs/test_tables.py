"""The reference pages say what the code says."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path

import attrs
import pytest

from realtime_lb import RealtimeRouter, Settings, errors
from realtime_lb.server import create_admin_app, create_app
from tests.docs.pages import ROOT, prose
from tests.docs.tables import DOCS, SAMPLES, pages, put_into


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_the_tables_are_what_the_code_has(page: Path) -> None:
    """If they are not: ``python -m tests.docs.tables``."""
    assert page.read_text() == put_into(page.read_text(), str(page.relative_to(DOCS)))


def test_every_error_has_a_sample() -> None:
    assert set(SAMPLES) == set(errors.__all__) - {"ConfigProblem"}
    assert all(type(sample).__name__ == name for name, sample in SAMPLES.items())


def test_the_tree_is_the_one_of_the_classes() -> None:
    """Each line's depth is its class's distance from the root."""
    text = (ROOT / "docs" / "reference" / "errors.md").read_text()
    tree = text.partition("```text\n")[2].partition("```")[0].splitlines()
    told = [(len(re.match(r"[│├└─ ]*", line)[0]) // 4, re.search(r"\w+", line)[0]) for line in tree]  # type: ignore[index]
    path: list[str] = []
    for depth, name in told:
        path[depth:] = [name]
        bases = [base.__name__ for base in getattr(errors, name).__mro__]
        assert bases[: depth + 1] == path[::-1]
    assert {name for _, name in told} == set(SAMPLES)


async def test_every_route_is_on_the_page_about_http() -> None:
    async with RealtimeRouter(Settings(deployments=())) as router:
        apps = (create_app(router), create_admin_app(router))
        routes = [route for app in apps for route in app.router.routes()]
        served = {r.resource.canonical for r in routes if r.resource and r.method in {"GET", "POST"}}
    page = prose(ROOT / "docs" / "reference" / "http.md")
    assert set(re.findall(r"^\| `(/[\w/]+)`", page, re.MULTILINE)) == served


def test_every_refusal_on_the_page_about_http_is_the_classs() -> None:
    page = prose(ROOT / "docs" / "reference" / "http.md")
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \| `(\w+)` \|", page, re.MULTILINE)
    assert len(rows) >= 10
    source = "".join(path.read_text() for path in (ROOT / "realtime_lb").rglob("*.py"))
    limited = errors.AllUpstreamsFailed("voice", [errors.HandshakeRefused(429)])
    for status, code, name in rows:
        if name == "InvalidRequest":  # its code comes with the case
            assert (status, f'code="{code}"' in source or code == errors.InvalidRequest.code) == ("400", True)
        else:
            samples = (SAMPLES[name], limited if name == "AllUpstreamsFailed" else SAMPLES[name])
            assert (int(status), code) in {(sample.http_status, sample.code) for sample in samples}


def test_every_limit_has_the_default_that_the_page_tells() -> None:
    """The last cell names an attribute of the settings, or a constant as ``file: NAME``."""
    page = prose(ROOT / "docs" / "explanation" / "backpressure-and-deadlines.md")
    rows = re.findall(r"^\| .+ \| ([\d,.]+)[^|]* \| `([\w/.]+)(?:: (\w+))?` \|$", page, re.MULTILINE)
    assert len(rows) >= 15
    for told, place, constant in rows:
        assert float(told.replace(",", "")) == pytest.approx(_value(place, constant)), (place, constant)


def _value(place: str, constant: str) -> float:
    if constant:
        module = importlib.import_module(place.removesuffix(".py").replace("/", "."))
        return float(getattr(module, constant))
    name, attribute = place.split(".")
    settings = importlib.import_module("realtime_lb.settings")
    (field,) = (each for each in attrs.fields(getattr(settings, name)) if each.name == attribute)
    return float(field.default)


def test_the_floors_are_those_that_the_linter_holds() -> None:
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text()
    drawn = page.partition("```text\n")[2].partition("```")[0].splitlines()
    floors = [re.split(r"\s{2,}", line)[0] for line in drawn]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (contract,) = (c for c in project["tool"]["importlinter"]["contracts"] if c["id"] == "floors")
    assert floors == contract["layers"]


def test_the_changelog_has_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    (version,) = re.findall(r'^version = "([\d.]+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert f"## [{version}]" in text
