"""What the machine grants this process. Where a system does not tell, there is no limit that we know of."""

from __future__ import annotations

from realtime_lb.machine.files import Sockets, open_files_limit, raise_open_files_limit, sockets_within
from realtime_lb.machine.memory import Memory

__all__ = ["Memory", "Sockets", "open_files_limit", "raise_open_files_limit", "sockets_within"]
