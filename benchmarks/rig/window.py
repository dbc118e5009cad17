"""A stretch of time in which the proxy, the rig and everybody else are watched."""

from __future__ import annotations

import time

from attrs import frozen

from benchmarks.rig.cores import Cores
from benchmarks.rig.proc import CpuReading, MachineReading, cpu_between, read_cpu, read_machine

__all__ = ["Spent", "Window"]


@frozen
class Spent:
    """What a window cost.

    Attributes:
        seconds: How long it was.
        proxy_ns: CPU time of the proxy, all its threads and processes; 0 where there is none.
        rig_ns: CPU time of the rig.
        others_share: CPU that neither of them used, as a share of the cores that they run on. It takes the
            cores' caches and time from what is measured: figures of a window in which it is large are worth
            little.
        steal_share: Time that the host gave to other guests, as a share of these cores.
    """

    seconds: float
    proxy_ns: int
    rig_ns: int
    others_share: float
    steal_share: float

    @property
    def proxy_share(self) -> float:
        """Of one core."""
        return self.proxy_ns / self.seconds / 1e9

    @property
    def rig_share(self) -> float:
        """Of one core."""
        return self.rig_ns / self.seconds / 1e9

    def shares(self) -> dict[str, float]:
        """Return the shares, for a sample."""
        return {
            "window_s": self.seconds,
            "proxy_share": self.proxy_share,
            "rig_share": self.rig_share,
            "others_share": self.others_share,
            "steal_share": self.steal_share,
        }


@frozen
class Window:
    """An open window: read when it was opened, to be closed once.

    Attributes:
        pid: The proxy's first process, or None where there is no proxy.
        cores: Which cores to watch.
    """

    pid: int | None
    cores: Cores
    _rig_ns: int
    _proxy: CpuReading | None
    _machine: MachineReading

    @classmethod
    def open(cls, pid: int | None, cores: Cores) -> Window:
        """Begin to watch."""
        # The proxy is a child of the rig: only the rig's own process counts as the rig.
        return cls(pid, cores, time.process_time_ns(), read_cpu(pid) if pid else None, read_machine())

    def close(self) -> Spent:
        """Return what was spent since it was opened."""
        proxy_ns = 0
        if self.pid is not None and self._proxy is not None:
            proxy_ns = cpu_between(self._proxy, read_cpu(self.pid))
        rig_ns = time.process_time_ns() - self._rig_ns
        machine = read_machine()
        elapsed_ns = machine.at_ns - self._machine.at_ns
        watched = {self.cores.rig, self.cores.proxy}
        busy_ns = sum(machine.busy_ns[core] - self._machine.busy_ns[core] for core in watched)
        steal_ns = sum(machine.steal_ns[core] - self._machine.steal_ns[core] for core in watched)
        return Spent(
            seconds=elapsed_ns / 1e9,
            proxy_ns=proxy_ns,
            rig_ns=rig_ns,
            others_share=max(0.0, (busy_ns - proxy_ns - rig_ns) / elapsed_ns / len(watched)),
            steal_share=steal_ns / elapsed_ns / len(watched),
        )
