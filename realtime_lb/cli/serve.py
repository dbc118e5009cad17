"""``realtime-lb serve``: the gateway as a process."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import click
import structlog
from attrs import evolve

from realtime_lb.cli.configuration import Configuration, cautions, config_option, read_configuration
from realtime_lb.cli.failures import Unusable
from realtime_lb.cli.operators import OperatorsDoor, check_operators_door, operators_door
from realtime_lb.cli.processes import entered_listening, until_signal
from realtime_lb.router import RealtimeRouter
from realtime_lb.server import listening
from realtime_lb.sinks.setup import configure_logging

__all__ = ["serve"]

_log = structlog.stdlib.get_logger("realtime_lb.serve")

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
def serve(  # noqa: PLR0917  # one parameter per command-line option
    config: Path,
    host: str,
    port: int,
    ssl_certfile: Path | None,
    ssl_keyfile: Path | None,
    admin_port: int | None,
    log_level: str | None,
    log_format: str | None,
) -> None:
    """Run the gateway until SIGTERM or Ctrl-C, which end live sessions in good order; a second one cuts them.

    A LiteLLM configuration works as it is. Log lines go to standard error.
    """
    tls = _tls(ssl_certfile, ssl_keyfile)
    configuration = _with_admin_port(read_configuration(config), admin_port)
    check_operators_door(configuration.settings.server)
    logging = configuration.settings.logging
    configure_logging(log_level or logging.level, log_format or logging.format)
    asyncio.run(_serve(configuration, host, port, tls))


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


async def _serve(configuration: Configuration, host: str, port: int, tls: ssl.SSLContext | None) -> None:
    router = RealtimeRouter(configuration.settings)
    door = listening(router, host=host, port=port, ssl_context=tls)
    async with (
        until_signal() as told,
        operators_door(router) as operators,  # still asked while live sessions end
        entered_listening(door, host, port) as url,
    ):
        _say_hello(configuration, url, operators)
        await told
        _log.info("stopping", live_sessions=router.snapshot().live_sessions)
    _log.info("stopped")


def _say_hello(configuration: Configuration, url: str, operators: OperatorsDoor) -> None:
    settings = configuration.settings
    groups = sorted({deployment.model_group for deployment in settings.deployments})
    _log.info(
        f"listening on {url}: {configuration.size}",
        url=url,
        deployments=len(settings.deployments),
        model_groups=groups,
        strategy=settings.routing.strategy,
    )
    if operators.url is not None:
        _log.info(f"answering operators on {operators.url}", admin_url=operators.url)
    for warning in configuration.warnings:
        _warn(f"{warning.file}:{warning.line}: {warning.path}: {warning.message}", warning.hint)
    for caution in (*cautions(settings), *filter(None, (operators.caution,))):
        _warn(caution.message, caution.hint)


def _warn(message: str, hint: str) -> None:
    _log.warning(message, **({"hint": hint} if hint else {}))
