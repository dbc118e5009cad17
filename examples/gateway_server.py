"""The gateway as a script of your own, where `realtime-lb serve` is not enough.

python examples/gateway_server.py                  # simulated providers, a free port
python examples/gateway_server.py config.yaml      # your providers
"""

import asyncio
import os
import sys
from collections.abc import Mapping

from simulated import CONFIG, simulated_providers

from realtime_lb import RealtimeRouter
from realtime_lb.server import listening, wait_for_signal


async def serve(config: str, environ: Mapping[str, str]) -> None:
    """Serve until SIGTERM or Ctrl-C. Leaving `listening` ends the router and its live sessions in order."""
    router = RealtimeRouter.from_config(config, environ=environ)
    async with listening(router, host="127.0.0.1", port=0) as url:
        print(f"listening on {url}", flush=True)
        await wait_for_signal()
    print("stopped")


async def main() -> None:
    """Serve the file that is named, or simulated providers."""
    if len(sys.argv) > 1:
        await serve(sys.argv[1], os.environ)
        return
    async with simulated_providers() as environ:
        await serve(str(CONFIG), environ)


asyncio.run(main())
