"""Plain HTTP beside the websocket: health and what there is to ask for, in the shapes that clients know."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from aiohttp import web

from realtime_lb.abc import Authenticator
from realtime_lb.errors import RealtimeError
from realtime_lb.records import HealthState
from realtime_lb.router import RealtimeRouter
from realtime_lb.server.door import Handler, refusal
from realtime_lb.server.gate import Gate
from realtime_lb.snapshots import DeploymentSnapshot
from realtime_lb.typing import JsonObject

__all__ = ["add_pages", "add_probes"]

Page: TypeAlias = Callable[[RealtimeRouter], JsonObject]

_WELL = frozenset({HealthState.ELIGIBLE, HealthState.SLOW_START})


def add_pages(app: web.Application, router: RealtimeRouter, authenticator: Authenticator | None) -> None:
    """Add LiteLLM's and OpenAI's informational routes to *app*, probes included."""
    gate = Gate(router.settings.server, authenticator)
    add_probes(app, router)
    for path, page in (
        ("/health", _health),
        ("/v1/models", _models),
        ("/models", _models),
        ("/model/info", _model_info),
        ("/v1/model/info", _model_info),
    ):
        app.router.add_get(path, _locked(page, router, gate))


def add_probes(app: web.Application, router: RealtimeRouter) -> None:
    """Add the routes that whoever runs the process asks, by LiteLLM's names and Kubernetes'."""
    app.router.add_get("/health/liveliness", _alive)
    app.router.add_get("/health/liveness", _alive)
    app.router.add_get("/health/readiness", _readiness(router))


def _locked(page: Page, router: RealtimeRouter, gate: Gate) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            await gate.admit(request)
        except RealtimeError as error:
            return refusal(error)
        return web.json_response(page(router))

    return handle


async def _alive(_request: web.Request) -> web.StreamResponse:
    """The loop runs: that is all that liveness may mean."""
    return web.json_response("I'm alive!")


def _readiness(router: RealtimeRouter) -> Handler:
    async def handle(_request: web.Request) -> web.StreamResponse:
        if router.draining:
            return web.json_response({"status": "draining"}, status=503)
        if router.is_short_of_memory:
            return web.json_response({"status": "short of memory"}, status=503)
        return web.json_response({"status": "healthy"})

    return handle


def _health(router: RealtimeRouter) -> JsonObject:
    healthy: list[JsonObject] = []
    unhealthy: list[JsonObject] = []
    for d in router.snapshot().deployments:
        endpoint = {
            "model": f"{d.provider}/{d.model}",
            "model_id": d.id,
            "model_group": d.model_group,
            "live_sessions": d.live_sessions,
        }
        if d.standing.state in _WELL:
            healthy.append(endpoint)
        else:
            unhealthy.append({**endpoint, **_standing(d)})
    return {
        "healthy_endpoints": healthy,
        "unhealthy_endpoints": unhealthy,
        "healthy_count": len(healthy),
        "unhealthy_count": len(unhealthy),
    }


def _standing(deployment: DeploymentSnapshot) -> JsonObject:
    standing = deployment.standing
    return {"state": str(standing.state), "reason": str(standing.reason), "left_s": standing.left_s}


def _models(router: RealtimeRouter) -> JsonObject:
    names = router.snapshot().models
    data = [{"id": name, "object": "model", "created": 0, "owned_by": "realtime_lb"} for name in names]
    return {"object": "list", "data": data}


def _model_info(router: RealtimeRouter) -> JsonObject:
    return {"data": [_info(deployment) for deployment in router.snapshot().deployments]}


def _info(deployment: DeploymentSnapshot) -> JsonObject:
    return {
        "model_name": deployment.model_group,
        "litellm_params": {
            "model": f"{deployment.provider}/{deployment.model}",
            "order": deployment.order,
            "max_parallel_requests": deployment.max_sessions,
        },
        "model_info": {
            "id": deployment.id,
            "mode": "realtime",
            "live_sessions": deployment.live_sessions,
            **_standing(deployment),
        },
    }
