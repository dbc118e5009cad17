"""A plain relay in Python: what aiohttp costs before a gateway does anything with it."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

from benchmarks.rig.processes import Command
from benchmarks.rig.subjects.base import Place, Subject

__all__ = ["PlainRelay"]


class PlainRelay(Subject):
    """``plain_relay.py`` on the event loop of the standard library."""

    name = "relay"
    title = "40 lines of aiohttp"

    def version(self) -> str:
        return f"aiohttp {version('aiohttp')}, Python {sys.version.split()[0]}"

    def command(self, place: Place) -> Command:
        upstream = f"ws://127.0.0.1:{place.upstream_port}/v1/realtime"
        program = Path(__file__).with_name("plain_relay.py")
        return Command([sys.executable, str(program), str(place.port), upstream])
