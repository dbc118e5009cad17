"""What comes before any command."""

import sys

import pytest

from tests.cli.processes import BLOCKED, run


@pytest.mark.parametrize("package", ["click", "rich"])
async def test_without_the_extra_one_line_says_how_to_get_it(package: str) -> None:
    done = await run(command=(sys.executable, "-c", BLOCKED.format(package)))
    assert done.status == 2
    assert done.out == ""
    assert done.err.count("\n") == 1
    assert "pip install 'realtime-lb[cli]'" in done.err


async def test_a_defect_of_ours_is_not_taken_for_a_missing_extra() -> None:
    done = await run(command=(sys.executable, "-c", BLOCKED.format("realtime_lb.cli.group")))
    assert done.status == 1
    assert "realtime-lb[cli]" not in done.err


async def test_help_names_every_command() -> None:
    done = await run("--help")
    assert done.status == 0
    names = ("serve", "check", "explain", "sessions", "simulate", "demo")
    assert [name for name in names if f"\n  {name} " not in done.out] == []


UNUSED = """
import sys
from realtime_lb.cli import cli
cli(["serve", "--help"], standalone_mode=False)
print(*(name for name in ("realtime_lb.simulator", "realtime_lb.cli.demo") if name in sys.modules))
"""


async def test_a_gateway_starts_without_the_simulator_and_the_demo() -> None:
    """They are a fifth of all there is to import, and each worker would."""
    done = await run(command=(sys.executable, "-c", UNUSED))
    assert (done.status, done.out.splitlines()[-1]) == (0, "")


async def test_a_command_without_its_file_says_how_to_name_it() -> None:
    done = await run("serve")
    assert done.status == 2
    assert "Missing option '--config' / '-c' (env var: 'CONFIG_FILE_PATH')" in done.err
