"""What a run leaves behind, and how it is written down: every sample, and the facts to judge them by."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import attrs
from attrs import define, field, frozen

from benchmarks.rig.cores import Cores
from benchmarks.rig.options import Options
from benchmarks.rig.proc import halt_poll_us
from benchmarks.rig.subjects.base import ROOT, Subject

__all__ = ["Run", "Sample", "SubjectFacts", "machine_facts", "options_facts"]


@frozen
class Sample:
    """What one pattern measured of one subject in one round.

    Attributes:
        subject: Its name.
        round: From 1.
        pattern: Its name.
        values: By measure.
        notes: What a reader has to know.
        histogram: Latencies, as `Taken.histogram` has them.
    """

    subject: str
    round: int
    pattern: str
    values: dict[str, float]
    notes: list[str] = field(factory=list)
    histogram: list[int] = field(factory=list)


@frozen
class SubjectFacts:
    """What was measured.

    Attributes:
        name: As on the command line.
        title: As in the table.
        reads_events: Whether it looks into frames.
        tls: Whether it reached the upstream over TLS.
        version: As it says.
        missing: Why it was not measured; empty if it was.
        said: The first line of its log.
    """

    name: str
    title: str
    reads_events: bool
    tls: bool
    version: str
    missing: str = ""
    said: str = ""

    @classmethod
    def of(cls, subject: Subject) -> SubjectFacts:
        """Return the facts of *subject*, asking it for its version if it can run."""
        missing = subject.missing() or ""
        version_text = "" if missing else subject.version()
        return cls(subject.name, subject.title, subject.reads_events, subject.tls, version_text, missing)


@define
class Run:
    """All of a run.

    Attributes:
        machine: Facts of the machine.
        options: What was asked for.
        subjects: What was to be measured, in the order of the table.
        samples: What was.
    """

    machine: dict[str, Any]
    options: dict[str, Any]
    subjects: list[SubjectFacts]
    samples: list[Sample] = field(factory=list)

    def hear(self, subject: str, said: str) -> None:
        """Keep the first words that a subject wrote into its log."""
        self.subjects = [
            attrs.evolve(each, said=said) if each.name == subject else each for each in self.subjects
        ]

    def write(self, path: Path, summary: dict[str, Any]) -> None:
        """Write all of it, and *summary*, as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        facts = attrs.asdict(self)
        samples = ",\n".join(json.dumps(each) for each in facts.pop("samples"))
        rest = json.dumps(facts | {"summary": summary}, indent=1)
        # A line for each sample: they are many, and each is long.
        path.write_text(f'{rest.removesuffix("}").rstrip()},\n "samples": [\n{samples}\n ]\n}}\n')

    @classmethod
    def read(cls, path: Path) -> Run:
        """Read what `write` wrote."""
        text = json.loads(path.read_text())
        return cls(
            text["machine"],
            text["options"],
            [SubjectFacts(**each) for each in text["subjects"]],
            [Sample(**each) for each in text["samples"]],
        )


def machine_facts(cores: Cores) -> dict[str, Any]:
    """Return what a reader has to know of the machine."""
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    return {
        "date": time.strftime("%Y-%m-%d %H:%M %Z"),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "core_of_rig": cores.rig,
        "core_of_proxy": cores.proxy,
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "kernel": platform.release(),
        "halt_poll_us": halt_poll_us(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()),
        "python": f"{platform.python_version()} of {sys.base_prefix}",  # whose build it is counts for much
        "packages": {name: _version(name) for name in ("aiohttp", "picows", "uvloop", "realtime-lb")},
        "commit": subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip(),
        "load_average_before": os.getloadavg()[0],
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def options_facts(options: Options) -> dict[str, Any]:
    """Return what was asked for, as JSON can hold it."""
    return {
        "rounds": options.rounds,
        "stages": list(options.stages),
        "quick": options.quick,
        "seed": options.seed,
        "sizes": attrs.asdict(options.sizes),
    }
