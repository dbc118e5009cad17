"""A balanced session inside your own program: one question, one answer.

python examples/library_client.py                  # simulated providers: no key, no network
python examples/library_client.py config.yaml      # your providers: its first model group is asked
"""

import asyncio
import os
import sys
from collections.abc import Mapping

from simulated import CONFIG, simulated_providers

from realtime_lb import RealtimeRouter

QUESTION = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Who are you?"}]}


async def ask(config: str, environ: Mapping[str, str]) -> None:
    """Open a session on one of the deployments of *config*, and print the answer as it comes."""
    async with RealtimeRouter.from_config(config, environ=environ) as router:
        model = router.snapshot().models[0]
        async with router.connect(model) as session:
            await session.send({"type": "conversation.item.create", "item": QUESTION})
            await session.send({"type": "response.create", "response": {"output_modalities": ["text"]}})
            async for event in session:
                if event["type"] == "response.output_text.delta":
                    print(event["delta"], end="", flush=True)
                elif event["type"] in {"response.done", "error"}:
                    print()
                    break


async def main() -> None:
    """Ask the providers of the file that is named, or simulated ones."""
    if len(sys.argv) > 1:
        await ask(sys.argv[1], os.environ)
        return
    async with simulated_providers() as environ:
        await ask(str(CONFIG), environ)


asyncio.run(main())
