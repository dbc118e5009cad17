"""No proxy: what the rig and the kernel cost by themselves."""

from __future__ import annotations

from benchmarks.rig.events import MODEL
from benchmarks.rig.processes import Command
from benchmarks.rig.subjects.base import Place, Subject

__all__ = ["Direct"]


class Direct(Subject):
    """Clients dial the upstream. Every latency of the others is given over this one's."""

    name = "direct"
    title = "no proxy"
    stages = frozenset({"session"})

    def command(self, place: Place) -> Command | None:
        return None

    def url(self, place: Place) -> str:
        return f"ws://127.0.0.1:{place.upstream_port}/v1/realtime?model={MODEL}"
