"""What an operator may ask, on a port of its own: where a session would go and why, and which are live."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, TypeAlias

import cattrs
from aiohttp import web
from attrs import AttrsInstance

from realtime_lb.abc import Authenticator
from realtime_lb.errors import OriginRefused, RealtimeError
from realtime_lb.router import RealtimeRouter
from realtime_lb.server.door import Handler, refusal
from realtime_lb.server.gate import Gate
from realtime_lb.server.reading import affinity_of, parameter, tags_of
from realtime_lb.typing import JsonObject

__all__ = ["EXPLAIN_PATH", "SESSIONS_PATH", "create_admin_app"]

EXPLAIN_PATH = "/admin/explain"
SESSIONS_PATH = "/admin/sessions"

Answer: TypeAlias = Callable[[RealtimeRouter, web.Request], JsonObject]


def create_admin_app(router: RealtimeRouter, authenticator: Authenticator | None = None) -> web.Application:
    """Return an application with the operators' routes, which clients have no business with.

    It tells names of deployments and callers, and addresses of clients. Run it on a port of its own that only
    operators reach; `listening_admin` does.

    Args:
        router: What is asked about. Yours to close.
        authenticator: Tells who calls; None means the settings' ``master_key``, or everybody without one.
    """
    app = web.Application()
    gate = Gate(router.settings.server, authenticator)
    app.router.add_get(EXPLAIN_PATH, _locked(_explain, router, gate))
    app.router.add_get(SESSIONS_PATH, _locked(_sessions, router, gate))
    return app


def _locked(answer: Answer, router: RealtimeRouter, gate: Gate) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            await gate.admit(request)
            if gate.is_open and _is_of_the_web(request.url.host or ""):
                raise OriginRefused
            return web.json_response(answer(router, request))
        except RealtimeError as error:
            return refusal(error)

    return handle


def _is_of_the_web(host: str) -> bool:
    """Say whether *host*, which the caller calls us, is a name that a web page's owner may point at us.

    A browser sends no ``Origin`` with a page's requests to its own name, whatever address that name has by
    now (DNS rebinding). Nobody points an address elsewhere, nor ``localhost``.
    """
    try:
        ip_address(host)
    except ValueError:
        return host != "localhost"
    return False


def _explain(router: RealtimeRouter, request: web.Request) -> JsonObject:
    return _as_json(
        router.explain(
            parameter(request, "model"),
            tags=tags_of(request.query.getall("tags", ())),
            affinity=affinity_of(request.query.getall("affinity", ())),
        )
    )


def _sessions(router: RealtimeRouter, _request: web.Request) -> JsonObject:
    return {"sessions": [_as_json(session) for session in router.sessions()]}


def _as_json(record: AttrsInstance) -> JsonObject:
    """Return *record* as an object that every JSON parser takes: an infinite number is null."""
    plain: JsonObject = _PLAIN.unstructure(record)
    return plain


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


_PLAIN: Any = cattrs.Converter()
_PLAIN.register_unstructure_hook(float, _number)
_PLAIN.register_unstructure_hook(enum.StrEnum, str)
