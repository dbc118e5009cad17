"""``realtime-lb sessions``: the live sessions of a running gateway."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from rich.console import Console, Group, RenderableType
from rich.text import Text

from realtime_lb.cli.asking import ask, config_of_gateway, gatehouse, json_option, url_option
from realtime_lb.cli.configuration import counted
from realtime_lb.cli.consoles import console_for
from realtime_lb.cli.layout import Column, as_blocks, as_table, filled, fits, shown_number, shown_text
from realtime_lb.server.admin import SESSIONS_PATH
from realtime_lb.snapshots import SessionSnapshot

__all__ = ["sessions", "shown_sessions"]

_PLACING = "being placed"


@click.command(short_help="List the live sessions of a running gateway.")
@config_of_gateway
@url_option
@json_option
def sessions(config: Path | None, url: str | None, as_json: bool) -> None:
    """List the sessions of a running gateway that are live or being placed, the oldest first.

    Exit status: 0 it answered, 1 nobody answers there, 2 a wrong key or configuration.
    """
    body, told = ask(
        gatehouse(config, url),
        SESSIONS_PATH,
        {},
        lambda body, read: read.structure(body["sessions"], list[SessionSnapshot]),
    )
    if as_json:
        click.echo(json.dumps(body, indent=2))
        return
    console = console_for()
    if told:
        console.print(shown_sessions(told, console))
    console.print(counted(len(told), "session"))


def shown_sessions(told: Sequence[SessionSnapshot], console: Console) -> RenderableType:
    """Return a line for each session; on a narrow *console* below its deployment, or as a list."""
    table = as_table(_columns(told))
    if fits(table, console):
        return table
    parts = list(_by_deployment(told))
    if all(fits(part, console) for part in parts):
        return Group(*parts)
    return Group(*as_blocks(_columns(told)))


def _columns(told: Sequence[SessionSnapshot]) -> list[Column]:
    return filled(
        [
            Column("session", [shown_text(s.id) for s in told]),
            Column("model group", [shown_text(s.model_group or "") for s in told]),
            Column("deployment", [shown_text(_place(s)) for s in told]),
            Column("age", [Text(_age(s.age_s)) for s in told], right=True),
            Column("caller", [shown_text(s.principal) for s in told]),
            Column("from", [shown_text(s.client_address or "") for s in told]),
            Column("answers", [shown_number(s.usage.responses, ",") for s in told], right=True),
            Column("tokens", [shown_number(_tokens(s), ",") for s in told], right=True),
        ]
    )


def _by_deployment(told: Sequence[SessionSnapshot]) -> Iterator[RenderableType]:
    for place in dict.fromkeys((_place(s), s.model_group or "") for s in told):
        there = [s for s in told if (_place(s), s.model_group or "") == place]
        name, group = place
        heading = Text.assemble(shown_text(name, "bold"), f"  {counted(len(there), 'session')}")
        if group:
            heading.append_text(shown_text(f" of {group}", "dim"))
        yield heading
        yield as_table([c for c in _columns(there) if c.title not in {"model group", "deployment"}])
        yield Text()


def _place(session: SessionSnapshot) -> str:
    return session.deployment or _PLACING


def _tokens(session: SessionSnapshot) -> int:
    return session.usage.input_tokens + session.usage.output_tokens


def _age(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"
