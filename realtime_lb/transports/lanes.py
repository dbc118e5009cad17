"""Which library reads and writes the frames: picows where it is installed, else aiohttp."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any, Literal, TypeAlias

from aiohttp import web

from realtime_lb.abc import Connection, Transport
from realtime_lb.errors import MissingExtra
from realtime_lb.settings import LimitSettings
from realtime_lb.transports.aiohttp_transport import AiohttpTransport
from realtime_lb.transports.aiohttp_upgrade import accept_websocket

__all__ = ["LaneName", "accept", "lane_or_best", "transport_for"]

LaneName: TypeAlias = Literal["fast", "aiohttp"]
"""``fast``: aiohttp shakes hands and picows does the rest. ``aiohttp``: aiohttp does all."""


_FAST_ROOMS = ("realtime_lb.transports.picows_transport", "realtime_lb.transports.picows_upgrade")

KNOWN = {"picows": "2.3.", "aiofastnet": "1.2."}
"""Versions whose insides we know as well as we lean on them. With others, aiohttp serves."""


def lane_or_best(wanted: LaneName | None = None) -> LaneName:
    """Return *wanted*, or the best lane whose packages are installed, and import what it needs.

    Raises:
        MissingExtra: ``fast`` is wanted, and its packages are not installed in versions that we know.
    """
    if wanted == "aiohttp":
        return wanted
    if _has_what_we_know():
        for room in _FAST_ROOMS:  # here, since with the first client it would hold the loop
            import_module(room)
        return "fast"
    if wanted == "fast":
        raise MissingExtra("fast", "The fast lane")
    return "aiohttp"


def _has_what_we_know() -> bool:
    try:
        return all(find_spec(p) and _installed_version(p).startswith(known) for p, known in KNOWN.items())
    except PackageNotFoundError:
        return False


@cache
def _installed_version(package: str) -> str:
    """Read it from the disk, once: routers are built in loops that run."""
    return version(package)


def transport_for(lane: LaneName, limits: LimitSettings) -> Transport:
    """Return what dials upstreams on *lane*."""
    if lane == "aiohttp":
        return AiohttpTransport(limits)
    from realtime_lb.transports.picows_transport import PicowsTransport

    return PicowsTransport(limits)


async def accept(
    lane: LaneName, request: web.Request, limits: LimitSettings
) -> tuple[web.StreamResponse | web.WebSocketResponse[Any], Connection]:
    """Answer *request* with a 101, on *lane* or, where there is no socket to take over, with aiohttp alone.

    Args:
        lane: The lane that is wanted.
        request: The upgrade that somebody has already allowed.
        limits: What the connection may cost.

    Returns:
        The response for the handler to return when the connection has ended, and the connection.

    Raises:
        ConnectionResetError: The client is gone.
    """
    if lane == "fast":
        from realtime_lb.transports.picows_upgrade import accept_and_take_over, can_be_taken_over

        if can_be_taken_over(request):
            return await accept_and_take_over(request, limits)
    return await accept_websocket(request, limits)
