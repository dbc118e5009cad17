"""HAProxy: the measure of all others. It reads the upgrade, and then passes bytes on unread."""

from __future__ import annotations

import resource
import shutil

from benchmarks.rig.processes import Command
from benchmarks.rig.subjects.base import Place, Subject, first_line

__all__ = ["HAProxy"]

_CONFIG = """\
global
    nbthread 1
    maxconn {most}
defaults
    mode http
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    timeout tunnel 1h
frontend in
    bind 127.0.0.1:{port} backlog 4096
    default_backend out
backend out
    server upstream 127.0.0.1:{upstream}{tls}
"""
_TLS = " ssl verify required ca-file {ca} verifyhost localhost sni str(localhost)"


class HAProxy(Subject):
    """One process, one thread, no log."""

    def __init__(self, *, tls: bool = False) -> None:
        self.tls = tls
        self.name = "haproxy-wss" if tls else "haproxy"
        self.title = "HAProxy, wss" if tls else "HAProxy"
        # Debian puts it where only root's PATH leads.
        self._program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")

    def missing(self) -> str | None:
        return None if self._program else "haproxy is not installed (make bench-peers)"

    def version(self) -> str:
        return first_line([self._program or "haproxy", "-v"])

    def command(self, place: Place) -> Command:
        tls = _TLS.format(ca=place.ca_file) if self.tls else ""
        text = _CONFIG.format(
            port=place.port, upstream=place.upstream_port, tls=tls, most=_most_connections()
        )
        return Command([self._program or "haproxy", "-db", "-f", str(place.write("haproxy.cfg", text))])


def _most_connections() -> int:
    """Return how many connections fit below the limit of open files, two sockets each."""
    return min(20_000, (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 100) // 2)
