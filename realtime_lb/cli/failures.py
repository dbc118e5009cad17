"""How a command ends when it cannot go on: a message and an exit status, never a traceback."""

from __future__ import annotations

import errno
import os
import socket

import click

__all__ = ["CannotBeDone", "Unusable", "cannot_listen", "printable", "reason_of"]


class CannotBeDone(click.ClickException):
    """What was asked for makes sense, but the world is not so."""

    exit_code = 1


class Unusable(click.ClickException):
    """What was given cannot be used."""

    exit_code = 2


def printable(text: str) -> str:
    """Return *text*, which may be a stranger's, without what would steer the terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def cannot_listen(error: OSError, host: str, port: int) -> CannotBeDone:
    """Return what to say when *host* and *port* cannot be had."""
    if isinstance(error, socket.gaierror):
        return CannotBeDone(f"{host!r} is no address of this machine: give another --host")
    _, remedy = _LISTEN_REASONS.get(error.errno or 0, ("", "give another --host or --port"))
    return CannotBeDone(f"cannot listen on {host}, port {port}: {reason_of(error)}; {remedy}")


def reason_of(error: OSError) -> str:
    """Return why an address cannot be had, in a few words."""
    if isinstance(error, socket.gaierror):
        return "no such name"
    reason, _ = _LISTEN_REASONS.get(error.errno or 0, ("", ""))
    return reason or os.strerror(error.errno or errno.EINVAL).lower()


_LISTEN_REASONS = {
    errno.EADDRINUSE: ("the port is in use", "stop what listens there, or give another --port"),
    errno.EACCES: ("not permitted", "give a --port above 1023"),
    errno.EADDRNOTAVAIL: ("this machine has no such address", "give another --host"),
}
