"""The house rules are checked, and each check fails when its rule is broken."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.sizes import FILE_LINES, FUNCTION_LINES, oversized

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "realtime_lb"


def run(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).parent / command[0]
    environ = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(
        [str(tool), *command[1:]], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The house, to break things in."""
    shutil.copytree(PACKAGE, tmp_path / "realtime_lb", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_no_file_and_no_function_is_too_large() -> None:
    assert list(oversized(PACKAGE)) == []


def test_a_file_and_a_function_that_grow_too_large_are_named(tmp_path: Path) -> None:
    (tmp_path / "long.py").write_text("x = 1\n" * (FILE_LINES + 1))
    (tmp_path / "deep.py").write_text("async def f():\n" + "    x = 1\n" * FUNCTION_LINES)
    (tmp_path / "fine.py").write_text("def f():\n" + "    x = 1\n" * (FUNCTION_LINES - 1))
    assert list(oversized(tmp_path)) == ["deep.py: f has 61 lines", "long.py: 401 lines"]


def test_imports_point_down_only(copy: Path) -> None:
    result = run("lint-imports", "--no-cache", folder=copy)
    assert result.returncode == 0, result.stdout
    assert "3 kept, 0 broken" in result.stdout


@pytest.mark.parametrize(
    ("file", "line", "broken"),
    [
        ("events.py", "from realtime_lb import router", "An import only ever points down BROKEN"),
        ("relay.py", "from realtime_lb import dialer", "An import only ever points down BROKEN"),
        ("server/app.py", "from realtime_lb import simulator", "An import only ever points down BROKEN"),
        ("strategies/least_busy.py", "import asyncio", "Decisions do no I/O BROKEN"),
        ("config/load.py", "import aiohttp", "Decisions do no I/O BROKEN"),
        ("transports/memory.py", "from realtime_lb.transports import memory_user", "No cycles BROKEN"),
    ],
)
def test_an_import_that_points_up_or_does_io_is_named(copy: Path, file: str, line: str, broken: str) -> None:
    (copy / "realtime_lb/transports/memory_user.py").write_text("from realtime_lb.transports import memory\n")
    broken_file = copy / "realtime_lb" / file
    broken_file.write_text(f"{broken_file.read_text()}\n{line}\n")
    result = run("lint-imports", "--no-cache", folder=copy)
    assert result.returncode == 1
    assert broken in result.stdout


def test_a_room_that_nobody_placed_is_named(copy: Path) -> None:
    (copy / "realtime_lb" / "utils.py").write_text('"""Misplaced."""\n')
    result = run("lint-imports", "--no-cache", folder=copy)
    assert result.returncode == 1
    assert "utils" in result.stdout


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("def f(x):\n    return x\n", "no-untyped-def"),
        ("def f(x: int) -> str:\n    return x\n", "return-value"),
        ("x: list = []\n", "type-arg"),
    ],
)
def test_mypy_is_strict(tmp_path: Path, code: str, named: str) -> None:
    (tmp_path / "loose.py").write_text(code)
    config = str(ROOT / "pyproject.toml")
    result = run("mypy", "--config-file", config, str(tmp_path / "loose.py"), folder=ROOT)
    assert result.returncode == 1
    assert named in result.stdout


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("import asyncio\n\n\nasync def f() -> None:\n    asyncio.create_task(g())\n", "RUF006"),
        ("try:\n    x = 1\nexcept Exception:\n    pass\n", "BLE001"),
        ("import time\n\n\nasync def f() -> None:\n    time.sleep(1)\n", "ASYNC251"),
        ("print(1)\n", "T201"),
        ("def f() -> None:\n    return None\n", "D103"),
    ],
)
def test_ruffs_rules_are_broad(tmp_path: Path, code: str, named: str) -> None:
    package = tmp_path / "realtime_lb"
    package.mkdir()
    (package / "loose.py").write_text(code)
    config = str(ROOT / "pyproject.toml")
    result = run("ruff", "check", "--no-cache", "--config", config, str(package), folder=tmp_path)
    assert result.returncode == 1
    assert named in result.stdout
