"""How ``realtime-lb serve`` stops: not ready at once, then a drain, then an end that nothing can put off."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from typing import Any

import structlog

from realtime_lb.cli.processes import Orders
from realtime_lb.router import RealtimeRouter

__all__ = ["stopped"]

HARD_STOP_S = 0.75
"""After the last session was told to go: a client that reads nothing would take its ``close_timeout_s``."""

_log = structlog.stdlib.get_logger("realtime_lb.serve")


async def stopped(router: RealtimeRouter, orders: Orders) -> None:
    """Wait for an order to stop, and have *router* drained as its settings say; at another order, now.

    Nobody's load balancer says Ctrl-C, so after that no session is admitted. `HARD_STOP_S` after the time is
    over, the process ends with status 0, wherever it is by then.
    """
    ordered, server = await orders.first, router.settings.server
    admit_s = 0.0 if ordered is signal.SIGINT else min(server.drain_admit_s, server.drain_timeout_s)
    _log.info(
        "stopping; a second signal stops it now",
        live_sessions=router.snapshot().live_sessions,
        admit_s=admit_s,
        timeout_s=server.drain_timeout_s,
    )
    loop = asyncio.get_running_loop()
    loop.call_later(server.drain_timeout_s + HARD_STOP_S, _end, router)
    drained = asyncio.create_task(
        router.aclose(drain_admit_s=admit_s, drain_timeout_s=server.drain_timeout_s)
    )
    either: set[asyncio.Future[Any]] = {drained, orders.again}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if orders.again.done():
        loop.call_later(HARD_STOP_S, _end, router)
        await router.aclose()
    await drained


def _end(router: RealtimeRouter) -> None:
    _log.warning("stopped before all was closed", live_sessions=router.snapshot().live_sessions)
    logging.shutdown()
    os._exit(0)
