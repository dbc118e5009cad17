"""Who runs on which core: the rig on one, the proxy on another, so that neither takes the other's time."""

from __future__ import annotations

import os
import resource

from attrs import frozen

__all__ = ["Cores", "allow_many_sockets", "choose_cores", "pin"]

ENOUGH_FILES = 65_536


@frozen
class Cores:
    """The cores of a run.

    Attributes:
        rig: Of the clients and the upstream.
        proxy: Of whatever stands between them.
    """

    rig: int
    proxy: int

    @property
    def apart(self) -> bool:
        """Whether the two have a core each; figures of a run where they have not mean little."""
        return self.rig != self.proxy


def choose_cores() -> Cores:
    """Take the first allowed core for the rig, as interrupts tend to land there, the last for the proxy."""
    allowed = sorted(os.sched_getaffinity(0))
    return Cores(allowed[0], allowed[-1])


def pin(core: int, pid: int = 0) -> None:
    """Keep a process, and all that it will start, on *core*; the calling one unless *pid* is given."""
    os.sched_setaffinity(pid, {core})


def allow_many_sockets() -> int:
    """Raise the limit of open files, for all that we start as well, as far as allowed; return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = ENOUGH_FILES if hard == resource.RLIM_INFINITY else min(hard, ENOUGH_FILES)
    most = max(soft, allowed)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most
