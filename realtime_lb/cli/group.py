"""The commands under one name."""

from __future__ import annotations

from importlib.metadata import version

import click

from realtime_lb.cli.check import check
from realtime_lb.cli.demo import demo
from realtime_lb.cli.drain import drain, readmit
from realtime_lb.cli.explain import explain
from realtime_lb.cli.serve import serve
from realtime_lb.cli.sessions import sessions
from realtime_lb.cli.simulate import simulate

__all__ = ["cli"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("realtime-lb"), prog_name="realtime-lb")
def cli() -> None:
    """Load-balance OpenAI Realtime voice sessions over OpenAI and Azure OpenAI.

    Exit status: 0 done, 1 could not be done, 2 options or configuration that cannot be used.
    """


cli.add_command(serve)
cli.add_command(check)
cli.add_command(explain)
cli.add_command(sessions)
cli.add_command(drain)
cli.add_command(readmit)
cli.add_command(simulate)
cli.add_command(demo)
