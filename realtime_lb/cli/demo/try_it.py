"""What to paste into another terminal."""

from __future__ import annotations

import shlex
import sys

from realtime_lb.cli.demo.stage import MODEL

__all__ = ["try_it"]

_SNIPPETS = """\
# an OpenAI client
export OPENAI_BASE_URL={root}/v1 OPENAI_API_KEY=any

# wscat; then type {{"type":"response.create"}}
wscat -c '{url}?model={model}'

# what the gateway knows
curl {root}/health

# Python, as it is installed here
{python} - <<'PY'
import asyncio, aiohttp

URL = "{url}?model={model}"
ASK = {{"type": "response.create", "response": {{"output_modalities": ["text"]}}}}

async def main():
    async with aiohttp.ClientSession() as http, http.ws_connect(URL) as session:
        await session.send_json(ASK)
        async for message in session:
            event = message.json()
            print(event["type"])
            if event["type"] == "response.done":
                break

asyncio.run(main())
PY"""


def try_it(root: str, url: str) -> str:
    """Return commands that open a session.

    Args:
        root: The gateway's root.
        url: Where it serves realtime sessions.
    """
    return _SNIPPETS.format(
        root=root,
        url=url,
        model=MODEL,
        python=shlex.quote(sys.executable),
    )
