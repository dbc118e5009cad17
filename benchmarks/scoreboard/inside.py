"""Our own tests of bad days, and the figures that they log."""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from pathlib import Path

from benchmarks.rig.subjects.base import ROOT

__all__ = ["TestsFailed", "figures_from_tests"]

_FIGURE = re.compile(r"figure: (\w+) (.+)")


class TestsFailed(Exception):
    """A test of ours failed; the text has the last lines of what it printed."""


async def figures_from_tests() -> list[tuple[str, str]]:
    """Run the tests in ``tests/solid``; return each case's id with the figure.

    With ``SOLID_FULL=1`` in the environment they take hours, for ten to a hundred times as much of all.

    Raises:
        TestsFailed: One of them did.
    """
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "figures.log"
        argv = [sys.executable, "-m", "pytest", "-q", "--timeout=0", "tests/solid"]
        argv += [f"--log-file={log}", "--log-file-level=INFO", "--log-file-format=%(name)s %(message)s"]
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await process.communicate()
        if process.returncode != 0:
            raise TestsFailed("\n".join(printed.decode(errors="replace").splitlines()[-20:]))
        lines = log.read_text().splitlines()
    found = (_FIGURE.search(line) for line in lines if line.startswith("figures "))
    return [(each[1], each[2]) for each in found if each is not None]
