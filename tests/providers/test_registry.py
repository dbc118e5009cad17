"""Finding providers: ours, and those of installed packages."""

from pathlib import Path

import pytest

from realtime_lb.errors import ConfigError
from realtime_lb.providers import load_providers

MODULE = """
from realtime_lb.abc import ProviderAdapter

class Acme(ProviderAdapter):
    name = "acme"

class Thief(ProviderAdapter):
    name = "openai"

class Nameless(ProviderAdapter):
    pass

acme = Acme()
"""


def install(folder: Path, package: str, entry_points: str) -> None:
    """Lay out *package* as an installer would."""
    info = folder / f"{package}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(f"[realtime_lb.providers]\n{entry_points}\n")
    (folder / f"{package}_module.py").write_text(MODULE)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_the_built_ins_are_there_under_their_names() -> None:
    loaded = load_providers([])
    assert {name: adapter.name for name, adapter in loaded.items()} == {
        "openai": "openai",
        "azure": "azure",
        "openai_compatible": "openai_compatible",
        "azure_voice_live": "azure_voice_live",
        "xai": "xai",
    }


def test_each_caller_gets_adapters_of_its_own() -> None:
    """Two routers must not close each other's credentials."""
    assert load_providers([])["azure"] is not load_providers([])["azure"]


def test_an_installed_package_adds_its_provider(site: Path) -> None:
    install(site, "goodpkg", "acme = goodpkg_module:Acme")
    assert load_providers()["acme"].name == "acme"


@pytest.mark.parametrize(
    ("entry_point", "reason"),
    [
        ("openai = badpkg_module:Thief", "the name 'openai' is taken"),
        ("acme = badpkg_module:Absent", "AttributeError"),
        ("acme = no_such_module:Acme", "ModuleNotFoundError"),
        ("acme = badpkg_module:acme", "not a subclass"),
        ("acme = badpkg_module:MODULE", "AttributeError"),
        ("other = badpkg_module:Acme", "calls itself 'acme'"),
        ("acme = badpkg_module:Nameless", "calls itself ''"),
    ],
)
def test_a_package_that_cannot_be_used_is_named(site: Path, entry_point: str, reason: str) -> None:
    """Above all one that would take a built-in's name, and with it its keys."""
    install(site, "badpkg", entry_point)
    with pytest.raises(ConfigError, match=reason) as refused:
        load_providers()
    assert "badpkg 1.2" in str(refused.value)


def test_two_packages_cannot_share_a_name_and_all_problems_are_told(site: Path) -> None:
    install(site, "first", "acme = first_module:Acme")
    install(site, "second", "acme = second_module:Acme\nbroken = second_module:Absent")
    with pytest.raises(ConfigError) as refused:
        load_providers()
    assert len(refused.value.problems) == 2
