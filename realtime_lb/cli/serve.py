"""``realtime-lb serve``: the gateway as a process."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import click
import structlog
from attrs import evolve, frozen

from realtime_lb.cli.configuration import Configuration, cautions, config_option, read_configuration
from realtime_lb.cli.failures import Unusable, cannot_listen
from realtime_lb.cli.operators import OperatorsDoor, check_operators_door, operators_door
from realtime_lb.cli.processes import (
    best_loop,
    entered_listening,
    share_one_heap,
    spare_the_collector,
    until_signals,
)
from realtime_lb.cli.rereading import Read, anew, at_each_change, reread
from realtime_lb.cli.shares import CAPS, SPLIT, Share, check_shares, reserved_port
from realtime_lb.cli.stopping import stopped
from realtime_lb.cli.watching import Watch
from realtime_lb.cli.workers import Crew, with_parent
from realtime_lb.errors import MissingExtra
from realtime_lb.machine import raise_open_files_limit
from realtime_lb.router import RealtimeRouter
from realtime_lb.server import listening
from realtime_lb.sinks.setup import configure_logging
from realtime_lb.transports.lanes import LaneName, lane_or_best, transport_for

__all__ = ["serve"]

_log = structlog.stdlib.get_logger("realtime_lb.serve")

MOST_WORKERS = 256
"""More than any machine has use for; a slip of the finger starts no thousand."""

_FILE = click.Path(path_type=Path)


@click.command(short_help="Run the gateway.")
@config_option
@click.option(
    "--host",
    default="0.0.0.0",  # noqa: S104  # as LiteLLM, and what a container needs
    envvar="HOST",
    show_default=True,
    show_envvar=True,
    help="Address to listen on.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=4000,
    envvar="PORT",
    show_default=True,
    show_envvar=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--ssl-certfile",
    type=_FILE,
    envvar="SSL_CERTFILE_PATH",
    show_envvar=True,
    help="Certificate chain (PEM), for https and wss.",
)
@click.option(
    "--ssl-keyfile",
    type=_FILE,
    envvar="SSL_KEYFILE_PATH",
    show_envvar=True,
    help="Its key, unless it is in the same file.",
)
@click.option(
    "--admin-port",
    type=click.IntRange(0, 65535),
    help="Port for operators, instead of what the configuration says; 0 does not listen.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    help="Instead of what the configuration says.",
)
@click.option(
    "--log-format", type=click.Choice(["console", "json"]), help="Instead of what the configuration says."
)
@click.option(
    "--lane",
    type=click.Choice(["fast", "aiohttp"]),
    help="What reads and writes frames: picows, or aiohttp alone. By default the fastest that is installed.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, MOST_WORKERS),
    default=1,
    show_default=True,
    help="Processes that share the port. Each gets its part of every max_parallel_requests, rpm and tpm, "
    "and of what realtime_lb.admission sets.",
)
@click.option("--share", type=Share.read, hidden=True, help="This is a worker, such as 2/4.")
def serve(
    config: Path,
    host: str,
    port: int,
    ssl_certfile: Path | None,
    ssl_keyfile: Path | None,
    admin_port: int | None,
    log_level: str | None,
    log_format: str | None,
    lane: LaneName | None,
    workers: int,
    share: Share | None,
) -> None:
    """Run the gateway until SIGTERM or Ctrl-C. Live sessions then have a while; a second one means now.

    A LiteLLM configuration works as it is. Its changes are taken up as they come, or at a SIGHUP. Log lines
    go to standard error.
    """
    tls = _tls(ssl_certfile, ssl_keyfile)

    def read() -> Configuration:
        return _with_admin_port(read_configuration(config), admin_port)

    watch = Watch(config)  # before it is read: what changes from now on is news
    configuration = read()
    check_operators_door(configuration.settings.server)
    logging = configuration.settings.logging
    configure_logging(log_level or logging.level, log_format or logging.format)
    raise_open_files_limit()
    share_one_heap()
    try:
        serving = Serving(watch, configuration, read, host, port, tls, lane_or_best(lane), share)
    except MissingExtra as error:
        raise Unusable(f"{error.message}: {error.hint}") from None
    spare_the_collector()
    if workers == 1:
        with asyncio.Runner(loop_factory=best_loop().factory) as runner:
            runner.run(serving.run())
    else:
        check_shares(configuration.settings, workers)
        options = {"--config": config, "--host": host, "--lane": serving.lane}
        options |= {"--ssl-certfile": ssl_certfile, "--ssl-keyfile": ssl_keyfile}
        options |= {"--log-level": log_level, "--log-format": log_format}
        options |= {"--admin-port": 0}  # one of several processes knows a part of what operators ask for
        asyncio.run(serving.supervise(workers, options))


def _with_admin_port(configuration: Configuration, admin_port: int | None) -> Configuration:
    if admin_port is None:
        return configuration
    server = evolve(configuration.settings.server, admin_port=admin_port)
    return evolve(configuration, settings=evolve(configuration.settings, server=server))


def _tls(certfile: Path | None, keyfile: Path | None) -> ssl.SSLContext | None:
    if certfile is None:
        if keyfile is not None:
            raise click.UsageError("--ssl-keyfile needs --ssl-certfile beside it")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certfile, keyfile, password=_no_password)
    except OSError as error:
        files = certfile if keyfile is None else f"{certfile} with {keyfile}"
        reason = getattr(error, "reason", None) or error.strerror or "not PEM"
        raise Unusable(
            f"cannot use the TLS certificate {files}: {reason}; give PEM files, the key without a passphrase"
        ) from None
    return context


def _no_password() -> str:
    """Keep OpenSSL from asking the terminal."""
    return ""


@frozen
class Serving:
    """What is served, and how.

    Attributes:
        watch: Says whether there is something new in the file.
        configuration: The file, read.
        read: Reads it anew.
        host: Address to listen on.
        port: Port to listen on.
        tls: For https and wss.
        lane: What reads and writes frames.
        share: Set in a worker: its part of what all may use.
    """

    watch: Watch
    configuration: Configuration
    read: Read
    host: str
    port: int
    tls: ssl.SSLContext | None
    lane: LaneName
    share: Share | None

    async def run(self) -> None:
        """Serve in this process until a signal."""
        share, settings = self.share, self.configuration.settings
        if share is not None:
            settings = share.of(settings)
        poll_s = settings.server.config_poll_s if share is None else 0.0  # workers are told
        router = RealtimeRouter(settings, transport=transport_for(self.lane, settings.limits))
        door = listening(
            router,
            host=self.host,
            port=self.port,
            ssl_context=self.tls,
            lane=self.lane,
            reuse_port=share is not None,
        )
        async with (
            at_each_change(self.watch, poll_s, partial(reread, router, self.read, share)),
            until_signals() as orders,
            operators_door(router) as operators,  # still asked while live sessions end
            entered_listening(door, self.host, self.port) as url,
        ):
            if share is not None:
                with with_parent(orders.stop_now):
                    await stopped(router, orders)
                return
            self._say_hello(url, operators)
            await stopped(router, orders)
        _log.info("stopped")

    async def supervise(self, workers: int, options: Mapping[str, object]) -> None:
        """Serve with *workers* processes, each started with *options*, until a signal."""
        server = self.configuration.settings.server
        with ExitStack() as stack:
            try:
                port = stack.enter_context(reserved_port(self.host, self.port))
            except OSError as error:
                raise cannot_listen(error, self.host, self.port) from None
            given = [str(part) for pair in options.items() if pair[1] is not None for part in pair]
            command = [sys.executable, "-m", "realtime_lb", "serve", *given, "--port", str(port)]
            shares = [Share(number, workers) for number in range(1, workers + 1)]
            commands = [[*command, "--share", str(share)] for share in shares]
            crew = Crew(commands)

            async def tell_to_reread() -> None:
                if await anew(self.read, workers) is not None:
                    crew.reread()

            async with (
                at_each_change(self.watch, server.config_poll_s, tell_to_reread),
                until_signals() as orders,
                crew.working() as ready,
            ):
                either: set[asyncio.Future[Any]] = {orders.first, ready}
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                if ready.done():
                    self._say_hello(self._url(port), workers=workers)
                await orders.first
                _log.info("stopping; a second signal stops it now", workers=workers)
                await crew.stop(orders, server.drain_timeout_s)
        _log.info("stopped")

    def _url(self, port: int) -> str:
        scheme = "http" if self.tls is None else "https"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{port}"

    def _say_hello(self, url: str, operators: OperatorsDoor | None = None, *, workers: int = 1) -> None:
        settings = self.configuration.settings
        lane = "picows" if self.lane == "fast" else "aiohttp"
        caps = [name for name in CAPS if getattr(settings.admission, name) is not None]
        sharing = (
            f"; {workers} workers, each with its part of {_listed([*SPLIT.values(), *caps])}"
            if workers > 1
            else ""
        )
        _log.info(
            f"listening on {url}: {self.configuration.size}{sharing}",
            url=url,
            deployments=len(settings.deployments),
            model_groups=sorted({deployment.model_group for deployment in settings.deployments}),
            strategy=settings.routing.strategy,
            door=lane,
            transport=lane,
            loop=best_loop().name,
            **({"workers": workers} if workers > 1 else {}),
        )
        if operators is not None and operators.url is not None:
            _log.info(f"answering operators on {operators.url}", admin_url=operators.url)
        for warning in self.configuration.warnings:
            _warn(f"{warning.file}:{warning.line}: {warning.path}: {warning.message}", warning.hint)
        if workers > 1 and settings.server.admin_port:
            _log.info(
                "operators get no answers: each of several workers knows but its part of them; "
                "to drain a deployment, take it out of the file and send a SIGHUP"
            )
        own = operators.caution if operators is not None else None
        for caution in (*cautions(settings), *filter(None, (own,))):
            _warn(caution.message, caution.hint)


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _warn(message: str, hint: str) -> None:
    _log.warning(message, **({"hint": hint} if hint else {}))
