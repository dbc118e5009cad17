"""A realtime route in an aiohttp application of your own, beside its other routes.

python examples/embedded_route.py [PORT]    # 8080; then dial ws://127.0.0.1:8080/v1/realtime?model=gpt-realtime
"""

import sys
from contextlib import AsyncExitStack

from aiohttp import web
from simulated import CONFIG, simulated_providers

from realtime_lb import RealtimeRouter
from realtime_lb.server import realtime_handler


async def hello(_request: web.Request) -> web.Response:
    """Answer as the rest of the application does."""
    return web.Response(text="hello from the application\n")


async def make_app() -> web.Application:
    """Build the application: with real providers, `environ` and the simulation go."""
    simulation = AsyncExitStack()
    environ = await simulation.enter_async_context(simulated_providers())
    router = RealtimeRouter.from_config(CONFIG, environ=environ)

    async def say_goodbye(_app: web.Application) -> None:
        await router.aclose()  # live sessions are closed with 1001
        await simulation.aclose()

    app = web.Application()
    app.router.add_get("/", hello)
    app.router.add_get("/v1/realtime", realtime_handler(router))
    app.on_shutdown.append(say_goodbye)
    return app


web.run_app(make_app(), host="127.0.0.1", port=int(sys.argv[1]) if len(sys.argv) > 1 else 8080)
