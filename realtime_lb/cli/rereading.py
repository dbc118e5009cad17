"""A running gateway reads its configuration anew: at a SIGHUP, and when the file changes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from realtime_lb.cli.configuration import Configuration, counted
from realtime_lb.cli.failures import Unusable
from realtime_lb.cli.shares import Share, check_shares
from realtime_lb.cli.watching import Watch
from realtime_lb.errors import ConfigError
from realtime_lb.router import RealtimeRouter
from realtime_lb.snapshots import Reconfigured
from realtime_lb.waiting import comes

__all__ = ["Read", "anew", "at_each_change", "reread"]

_log = structlog.stdlib.get_logger("realtime_lb.serve")

Read = Callable[[], Configuration]
"""Reads the file; raises `Unusable`."""


@asynccontextmanager
async def at_each_change(
    watch: Watch, poll_s: float, act: Callable[[], Awaitable[None]]
) -> AsyncIterator[None]:
    """Call *act* at each SIGHUP, and when a file has something new, while the block runs; once at a time.

    What comes while *act* runs is answered by one call more. Enter it first and leave it last: without it, a
    SIGHUP ends the process.

    Args:
        watch: Knows what has been read.
        poll_s: How often the file is looked at; 0 does not.
        act: Reads it.
    """
    asked = asyncio.Event()

    async def listen() -> None:
        while True:
            is_told = await comes(asked, loop.time() + poll_s if poll_s else None)
            asked.clear()
            try:
                if await asyncio.to_thread(watch.is_new, is_told):
                    await act()
            except Exception:  # noqa: BLE001  # whatever it was, sessions are served as before
                _log.exception("a defect kept the configuration from being read anew")

    loop, listening = asyncio.get_running_loop(), asyncio.create_task(listen())
    loop.add_signal_handler(signal.SIGHUP, asked.set)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
        listening.cancel()
        await asyncio.wait({listening})


async def anew(read: Read, workers: int = 1) -> Configuration | None:
    """Return the file as it is now; None, and a line in the log, where so many *workers* cannot use it."""
    try:
        configuration = await asyncio.to_thread(read)  # nobody's audio waits for the disk
        check_shares(configuration.settings, workers)
    except Unusable as error:
        _refuse(error.message)
        return None
    return configuration


async def reread(router: RealtimeRouter, read: Read, share: Share | None) -> None:
    """Have *router* go by the file as it is now, or by what it went by, and say what has changed."""
    configuration = await anew(read, share.workers if share else 1)
    if configuration is None or router.closing:
        return
    settings = configuration.settings
    try:
        changes = router.reconfigure(share.of(settings) if share else settings)
    except ConfigError as error:
        _refuse(str(error))
        return
    for warning in configuration.warnings:
        _log.warning(f"{warning.file}:{warning.line}: {warning.path}: {warning.message}", hint=warning.hint)
    _tell(changes, share)


def _refuse(why: str) -> None:
    on_one_line = "; ".join(line.strip() for line in why.splitlines())
    _log.error(f"the configuration stays as it was, for the file cannot be used now: {on_one_line}")


def _tell(changes: Reconfigured, share: Share | None) -> None:
    numbers = {name: getattr(changes, name) for name in ("added", "removed", "changed")}
    shown = ", ".join(f"{len(ids)} {name}" for name, ids in numbers.items())
    _log.info(
        f"configuration read anew: deployments {shown}; {counted(changes.moving, 'session')} to move",
        **{name: list(ids) for name, ids in numbers.items()},
        moving=changes.moving,
        **({"worker": str(share)} if share else {}),
    )
    if changes.fixed:
        _log.warning(
            f"not in effect before a restart, though changed in the file: {', '.join(changes.fixed)}",
            hint="server, health, limits and logging settings need a restart",
        )
