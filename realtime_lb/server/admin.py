"""What an operator may ask and order, on a port of its own: where sessions go and why, and who is drained."""

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
from realtime_lb.errors import InvalidRequest, OriginRefused, RealtimeError
from realtime_lb.router import RealtimeRouter
from realtime_lb.server.door import Handler, close_refused, refusal
from realtime_lb.server.gate import Gate
from realtime_lb.server.pages import add_probes
from realtime_lb.server.reading import affinity_of, parameter, tags_of
from realtime_lb.typing import JsonObject

__all__ = ["DRAIN_PATH", "EXPLAIN_PATH", "READMIT_PATH", "SESSIONS_PATH", "create_admin_app"]

DRAIN_PATH = "/admin/drain"
EXPLAIN_PATH = "/admin/explain"
READMIT_PATH = "/admin/readmit"
SESSIONS_PATH = "/admin/sessions"

Answer: TypeAlias = Callable[[RealtimeRouter, web.Request], JsonObject]


def create_admin_app(router: RealtimeRouter, authenticator: Authenticator | None = None) -> web.Application:
    """Return an application with the operators' routes, which clients have no business with, and the probes.

    It tells names of deployments and callers, and addresses of clients, and takes orders. Run it on a port of
    its own that only operators reach; `listening_admin` does.

    Args:
        router: What it is about. Yours to close.
        authenticator: Tells who calls; None means the settings' ``master_key``, or everybody without one.
    """
    app = web.Application()
    app.on_response_prepare.append(close_refused)
    gate = Gate(router.settings.server, authenticator)
    add_probes(app, router)  # the other port is closed while live sessions end
    app.router.add_get(EXPLAIN_PATH, _locked(_explain, router, gate))
    app.router.add_get(SESSIONS_PATH, _locked(_sessions, router, gate))
    app.router.add_post(DRAIN_PATH, _locked(_drain, router, gate))
    app.router.add_post(READMIT_PATH, _locked(_readmit, router, gate))
    return app


def _locked(answer: Answer, router: RealtimeRouter, gate: Gate) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            await gate.admit(request)
            if gate.is_open and _is_of_the_web(request):
                raise OriginRefused
            return web.json_response(answer(router, request))
        except RealtimeError as error:
            return refusal(error)

    return handle


def _is_of_the_web(request: web.Request) -> bool:
    """Say whether *request* may be a web page's: one that orders something, or calls us by a name.

    A page that may open sessions has no business with orders. And a browser sends no ``Origin`` with a page's
    questions to its own name, whatever address that name has by now (DNS rebinding). Nobody points an address
    elsewhere, nor ``localhost``.
    """
    if request.method == "POST" and "Origin" in request.headers:
        return True
    host = request.url.host or ""
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


def _drain(router: RealtimeRouter, request: web.Request) -> JsonObject:
    deployment = _deployment(request)
    moving = router.drain(deployment)
    there = sum(session.deployment == deployment for session in router.sessions())
    return {"deployment": deployment, "moving": moving, "staying": there - moving}


def _readmit(router: RealtimeRouter, request: web.Request) -> JsonObject:
    deployment = _deployment(request)
    router.readmit(deployment)
    return {"deployment": deployment}


def _deployment(request: web.Request) -> str:
    if (named := parameter(request, "deployment")) is None:
        raise InvalidRequest(
            "No deployment was named", code="missing_deployment", hint="add ?deployment=<id>"
        )
    return named


def _as_json(record: AttrsInstance) -> JsonObject:
    """Return *record* as an object that every JSON parser takes: an infinite number is null."""
    plain: JsonObject = _PLAIN.unstructure(record)
    return plain


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


_PLAIN: Any = cattrs.Converter()
_PLAIN.register_unstructure_hook(float, _number)
_PLAIN.register_unstructure_hook(enum.StrEnum, str)
