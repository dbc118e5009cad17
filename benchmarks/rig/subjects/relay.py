"""Plain relays in Python: what a websocket library costs before a gateway does anything with it."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

from benchmarks.rig.processes import Command
from benchmarks.rig.subjects.base import STAGES, Place, Subject

__all__ = ["BareRelay", "PlainRelay"]


class PlainRelay(Subject):
    """``plain_relay.py`` on the event loop of the standard library."""

    name = "relay"
    title = "40 lines of aiohttp"

    def version(self) -> str:
        return f"aiohttp {version('aiohttp')}, Python {sys.version.split()[0]}"

    def command(self, place: Place) -> Command:
        upstream = f"ws://127.0.0.1:{place.upstream_port}/v1/realtime"
        return _program("plain_relay.py", str(place.port), upstream)


class BareRelay(Subject):
    """``bare_relay.py`` on uvloop: no gateway in Python on these libraries can be expected to cost less."""

    reads_events = True

    def __init__(self, *, tls: bool = False) -> None:
        self.tls = tls
        self.name = "bare-wss" if tls else "bare"
        self.title = "bare relay of picows" + (", wss" if tls else "")
        self.stages = frozenset({"session", "idle"}) if tls else frozenset(STAGES)

    def version(self) -> str:
        return f"picows {version('picows')}, uvloop {version('uvloop')}, Python {sys.version.split()[0]}"

    def command(self, place: Place) -> Command:
        scheme = "wss" if self.tls else "ws"
        upstream = f"{scheme}://127.0.0.1:{place.upstream_port}/v1/realtime"
        return _program("bare_relay.py", str(place.port), upstream, *[str(place.ca_file)] * self.tls)


def _program(name: str, *arguments: str) -> Command:
    return Command([sys.executable, str(Path(__file__).with_name(name)), *arguments])
