"""The operators' listener of a gateway process: where it may be, and what becomes of it if it cannot be."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from ipaddress import ip_address

from attrs import frozen

from realtime_lb.cli.configuration import Caution
from realtime_lb.cli.failures import Unusable, reason_of
from realtime_lb.router import RealtimeRouter
from realtime_lb.server import listening_admin
from realtime_lb.settings import ServerSettings

__all__ = ["OperatorsDoor", "check_operators_door", "operators_door"]


@frozen
class OperatorsDoor:
    """What came of listening for operators.

    Attributes:
        url: Where they are answered; None where they are not.
        caution: What its owner should know of that.
    """

    url: str | None = None
    caution: Caution | None = None


def check_operators_door(server: ServerSettings) -> None:
    """Refuse to tell a network, unasked for a key, who calls from where.

    Raises:
        Unusable: *server* would have it so.
    """
    if server.admin_port and server.master_key is None and not _is_loopback(server.admin_host):
        raise Unusable(
            f"realtime_lb.server.admin_host: {server.admin_host!r} is not this machine alone, and no "
            "master_key is set: whoever reaches it reads who calls, and from where\n"
            "    hint: set general_settings.master_key, or admin_host to 127.0.0.1, or admin_port to 0"
        )


@contextlib.asynccontextmanager
async def operators_door(router: RealtimeRouter) -> AsyncIterator[OperatorsDoor]:
    """Answer operators while the block runs, where *router*'s settings say; if that cannot be, go on without.

    Clients must not go without a gateway because somebody else has a port that they never use.
    """
    server = router.settings.server
    async with AsyncExitStack() as stack:
        door = OperatorsDoor()
        if server.admin_port:
            listener = listening_admin(router, host=server.admin_host, port=server.admin_port)
            try:
                door = OperatorsDoor(url=await stack.enter_async_context(listener))
            except OSError as error:
                door = OperatorsDoor(caution=_deaf(server, error))
        yield door


def _deaf(server: ServerSettings, error: OSError) -> Caution:
    return Caution(
        f"operators get no answers: cannot listen on {server.admin_host}, port {server.admin_port}: "
        f"{reason_of(error)}",
        "stop what listens there, or give another --admin-port; 0 does not listen",
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"  # another name may mean another address tomorrow
