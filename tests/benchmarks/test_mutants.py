"""Of what a mutation run tells, every mutant is counted once, and a low figure is no success."""

import subprocess
import sys

import pytest

TOLD = """\
    realtime_lb.health.tally.x_a__mutmut_1: killed
    realtime_lb.health.tally.x_a__mutmut_2: survived
    realtime_lb.health.tally.xǁWindowǁadd__mutmut_1: killed
    realtime_lb.health.tally.xǁWindowǁadd__mutmut_2: killed
    realtime_lb.strategies.tags.x_b__mutmut_1: timeout
    realtime_lb.strategies.tags.x_b__mutmut_2: no tests
    realtime_lb.strategies.tags.x_b__mutmut_3: killed
    realtime_lb.strategies.tags.x_b__mutmut_4: killed
"""


def counted(told: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.mutants", *options]
    return subprocess.run(command, input=told, capture_output=True, text=True, encoding="utf-8", check=False)


def test_the_table_has_a_line_for_each_file_and_one_for_all() -> None:
    lines = [line.split() for line in counted(TOLD).stdout.splitlines()]
    assert lines == [
        ["file", "killed", "survived", "timeouts", "others", "total", "killed"],
        ["realtime_lb/health/tally.py", "3", "1", "0", "0", "4", "75.0", "%"],
        ["realtime_lb/strategies/tags.py", "2", "0", "1", "1", "4", "50.0", "%"],
        ["all", "5", "1", "1", "1", "8", "62.5", "%"],
    ]


@pytest.mark.parametrize(("least", "returncode"), [("62.5", 0), ("62.6", 1)])
def test_too_few_killed_is_no_success(least: str, returncode: int) -> None:
    assert counted(TOLD, "--least", least).returncode == returncode


def test_a_run_without_a_mutant_is_no_success() -> None:
    assert counted("").returncode == 1
