"""nginx: the other reverse proxy that websockets are put behind. It passes bytes on unread, too."""

from __future__ import annotations

import getpass
import os
import shutil

from benchmarks.rig.processes import Command
from benchmarks.rig.subjects.base import Place, Subject, first_line

__all__ = ["Nginx"]

# A tunnel's buffer is proxy_buffer_size; its default, a page, would cut an audio event of 13 KB into four.
_CONFIG = """\
{user}
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 20000; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass {scheme}://127.0.0.1:{upstream};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
            proxy_buffer_size 16k;
            proxy_buffers 8 16k;
            proxy_read_timeout 1h;
            proxy_send_timeout 1h;
{tls}
        }}
    }}
}}
"""
_TLS = """\
            proxy_ssl_trusted_certificate {ca};
            proxy_ssl_verify on;
            proxy_ssl_name localhost;
            proxy_ssl_server_name on;"""


class Nginx(Subject):
    """One worker, no access log. What the long stages would show of it, HAProxy shows."""

    stages = frozenset({"session", "idle"})

    def __init__(self, *, tls: bool = False) -> None:
        self.tls = tls
        self.name = "nginx-wss" if tls else "nginx"
        self.title = "nginx, wss" if tls else "nginx"
        self._program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")

    def missing(self) -> str | None:
        return None if self._program else "nginx is not installed (make bench-peers)"

    def version(self) -> str:
        return first_line([self._program or "nginx", "-v"])

    def command(self, place: Place) -> Command:
        text = _CONFIG.format(
            user=f"user {getpass.getuser()};" if os.geteuid() == 0 else "",
            folder=place.folder,
            port=place.port,
            upstream=place.upstream_port,
            scheme="https" if self.tls else "http",
            tls=_TLS.format(ca=place.ca_file) if self.tls else "",
        )
        config = place.write("nginx.conf", text)
        return Command([self._program or "nginx", "-e", "stderr", "-p", str(place.folder), "-c", str(config)])
