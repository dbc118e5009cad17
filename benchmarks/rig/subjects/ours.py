"""realtime-lb, in each lane that this checkout has."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.rig.events import MODEL
from benchmarks.rig.processes import Command
from benchmarks.rig.subjects.base import KEY, ROOT, STAGES, Place, Subject

__all__ = ["CHECKOUT_VARIABLE", "Ours"]

CHECKOUT_VARIABLE = "BENCH_CHECKOUT"
"""Names another checkout whose gateway to run, with the Python of its environment that is called as ours is:
to compare versions."""

_STAYS = """\
realtime_lb:
  rehome:
    enabled: false
"""

# Everything else is at its default, logging included.
_CONFIG = """\
model_list:
  - model_name: {model}
    litellm_params:
      model: openai_compatible/{model}
      api_base: {scheme}://127.0.0.1:{upstream}/v1
      api_key: {key}
{tls}
general_settings:
  master_key: {key}
"""


class Ours(Subject):
    """``realtime-lb serve``, one process, reading the type of every event.

    Args:
        lane: Which of its lanes.
        tls: Whether it reaches the upstream over ``wss``.
        stays: Re-homing is off, so nothing of a conversation is kept.
    """

    reads_events = True

    def __init__(self, lane: str, *, tls: bool = False, stays: bool = False) -> None:
        self.lane = lane
        self.tls = tls
        self.stays = stays
        self.name = f"ours-{lane}" + ("-wss" if tls else "") + ("-stays" if stays else "")
        self.title = (
            f"realtime-lb, {lane} lane" + (", wss" if tls else "") + (", no re-homing" if stays else "")
        )
        self.stages = frozenset({"session", "idle"}) if stays else frozenset(STAGES)

    def missing(self) -> str | None:
        if not Path(_python()).exists():
            return f"{_python()} is not there: `make bench BENCH=--help` in that checkout makes it"
        text = _help()
        if "--config" not in text:
            return f"`realtime-lb serve --help` does not work in {_checkout()}"
        if self.lane == "aiohttp":
            return None
        if "--lane" not in text:
            return f"this realtime-lb has no {self.lane} lane: `serve` knows no --lane"
        return None if _has("picows") else "picows is not installed (the extra `fast`)"

    def version(self) -> str:
        argv = ["git", "-C", str(_checkout()), "describe", "--always", "--dirty"]
        commit = subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()
        return f"realtime-lb {commit}"

    def command(self, place: Place) -> Command:
        text = _CONFIG.format(
            model=MODEL,
            upstream=place.upstream_port,
            key=KEY,
            scheme="https" if self.tls else "http",
            tls=f"      ssl_verify: {place.ca_file}\n" if self.tls else "",
        ) + (_STAYS if self.stays else "")
        config = place.write("realtime-lb.yaml", text)
        argv = [
            *_program(),
            "serve",
            "--config",
            str(config),
            "--host",
            "127.0.0.1",
            "--port",
            str(place.port),
        ]
        if "--lane" in _help():
            argv += ["--lane", self.lane]
        return Command(argv, folder=_checkout())


def _checkout() -> Path:
    return Path(os.environ.get(CHECKOUT_VARIABLE, ROOT)).resolve()


def _python() -> str:
    checkout = _checkout()
    environment = Path(sys.prefix).name
    return sys.executable if checkout == ROOT else str(checkout / environment / "bin" / "python")


def _program() -> list[str]:
    return [_python(), "-m", "realtime_lb"]


@functools.cache
def _help() -> str:
    argv = [*_program(), "serve", "--help"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=_checkout())
    return done.stdout


@functools.cache
def _has(package: str) -> bool:
    return (
        subprocess.run([_python(), "-c", f"import {package}"], check=False, capture_output=True).returncode
        == 0
    )
