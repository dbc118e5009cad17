"""What the rig has to know of a proxy."""

from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from benchmarks.rig.events import MODEL
from benchmarks.rig.processes import Command

__all__ = ["KEY", "ROOT", "STAGES", "Place", "Subject", "first_line"]

ROOT = Path(__file__).parents[3]
"""The checkout."""

STAGES = ("session", "growth", "idle", "churn")

KEY = "sk-bench"
"""What clients present, and what those proxies ask for that ask for a key."""


@frozen
class Place:
    """Where a proxy is to stand.

    Attributes:
        folder: For its configuration.
        port: Where it is to listen, on 127.0.0.1.
        upstream_port: Where the upstream listens, on 127.0.0.1; with TLS if the subject says so.
        ca_file: The authority that signed the upstream's certificate, which names 127.0.0.1 and localhost.
    """

    folder: Path
    port: int
    upstream_port: int
    ca_file: Path

    def write(self, name: str, text: str) -> Path:
        """Write a configuration file."""
        path = self.folder / name
        path.write_text(text)
        return path


class Subject(ABC):
    """A proxy, or none.

    Attributes:
        name: What ``--only`` calls it.
        title: What the table calls it.
        reads_events: Whether it looks into frames, or passes bytes on.
        tls: Whether it reaches the upstream over ``wss``; clients always come over ``ws``.
        stages: In which stages it takes part.
        is_slow: Whether thousands of sessions would take it minutes: it gets a tenth.
    """

    name: str
    title: str
    reads_events: bool = False
    tls: bool = False
    stages: frozenset[str] = frozenset(STAGES)
    is_slow: bool = False

    def missing(self) -> str | None:
        """Say why it cannot run here, and what would change that; None if it can."""
        return None

    def version(self) -> str:
        """Say what will run."""
        return ""

    @abstractmethod
    def command(self, place: Place) -> Command | None:
        """Write what it needs into the place and say how to start it; None if there is nothing to start."""

    def url(self, place: Place) -> str:
        """Return what clients dial."""
        return f"ws://127.0.0.1:{place.port}/v1/realtime?model={MODEL}"


def first_line(argv: Sequence[str], *, holding: str = "") -> str:
    """Return the first line that a command prints and that holds a text; empty if it cannot be run."""
    try:
        done = subprocess.run(list(argv), capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines()]
    return next((line for line in lines if line and holding in line), "")
