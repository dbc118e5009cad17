"""``realtime-lb check``: what a configuration means, and whether its deployments answer."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
from rich.console import Console

from realtime_lb.cli.configuration import (
    Configuration,
    cautions,
    config_option,
    counted,
    print_warning,
    read_configuration,
)
from realtime_lb.cli.consoles import console_for
from realtime_lb.cli.failures import CannotBeDone
from realtime_lb.cli.operators import check_operators_door
from realtime_lb.cli.probe import Answer, Answers, Failed, probe_all
from realtime_lb.cli.tables import shown_deployments

__all__ = ["check"]


@click.command(short_help="Show what a configuration means; dial it with --dial.")
@config_option
@click.option(
    "--dial",
    is_flag=True,
    help="Open a session on each deployment and close it again; the model is asked nothing.",
)
def check(config: Path, dial: bool) -> None:
    """Show what a configuration means, and with --dial whether every deployment answers.

    Exit status: 0 all is well, 1 a deployment did not answer, 2 the configuration cannot be used.
    """
    console = console_for()
    configuration = read_configuration(config)
    check_operators_door(configuration.settings.server)
    _warn(configuration)
    answers = asyncio.run(probe_all(configuration)) if dial else {}
    console.print(shown_deployments(configuration, answers, console))
    _conclude(configuration, answers, console)


def _warn(configuration: Configuration) -> None:
    for warning in configuration.warnings:
        print_warning(str(warning))
    for caution in cautions(configuration.settings):
        print_warning(f"{caution.message}\n    hint: {caution.hint}")


def _conclude(configuration: Configuration, answers: Answers, console: Console) -> None:
    failed = [name for name, answer in answers.items() if isinstance(answer, Failed)]
    if failed:
        dialled = counted(len(answers), "deployment")
        raise CannotBeDone(f"{len(failed)} of {dialled} did not answer: {', '.join(failed)}")
    answered = sum(isinstance(answer, Answer) for answer in answers.values())
    console.print(f"{configuration.size}{f', {answered} answered' if answers else ''}")
