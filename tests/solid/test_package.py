"""What is installed with the package, and what importing it does: nothing but that."""

import email
import json
import logging
import mimetypes
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
RUNTIME = {"aiohttp", "attrs", "cattrs", "pyyaml", "structlog"}

log = logging.getLogger("figures")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    build = (sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder))
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    """No ``.pth`` file, which would run at every start of the interpreter, and nothing of the tests."""
    names = wheel.namelist()
    info = {
        f"realtime_lb-0.1.0.dist-info/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")
    }
    beside = {name for name in names if not name.startswith("realtime_lb/")}
    assert beside == info | {"realtime_lb-0.1.0.dist-info/licenses/LICENSE"}
    assert {Path(name).suffix for name in names if name.startswith("realtime_lb/")} <= {
        ".py",
        ".typed",
        ".json",
    }
    written = {str(path.relative_to(ROOT)) for path in (ROOT / "realtime_lb").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == written
    log.info(
        "figure: E14 wheel: %d files, 0 .pth, 0 of the tests; %d runtime dependencies",
        len(names),
        len(RUNTIME),
    )


def test_few_packages_are_needed_to_run(wheel: zipfile.ZipFile) -> None:
    metadata = email.message_from_bytes(wheel.read("realtime_lb-0.1.0.dist-info/METADATA"))
    needed = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert {re.split("[<>]", line)[0] for line in needed} == RUNTIME


def test_what_is_pinned_is_all_that_the_package_needs_and_has_hashes() -> None:
    """``make lock`` renews it."""
    text = (ROOT / "requirements.txt").read_text().replace("\\\n", " ")
    pinned = {}
    for line in text.splitlines():
        if line and not line.lstrip().startswith("#"):
            assert " --hash=sha256:" in line, line
            requirement = Requirement(line.partition(" --hash")[0])
            pinned[canonicalize_name(requirement.name)] = requirement
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [
        each for name, extra in project["optional-dependencies"].items() if name != "all" for each in extra
    ]
    for needed in map(Requirement, [*project["dependencies"], *extras]):
        (exactly,) = pinned[canonicalize_name(needed.name)].specifier
        assert exactly.operator == "=="
        assert needed.specifier.contains(exactly.version), needed


IMPORTING = """
import importlib, json, pkgutil, sys
seen, quiet = [], ("socket.__new__",)

def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        seen.append([event, arguments[0], str(arguments[1])])
    elif event.startswith(("socket.", "subprocess.", "os.", "shutil.", "urllib.", "ftplib.", "smtplib.")):
        if event not in ("os.listdir", "os.scandir"):
            seen.append([event, repr(arguments)[:200], ""])

sys.addaudithook(watch)
import realtime_lb
for module in pkgutil.walk_packages(realtime_lb.__path__, "realtime_lb."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(json.dumps({"seen": seen, "modules": sum(name.startswith("realtime_lb") for name in sys.modules)}))
"""


def test_importing_it_opens_no_socket_starts_nothing_and_reads_nothing_but_code() -> None:
    """Each module, optional ones included, as the interpreter's own audit events tell."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        (sys.executable, "-B", "-c", IMPORTING), cwd=ROOT, env=environment, check=True, capture_output=True
    )
    told = json.loads(done.stdout)
    opened = [one for one in told["seen"] if one[0] == "open"]
    odd = [one for one in told["seen"] if one[0] != "open"]
    odd += [one for one in opened if not _is_code(one[1]) or one[2] not in {"r", "rb", "None"}]
    log.info(
        "figure: E14 import: %d modules, %d files read, %d odd events", told["modules"], len(opened), len(odd)
    )
    assert told["modules"] > 200
    assert odd == []


def _is_code(path: str) -> bool:
    """aiohttp has the standard library read the system's table of media types."""
    places = [str(Path(one).resolve()) for one in (sys.prefix, sys.base_prefix, ROOT)]
    return str(Path(path).resolve()).startswith(tuple(places)) or path in mimetypes.knownfiles
