"""The commands under one name."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version

import click
import rich  # noqa: F401  # whoever has it not learns that here, and not from a command

__all__ = ["cli"]

_ROOMS = {
    "serve": "serve",
    "check": "check",
    "explain": "explain",
    "sessions": "sessions",
    "drain": "drain",
    "readmit": "drain",
    "simulate": "simulate",
    "demo": "demo",
}
"""Where each command is, in the order of the help page."""


class _Commands(click.Group):
    """Imports a command when it is run: a gateway starts without the simulator and the demo's pictures."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(_ROOMS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # as above
        if cmd_name not in _ROOMS:
            return None
        command: click.Command = getattr(import_module(f"realtime_lb.cli.{_ROOMS[cmd_name]}"), cmd_name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("realtime-lb"), prog_name="realtime-lb")
def cli() -> None:
    """Load-balance OpenAI Realtime voice sessions over OpenAI and Azure OpenAI.

    Exit status: 0 done, 1 could not be done, 2 options or configuration that cannot be used.
    """
