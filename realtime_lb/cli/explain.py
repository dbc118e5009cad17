"""``realtime-lb explain``: where a running gateway would place the next session, and why."""

from __future__ import annotations

import json
from pathlib import Path

import click

from realtime_lb.cli.asking import ask, config_of_gateway, gatehouse, json_option, url_option
from realtime_lb.cli.consoles import console_for
from realtime_lb.cli.explained import shown_explanation
from realtime_lb.server.admin import EXPLAIN_PATH
from realtime_lb.snapshots import Explanation

__all__ = ["explain"]


@click.command(short_help="Ask a running gateway where the next session would go, and why.")
@click.argument("model", required=False)
@config_of_gateway
@url_option
@click.option("--tags", metavar="TAG,...", help="As a client would name them in x-litellm-tags.")
@click.option("--affinity", metavar="TEXT", help="As a client would send it in x-session-affinity.")
@json_option
def explain(
    model: str | None,
    config: Path | None,
    url: str | None,
    tags: str | None,
    affinity: str | None,
    as_json: bool,
) -> None:
    """Ask a running gateway where the next session for MODEL would go, and why. Nobody is dialled.

    Without MODEL: the configured default_model.

    Exit status: 0 it answered, 1 nobody answers there, 2 no such model, a wrong key or configuration.
    """
    asked = {"model": model, "tags": tags, "affinity": affinity}
    query = {name: value for name, value in asked.items() if value is not None}
    body, told = ask(
        gatehouse(config, url), EXPLAIN_PATH, query, lambda body, read: read.structure(body, Explanation)
    )
    if as_json:
        click.echo(json.dumps(body, indent=2))
        return
    console = console_for()
    console.print(shown_explanation(told, affinity, console))
