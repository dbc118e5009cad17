"""Who is let in: how many at once, how many from one address, and how fast."""

from __future__ import annotations

import logging
from collections import Counter, deque
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address

from attrs import define, field

from realtime_lb.errors import Overloaded, RealtimeError, TooManyOpens, TooManySessions
from realtime_lb.machine import Memory, open_files_limit, sockets_within
from realtime_lb.seldom import Seldom
from realtime_lb.settings import AdmissionSettings
from realtime_lb.typing import Clock

__all__ = ["Admission", "caller_of"]

MEMORY_TO_REFUSE_FROM = 0.85
"""Of the limit. Live sessions need the rest: each may come to hold its journal and its largest message."""

MEMORY_TO_BE_UNREADY_FROM = 0.9
"""Of the limit. Whoever sends us clients should send them elsewhere."""

WINDOW_S = 60.0
"""What a rate of opens is counted over."""

_log = logging.getLogger("realtime_lb")


@lru_cache(maxsize=1024)  # who is refused soon asks again
def caller_of(address: str | None) -> str | None:
    """Return whom *address* counts as: of IPv6, its /64, which is what one customer of a network gets.

    What is no address, such as a proxy's ``unknown``, counts as itself; None where there is none.
    """
    if not address:
        return None
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:  # how a dual-stack socket shows IPv4
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((int(parsed), 64), strict=False))


@define(eq=False)
class _Opens:
    """When each caller began sessions within the last minute. Holds no more than what was let in."""

    clock: Clock
    _all: deque[tuple[float, str]] = field(factory=deque)
    _by_caller: dict[str, deque[float]] = field(factory=dict)

    def wait_s(self, caller: str, most: int) -> float:
        """Return how long *caller* has to wait for another one; 0 where there is room."""
        now_s = self.clock()
        self._forget(now_s - WINDOW_S)
        begun = self._by_caller.get(caller, ())
        return begun[-most] + WINDOW_S - now_s if len(begun) >= most else 0.0

    def add(self, caller: str) -> None:
        now_s = self.clock()
        self._all.append((now_s, caller))
        self._by_caller.setdefault(caller, deque()).append(now_s)

    def _forget(self, until_s: float) -> None:
        while self._all and self._all[0][0] <= until_s:
            _, caller = self._all.popleft()
            begun = self._by_caller[caller]
            begun.popleft()
            if not begun:
                del self._by_caller[caller]


@define(kw_only=True, eq=False)
class Admission:
    """Lets sessions in, and counts them while they are there.

    Attributes:
        settings: The caps. May be exchanged; who is in, stays.
        clock: Monotonic seconds.
    """

    settings: AdmissionSettings
    clock: Clock
    _memory: Memory = field(init=False)
    _sessions: int = 0
    _sockets: int = 0
    _by_caller: Counter[str] = field(factory=Counter)
    _opens: _Opens = field(init=False)
    _notices: dict[str, Seldom] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self._opens, self._memory = _Opens(self.clock), Memory(self.clock)

    @property
    def is_short_of_memory(self) -> bool:
        """No more clients should be sent here."""
        return self._memory_used() >= MEMORY_TO_BE_UNREADY_FROM

    def admit(self, address: str | None, *, sockets: int) -> str | None:
        """Let a session in, until it leaves; return whom it counts as. From look to count nobody comes in.

        Args:
            address: Where it comes from; None for the program itself, which has no share of its own.
            sockets: How many it needs.

        Raises:
            TooManySessions: The address has as many as it may.
            TooManyOpens: It has begun too many within a minute.
            Overloaded: There is no room for anybody.
        """
        caller = caller_of(address)
        self._look(caller, sockets)
        self._sessions += 1
        self._sockets += sockets
        if caller is not None:
            self._by_caller[caller] += 1
        return caller

    def leave(self, caller: str | None, *, sockets: int) -> None:
        """Count a session out that `admit` has counted in as *caller*'s, with so many sockets."""
        self._sessions -= 1
        self._sockets -= sockets
        if caller is not None:
            self._by_caller[caller] -= 1
            if not self._by_caller[caller]:
                del self._by_caller[caller]

    def _look(self, caller: str | None, sockets: int) -> None:
        caps = self.settings
        most = caps.max_sessions_per_address
        if caller is not None and most is not None and self._by_caller[caller] >= most:
            self._refuse(TooManySessions(), "an address holds max_sessions_per_address")
        if caps.max_sessions is not None and self._sessions >= caps.max_sessions:
            self._refuse(Overloaded(), "all max_sessions are there")
        if self._sockets + sockets > sockets_within(open_files_limit()).sessions:
            self._refuse(Overloaded(), "there are as many as the limit on open files allows (ulimit -n)")
        if self._memory_used() >= MEMORY_TO_REFUSE_FROM:
            self._refuse(Overloaded(), f"{MEMORY_TO_REFUSE_FROM:.0%} of the memory limit is in use")
        if caller is not None and caps.max_opens_per_address is not None:
            self._pace(caller, caps.max_opens_per_address)

    def _pace(self, caller: str, most: int) -> None:
        """The last look: who is refused elsewhere has begun nothing."""
        wait_s = self._opens.wait_s(caller, most)
        if wait_s > 0:
            self._refuse(TooManyOpens(wait_s), "an address began max_opens_per_address within a minute")
        self._opens.add(caller)

    def _memory_used(self) -> float:
        return self._memory.used(self.settings.memory_limit_bytes)

    def _refuse(self, error: RealtimeError, why: str) -> None:
        notice = self._notices.setdefault(why, Seldom(_log.warning, self.clock))
        notice.tell(f"sessions are refused: {why}")
        raise error
