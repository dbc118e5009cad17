"""How much of its memory this process has used up."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from attrs import define, frozen

from realtime_lb.typing import Clock

if sys.platform != "win32":
    import resource

__all__ = ["Memory"]

LOOK_EVERY_S = 0.25
"""How old a measured use may be (Envoy's overload manager looks every 250 ms)."""

LOOK_EACH_TIME_FROM = 0.5
"""The use from which it is measured each time: what opens within `LOOK_EVERY_S` could use up the rest."""

_MOST_BYTES = 2**60
"""A limit beyond is none: version 1 of cgroups writes a huge number for that."""


@frozen
class _Cgroup:
    """A group of processes, ours among them.

    Attributes:
        limit: Holds what all of them may use.
        used: Holds what they use.
        statistics: Holds what that is made up of.
        reclaimable: The name there of what the kernel would give back before it kills.
    """

    limit: Path
    used: Path
    statistics: Path
    reclaimable: str

    def share(self) -> float:
        """Return what is used of the limit, which may be changed while we run; 0 where there is none.

        Raises:
            ValueError: The limit is ``max``.
            OSError: This container does not see the group.
        """
        limit_bytes = _number(_text(self.limit))
        if not 0 < limit_bytes < _MOST_BYTES:
            return 0.0
        named = (line.split() for line in _text(self.statistics).splitlines())
        spare = next((int(size) for name, size in named if name == self.reclaimable), 0)
        return (_number(_text(self.used)) - spare) / limit_bytes


@define(eq=False)
class Memory:
    """The use of memory, measured when it is asked for: of less than half, once in `LOOK_EVERY_S`.

    Attributes:
        clock: Monotonic seconds.
        proc: Where Linux tells about this process.
        cgroups: Where it tells about groups of processes.
    """

    clock: Clock
    proc: Path = Path("/proc/self")
    cgroups: Path = Path("/sys/fs/cgroup")
    _looked_at_s: float = float("-inf")
    _used: float = 0.0
    _named: str = ""
    _groups: tuple[_Cgroup, ...] = ()

    def used(self, limit_bytes: int | None) -> float:
        """Return the used share of *limit_bytes*, or of what the system grants; 0 where nothing is known.

        Args:
            limit_bytes: For what this process has in memory. None means the limits of its cgroup, less what
                the kernel can take back, and that of its address space (RLIMIT_AS).
        """
        now_s = self.clock()
        if self._used >= LOOK_EACH_TIME_FROM or now_s - self._looked_at_s >= LOOK_EVERY_S:
            self._looked_at_s = now_s
            self._used = self._measured(limit_bytes)
        return self._used

    def _measured(self, limit_bytes: int | None) -> float:
        if limit_bytes is not None:
            return _or_nothing(lambda: self._size_bytes(resident=True) / limit_bytes)
        return max(_or_nothing(self._of_groups), _or_nothing(self._of_address_space))

    def _of_groups(self) -> float:
        named = _text(self.proc / "cgroup")
        if named != self._named:  # at first; and somebody may move us
            self._named, self._groups = named, tuple(_cgroups(self.cgroups, named))
        return max((_or_nothing(group.share) for group in self._groups), default=0.0)

    def _of_address_space(self) -> float:
        most_bytes = _address_space_bytes()
        return 0.0 if most_bytes is None else self._size_bytes(resident=False) / most_bytes

    def _size_bytes(self, *, resident: bool) -> int:
        pages = _text(self.proc / "statm").split()[1 if resident else 0]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _or_nothing(look: Callable[[], float]) -> float:
    try:
        return look()
    except (OSError, ValueError):  # no Linux, or one that hides it
        return 0.0


def _address_space_bytes() -> int | None:
    if sys.platform == "win32":
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else soft


def _cgroups(root: Path, named: str) -> Iterator[_Cgroup]:
    """Find the groups that may have a limit: the one that we are in, and those around it.

    Args:
        root: Where Linux tells about them.
        named: What it says of ours.
    """
    for line in named.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            yield from _around(root, path, ("memory.max", "memory.current", "memory.stat"), "inactive_file")
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat")
            yield from _around(root / "memory", path, names, "total_inactive_file")


def _around(root: Path, path: str, names: Sequence[str], reclaimable: str) -> Iterator[_Cgroup]:
    inner = root / path.lstrip("/")
    for folder in (inner, *inner.parents):
        if not folder.is_relative_to(root):
            return
        limit, used, statistics = (folder / name for name in names)
        yield _Cgroup(limit, used, statistics, reclaimable)


def _number(text: str) -> int:
    return int(text.strip())


def _text(path: Path) -> str:
    """Read one of the kernel's small files, which nothing waits for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(descriptor, 16_384, 0).decode()
    finally:
        os.close(descriptor)
