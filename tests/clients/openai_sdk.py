"""The conversation, held by the ``openai`` package of whichever interpreter runs this.

Usage: python -m tests.clients.openai_sdk. Each line that it reads is a conversation to hold, as JSON: base
URL, key, model, ``ga`` or ``beta``. Prints each event that was heard as a JSON line, and an empty one behind
the last.
"""

# ruff: noqa: T201  # printing is how it reports

import asyncio
import json
import sys
from typing import Any

import openai

from tests.clients.conversation import BETA, GA, Event, converse


class Sdk:
    """A connection of the package, by the methods that its users call."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def send(self, event: Event) -> None:
        fields = dict(event)
        method = self._connection
        for name in fields.pop("type").split("."):
            method = getattr(method, name)
        await method(**fields)

    async def receive(self) -> Event:
        raw = await self._connection.recv_bytes()
        self._connection.parse_event(raw)
        return dict(json.loads(raw))


async def main(base_url: str, key: str, model: str, dialect: str) -> None:
    # Told its own websocket address, the package does not insist on wss.
    by_websocket = base_url.replace("http", "ws", 1)
    client: Any = openai.AsyncOpenAI(base_url=base_url, websocket_base_url=by_websocket, api_key=key)
    realtime = client.realtime if dialect == "ga" else client.beta.realtime
    async with realtime.connect(model=model) as connection:
        heard = await converse(Sdk(connection), GA if dialect == "ga" else BETA)
    for event in heard:
        print(json.dumps(event))
    print(flush=True)


if __name__ == "__main__":
    for line in sys.stdin:
        asyncio.run(main(*json.loads(line)))
