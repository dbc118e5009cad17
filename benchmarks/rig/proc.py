"""What the kernel says of processes and of the machine: CPU time, memory, and who else was running.

CPU time is that of every thread of a process and of all its descendants. It comes from
``/proc/<pid>/task/<tid>/schedstat``, which counts nanoseconds; ``/proc/<pid>/stat`` counts ticks of 10 ms,
which is too coarse for a window of seconds, but it remembers threads and children that have ended, so it
takes over where one of them did.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

__all__ = [
    "CpuReading",
    "MachineReading",
    "Memory",
    "cpu_between",
    "halt_poll_us",
    "open_files",
    "read_cpu",
    "read_machine",
    "read_memory",
    "tree",
]

PROC = Path("/proc")
_GOVERNOR = Path("/sys/devices/system/cpu/cpuidle/current_governor")
_HALT_POLL = Path("/sys/module/haltpoll/parameters/guest_halt_poll_ns")
"""How long a virtual core looks out for work before it halts (Linux, virt/guest-halt-polling)."""

TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


@frozen
class CpuReading:
    """CPU time of a process and its descendants at one moment.

    Attributes:
        at_ns: When, on the monotonic clock.
        threads: Nanoseconds on a CPU by (process, thread), of those alive.
        ticks_ns: The same in sum, ended threads and waited-for children included, to a tick.
    """

    at_ns: int
    threads: dict[tuple[int, int], int]
    ticks_ns: int


@frozen
class Memory:
    """Memory of a process and its descendants.

    Attributes:
        rss_bytes: Resident pages; a page that two of them share counts twice.
        pss_bytes: The same, each page divided by the number of processes that map it.
    """

    rss_bytes: int
    pss_bytes: int


@frozen
class MachineReading:
    """How long each core has worked, for anybody.

    Attributes:
        at_ns: When, on the monotonic clock.
        busy_ns: By core: time that it ran something, kernel included.
        steal_ns: By core: time that it could have run, but the host ran another guest.
    """

    at_ns: int
    busy_ns: dict[int, int]
    steal_ns: dict[int, int]


def tree(pid: int) -> list[int]:
    """Return *pid* and all its living descendants."""
    found = [pid]
    for each in found:
        found.extend(_children(each))
    return found


def _children(pid: int) -> Iterator[int]:
    for thread in _threads(pid):
        try:
            text = (PROC / str(pid) / "task" / str(thread) / "children").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield from map(int, text.split())


def _threads(pid: int) -> list[int]:
    try:
        return [int(path.name) for path in (PROC / str(pid) / "task").iterdir()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def read_cpu(pid: int) -> CpuReading:
    """Read the CPU time of *pid* and its descendants."""
    threads: dict[tuple[int, int], int] = {}
    ticks = 0
    for process in tree(pid):
        for thread in _threads(process):
            try:
                text = (PROC / str(process) / "task" / str(thread) / "schedstat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            threads[process, thread] = int(text.split()[0])
        ticks += _ticks(process)
    return CpuReading(time.monotonic_ns(), threads, ticks * TICK_NS)


def _ticks(pid: int) -> int:
    """Return utime + stime + cutime + cstime; see proc(5)."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    fields = text.rpartition(")")[2].split()  # a name may hold spaces and parentheses
    return sum(map(int, fields[11:15]))


def cpu_between(before: CpuReading, after: CpuReading) -> int:
    """Return the nanoseconds of CPU time between two readings.

    To the nanosecond if all threads that worked are still there, else to the tick.
    """
    ticks = after.ticks_ns - before.ticks_ns
    if not before.threads.keys() <= after.threads.keys():
        return ticks
    exact = sum(after.threads.values()) - sum(before.threads.values())
    # Each of a process's four counters of ticks is cut off below. Where ticks are ahead by more than that,
    # somebody has come, worked and gone between the readings.
    processes = {process for process, _ in (*before.threads, *after.threads)}
    return ticks if ticks - exact > 4 * TICK_NS * len(processes) else exact


def read_memory(pid: int) -> Memory:
    """Read the memory of *pid* and its descendants."""
    rss = pss = 0
    for process in tree(pid):
        try:
            lines = (PROC / str(process) / "smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        sizes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines[1:])}
        rss += sizes["Rss"] * 1024
        pss += sizes["Pss"] * 1024
    return Memory(rss, pss)


def open_files(pid: int) -> int:
    """Return how many files and sockets *pid* and its descendants have open."""
    return sum(1 for process in tree(pid) for _ in (PROC / str(process) / "fd").iterdir())


def read_machine() -> MachineReading:
    """Read how long each core has worked; see proc(5), /proc/stat."""
    busy: dict[int, int] = {}
    steal: dict[int, int] = {}
    for line in (PROC / "stat").read_text().splitlines():
        name, *fields = line.split()
        if name.startswith("cpu") and name != "cpu":
            user, nice, system, _idle, _iowait, irq, softirq, stolen, *_ = map(int, fields)
            core = int(name[3:])
            busy[core] = (user + nice + system + irq + softirq) * TICK_NS
            steal[core] = stolen * TICK_NS
    return MachineReading(time.monotonic_ns(), busy, steal)


def halt_poll_us() -> float | None:
    """Return how long an idle core of this guest looks out for work before the host may have it.

    None where that is not the kernel's to say: no virtual machine, or another governor.
    """
    try:
        is_asked = _GOVERNOR.read_text().strip() == "haltpoll"
        return int(_HALT_POLL.read_text()) / 1000 if is_asked else None
    except (OSError, ValueError):
        return None
