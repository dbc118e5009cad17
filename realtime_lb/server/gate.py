"""Who may come in: a web page that is allowed, or no web page, and somebody whose key is known."""

from __future__ import annotations

from aiohttp import web

from realtime_lb.abc import Authenticator
from realtime_lb.auth import authenticator_for
from realtime_lb.errors import OriginRefused
from realtime_lb.requests import Principal
from realtime_lb.server.reading import key_of
from realtime_lb.settings import ServerSettings

__all__ = ["Gate"]


class Gate:
    """Stands before every route but the probes.

    Args:
        server: The master key, and which web origins are allowed.
        authenticator: Tells who calls; None means the master key, or everybody without one.
    """

    def __init__(self, server: ServerSettings, authenticator: Authenticator | None) -> None:
        self._server = server
        self._authenticator = authenticator or authenticator_for(server)
        self._needs_key = authenticator is not None or server.master_key is not None

    @property
    def is_open(self) -> bool:
        """Whether callers need no key."""
        return not self._needs_key

    async def admit(self, request: web.Request) -> Principal:
        """Return who is calling.

        Raises:
            OriginRefused: A web page that nobody allowed.
            Unauthenticated: A key that nobody has.
        """
        for origin in request.headers.getall("Origin", ()):
            self._check_origin(origin)
        return await self._authenticator.authenticate(key_of(request, self._server))

    def _check_origin(self, origin: str) -> None:
        """Refuse web pages that nobody allowed.

        A browser lets any page open a websocket to any address that it can reach, so a gateway without a key
        would be every page's. With a key, and no list of origins, the key decides.
        """
        if origin in self._server.allowed_origins:
            return
        if self._server.allowed_origins or not self._needs_key:
            raise OriginRefused
