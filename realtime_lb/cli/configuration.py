"""The configuration file as a command needs it: read, and tried for what only a provider can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import click
from attrs import frozen

from realtime_lb.abc import ProviderAdapter
from realtime_lb.cli.failures import Unusable
from realtime_lb.config import ConfigWarning, load_config
from realtime_lb.deployments import Deployment
from realtime_lb.errors import ConfigError, MissingExtra, RequestRefused
from realtime_lb.providers import load_providers, shown_url
from realtime_lb.router import RealtimeRouter
from realtime_lb.settings import Settings
from realtime_lb.strategies import STRATEGIES

__all__ = [
    "Caution",
    "Configuration",
    "cautions",
    "config_option",
    "counted",
    "print_warning",
    "read_configuration",
]

config_option = click.option(
    "--config",
    "-c",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    envvar="CONFIG_FILE_PATH",  # LiteLLM's name for it
    show_envvar=True,
    help="YAML file with a model_list, as LiteLLM reads it.",
)


@frozen
class Configuration:
    """What a command starts from.

    Attributes:
        settings: What the file sets.
        warnings: What its author should know.
        providers: Adapters by name.
    """

    settings: Settings
    warnings: tuple[ConfigWarning, ...]
    providers: Mapping[str, ProviderAdapter]

    def url(self, deployment: Deployment) -> str:
        """Return where a plain session on *deployment* would be dialled; no credential is in it."""
        try:
            return shown_url(self.providers[deployment.provider], deployment)
        except RequestRefused:
            return "depends on the request"

    @property
    def size(self) -> str:
        """How much there is, such as ``3 deployments in 2 model groups``."""
        deployments = self.settings.deployments
        groups = {deployment.model_group for deployment in deployments}
        return f"{counted(len(deployments), 'deployment')} in {counted(len(groups), 'model group')}"


@frozen
class Caution:
    """Something that starts, and that its owner would rather not have.

    Attributes:
        message: What is so, and what may come of it.
        hint: How to mend it.
    """

    message: str
    hint: str


def read_configuration(path: Path) -> Configuration:
    """Return the configuration at *path*.

    Raises:
        Unusable: It has problems; the message lists them all. Warnings are printed before.
    """
    try:
        providers = load_providers()
        loaded = load_config(path, providers=tuple(providers), strategies=tuple(STRATEGIES))
        RealtimeRouter(loaded.settings, sinks=())  # knows what only a provider can know
    except ConfigError as error:
        for warning in error.warnings:
            print_warning(str(warning))
        raise Unusable(str(error)) from None
    return Configuration(loaded.settings, loaded.warnings, providers)


def print_warning(text: str) -> None:
    """Print a warning to standard error."""
    click.secho(f"warning: {text}", fg="yellow", err=True)


def cautions(settings: Settings) -> Iterator[Caution]:
    """Yield what every start should say aloud."""
    if settings.server.master_key is None:
        yield Caution(
            "no master_key is set: whoever reaches this port opens sessions on your bill",
            "set general_settings.master_key; until then, requests from web pages (Origin) are refused",
        )
    for deployment in settings.deployments:
        if not deployment.tls.verify:
            yield Caution(
                f"TLS verification is off for {deployment.id!r}: whoever sits in between gets its key",
                "remove 'ssl_verify: false', or set ssl_verify to the path of a CA bundle",
            )
    entra = [deployment.id for deployment in settings.deployments if deployment.entra is not None]
    if entra and not _has_azure_identity():
        missing = MissingExtra("azure", "signing in with Entra ID")
        yield Caution(f"{missing.message}: no session will reach {', '.join(entra)}", missing.hint)


def counted(number: int, noun: str) -> str:
    """Return such as ``1 session`` and ``2 sessions``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _has_azure_identity() -> bool:
    try:
        import azure.identity.aio  # noqa: F401  # whether it can be imported is all we ask
    except ImportError:
        return False
    return True
