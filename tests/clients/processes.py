"""Programs that are asked by the line, each in a process of its own: to import ``openai`` takes a second."""

import json
import os
import subprocess
from pathlib import Path
from typing import Self

from attrs import frozen

__all__ = ["BETA_PYTHON", "BETA_VENV", "Answers", "Processes", "Program"]

ROOT = Path(__file__).parents[2]
BETA_VENV = ROOT / ".venv-openai-1.58"
BETA_PYTHON = BETA_VENV / "bin" / "python"
"""An interpreter that has ``openai`` 1.58.1; ``make test`` installs it."""


@frozen
class Program:
    """A module and the Python that has what it needs.

    Attributes:
        python: Which.
        module: What is run, and what it is told at its start.
        goes_before: A directory whose packages hide those of the same names, if any.
    """

    python: Path
    module: tuple[str, ...]
    goes_before: Path | None = None

    def begin(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.python), "-m", *self.module],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(self.goes_before or "")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


class Answers:
    """What a program prints for what it is asked."""

    def __init__(self, program: Program, process: subprocess.Popen[str]) -> None:
        self._program = program
        self._process = process

    def ask(self, question: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps(question)}\n")
        self._process.stdin.flush()

    def line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"it has ended: {self._program}"
        return line


class Processes:
    """Each program's, begun when it is first asked; all end with the block."""

    def __init__(self) -> None:
        self._begun: dict[Program, subprocess.Popen[str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._begun.values():
            process.communicate()

    def of(self, program: Program) -> Answers:
        if program not in self._begun:
            self._begun[program] = program.begin()
        return Answers(program, self._begun[program])
