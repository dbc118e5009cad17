"""Open files, of which every socket is one: how many there may be, and for whom."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import lru_cache

from attrs import frozen

if sys.platform != "win32":
    import resource

__all__ = ["Sockets", "open_files_limit", "raise_open_files_limit", "sockets_within"]

OWN_FILES = 64
"""Not for clients: the loop's and the log's, a file read anew, name lookups, warm connections, probes."""

OWN_FILES_SHARE = 0.25
"""Of a limit so small that `OWN_FILES` would be most of it."""

SESSIONS_SHARE = 0.8
"""Of all others, two to a session. The rest is for clients who have none: those that are being told so, and
those that say nothing; and for a session's third socket, while it moves or a dial is hedged."""

MOST_FILES = (1_048_576, 10_240)
"""What Linux (``fs.nr_open``) and macOS (``OPEN_MAX``) grant at most, whatever the hard limit says."""


@frozen
class Sockets:
    """What a limit on open files allows.

    Attributes:
        sessions: Sockets that sessions may use.
        clients: Accepted ones that may be open at once, with a session or without.
    """

    sessions: int = sys.maxsize
    clients: int = sys.maxsize


def open_files_limit() -> int | None:
    """Return how many files this process may have open now; None where that is not limited, or not known."""
    if sys.platform == "win32":
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def raise_open_files_limit() -> None:
    """Let this process have as many files open as its owner allows it. Only a process of its own calls this.

    What most systems start a process with, 1,024, is for the sake of ``select``.
    """
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for most in (hard, *MOST_FILES):
        if soft in {hard, resource.RLIM_INFINITY} or 0 <= most <= soft:
            return
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            return


@lru_cache(maxsize=1)
def sockets_within(limit: int | None) -> Sockets:
    """Return how many sockets there are for whom, of *limit* open files. All together stay below it."""
    if limit is None:
        return Sockets()
    others = limit - min(OWN_FILES, int(limit * OWN_FILES_SHARE))
    sessions = int(others * SESSIONS_SHARE)
    upstreams = sessions // 2
    return Sockets(sessions=sessions, clients=others - upstreams)
