"""``realtime-lb drain`` and ``readmit``: a deployment of a running gateway is emptied, and used again."""

from __future__ import annotations

import json
import time
from pathlib import Path

import cattrs
import click
from attrs import frozen

from realtime_lb.cli.asking import Gatehouse, ask, config_of_gateway, gatehouse, json_option, url_option
from realtime_lb.cli.configuration import counted
from realtime_lb.server.admin import DRAIN_PATH, READMIT_PATH, SESSIONS_PATH
from realtime_lb.typing import JsonObject

__all__ = ["drain", "readmit"]

LOOK_EVERY_S = 0.5
"""A session leaves between two turns: seconds. Nobody waits for a moment more."""


@frozen
class _Drained:
    """What came of the order.

    Attributes:
        moving: Sessions that leave as soon as they can.
        staying: Those that cannot be moved.
    """

    moving: int
    staying: int


@click.command(short_help="Have a running gateway give a deployment no more sessions, and move those it has.")
@click.argument("deployment")
@config_of_gateway
@url_option
@click.option("--wait", is_flag=True, help="Return when no session is left there, however long that takes.")
@json_option
def drain(deployment: str, config: Path | None, url: str | None, wait: bool, as_json: bool) -> None:
    """Have a running gateway give DEPLOYMENT, an id, no more sessions, and move those that it has.

    Each moves between two of its turns, as soon as another deployment of its model group takes it, and its
    client notices nothing. Until 'realtime-lb readmit', or a restart.

    Exit status: 0 it is so, 1 nobody answers there, 2 no such deployment, a wrong key or configuration.
    """
    where = gatehouse(config, url)
    query = {"deployment": deployment}
    body, told = ask(
        where, DRAIN_PATH, query, lambda body, read: read.structure(body, _Drained), method="POST"
    )
    click.echo(json.dumps(body, indent=2) if as_json else _shown(deployment, told, waits=wait))
    if wait:
        _wait(where, deployment)
        if not as_json:
            click.echo("no session is left there")


def _shown(deployment: str, told: _Drained, *, waits: bool) -> str:
    moving, staying = counted(told.moving, "session"), counted(told.staying, "session")
    lines = [
        f"{deployment} gets no more sessions",
        f"moving between two of their turns, where another deployment takes them: {moving}",
    ]
    if told.staying:
        lines.append(f"staying to their end, since they cannot be moved: {staying}")
    if (told.moving or told.staying) and not waits:
        lines.append("see which are left: realtime-lb sessions")
    return "\n".join(lines)


def _wait(where: Gatehouse, deployment: str) -> None:
    """Return when nobody is on *deployment*, and nobody is being placed who was when it was drained."""
    placing: set[str] | None = None
    while True:
        places = ask(where, SESSIONS_PATH, {}, _places)[1]
        unplaced = {session for session, place in places.items() if place is None}
        placing = unplaced if placing is None else placing & unplaced
        if not placing and deployment not in places.values():
            return
        time.sleep(LOOK_EVERY_S)


def _places(body: JsonObject, _: cattrs.Converter) -> dict[str, str | None]:
    return {session["id"]: session["deployment"] for session in body["sessions"]}


@click.command(short_help="Undo drain.")
@click.argument("deployment")
@config_of_gateway
@url_option
@json_option
def readmit(deployment: str, config: Path | None, url: str | None, as_json: bool) -> None:
    """Have a running gateway give DEPLOYMENT, an id, sessions again.

    Those that have not left it yet stay; none comes back by itself.

    Exit status: 0 it is so, 1 nobody answers there, 2 no such deployment, a wrong key or configuration.
    """
    where = gatehouse(config, url)
    body, named = ask(
        where,
        READMIT_PATH,
        {"deployment": deployment},
        lambda body, _: str(body["deployment"]),
        method="POST",
    )
    click.echo(
        json.dumps(body, indent=2) if as_json else f"{named} gets sessions again; none comes back by itself"
    )
