"""A provider of your own: a server with another address and another way to show a key.

python examples/custom_provider.py      # a simulated provider: no key, no network
"""

import asyncio
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import quote

from realtime_lb import (
    Deployment,
    DialRequest,
    ProviderAdapter,
    RealtimeRouter,
    Secret,
    SessionRequest,
    Settings,
)
from realtime_lb.errors import CredentialUnavailable, InvalidRequest
from realtime_lb.simulator import Face, Simulator
from realtime_lb.testing import check_provider


class Acme(ProviderAdapter):
    """Acme's voice servers: ``wss://<host>/openai/v1/realtime?model=``, the key in ``api-key``."""

    name: ClassVar[str] = "acme"

    def dial(self, deployment: Deployment, request: SessionRequest) -> DialRequest:
        """Return the address; pure, and without the key."""
        if request.intent == "transcription" or request.call_id is not None:
            raise InvalidRequest("Acme serves neither transcription sessions nor calls")
        try:
            model = quote(deployment.model, safe="")  # a wildcard's model is the client's text
        except UnicodeEncodeError:
            raise InvalidRequest("The model's name is not valid Unicode") from None
        url = f"{deployment.api_base}/openai/v1/realtime?model={model}"
        return DialRequest(url=url, headers=deployment.extra_headers, tls=deployment.tls)

    async def credentials(self, deployment: Deployment) -> Mapping[str, Secret]:
        """Return the header that proves who we are; may wait for a token."""
        if deployment.api_key is None:
            raise CredentialUnavailable(f"Deployment {deployment.id!r} has no api_key")
        return {"api-key": deployment.api_key}


async def main() -> None:
    """Check the adapter, then hold a session with it."""
    async with Simulator(Face.AZURE, api_key="acme-key") as server:
        deployment = Deployment(
            id="acme-1",
            model_group="voice",
            provider="acme",
            model="fast-voice",
            api_base=server.base_url.replace("http", "ws", 1),
            api_key=Secret("acme-key"),
        )
        await check_provider(Acme(), deployment)
        print("the adapter keeps every promise")
        settings = Settings(deployments=(deployment,))
        async with (
            RealtimeRouter(settings, providers=[Acme()]) as router,
            router.connect("voice") as session,
        ):
            event = await session.recv()
            print(f"{event['type']} from {event['session']['model']}")


asyncio.run(main())
