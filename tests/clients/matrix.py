"""The matrix: upstreams, clients, and a gateway between them that keeps what goes up."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from attrs import define, field, frozen

from realtime_lb import Deployment, LoggingSettings, RealtimeRouter, Secret, Settings
from realtime_lb.abc import Connection
from realtime_lb.frames import Frame
from realtime_lb.records import FieldDropped
from realtime_lb.requests import DialRequest
from realtime_lb.server import listening
from realtime_lb.simulator import Face, Simulator
from realtime_lb.sinks import LogSink
from realtime_lb.transports.aiohttp_transport import AiohttpTransport
from realtime_lb.typing import Dialect
from tests.clients.conversation import BETA, Event, converse
from tests.clients.processes import BETA_PYTHON, Processes, Program
from tests.support import Records

MODEL = "gpt-4o-realtime-preview"
"""What clients ask for: a name of the beta's time, which no upstream has any more."""

UPSTREAMS = {"OpenAI GA": Dialect.GA, "Azure v1": Dialect.GA, "Azure preview": Dialect.BETA}
OTHERS = {"Voice Live": Dialect.BETA}
"""Near a dialect, with quirks; the official package has no types for what it wants to be sent."""


@frozen
class Play:
    """How an upstream is simulated, and what a deployment says of it."""

    face: Face
    path: str
    place: dict[str, Any]
    rules: dict[str, Any] = field(factory=dict)


_AZURE = {"provider": "azure", "model": "my-voice", "transcription_models": {"whisper-1": "my-whisper"}}
_AZURES = {"models": frozenset({"my-voice"}), "transcription_models": frozenset({"my-whisper"})}
_OPENAI = {"provider": "openai", "model": "gpt-realtime"}
PLAYS = {
    "OpenAI GA": Play(Face.OPENAI, "/v1", _OPENAI, {"models": frozenset({"gpt-realtime"})}),
    "Azure v1": Play(Face.AZURE, "", _AZURE, _AZURES),
    "Azure preview": Play(Face.AZURE, "", {**_AZURE, "api_version": "2025-04-01-preview"}, _AZURES),
    "Voice Live": Play(Face.VOICE_LIVE, "", {"provider": "azure_voice_live", "model": "gpt-realtime"}),
    "xAI": Play(Face.XAI, "/v1", {"provider": "xai", "model": "grok-voice-latest"}),
}

LITELLM_SCRIPT = {
    "type": "response.create",
    "response": {"modalities": ["text"], "instructions": "Please assist the user."},
}
"""What the client of LiteLLM's realtime page sends when its socket opens."""


class Recording(AiohttpTransport):
    """Keeps every text frame that is sent to an upstream."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Event] = []

    async def connect(self, dial: DialRequest, timeout_s: float) -> Connection:
        connection = await super().connect(dial, timeout_s)
        write = connection.write

        def recorded(frame: Frame) -> bool:
            self.sent.append(json.loads(bytes(frame.payload)))
            return write(frame)

        connection.write = recorded  # type: ignore[method-assign]  # one instance, one test
        return connection


@define
class Stage:
    """A gateway in front of one upstream.

    Attributes:
        url: The gateway's root.
        sent: What the upstream was sent.
        told: The router's records.
    """

    url: str
    sent: list[Event]
    told: Records = field(factory=Records)

    @property
    def lost(self) -> set[str]:
        return {record.field for record in self.told.all if isinstance(record, FieldDropped)}


@asynccontextmanager
async def stage(name: str, **options: Any) -> AsyncIterator[Stage]:
    """A simulated upstream, strict as the real one, behind a gateway that calls its model `MODEL`."""
    async with AsyncExitStack() as stack:
        plays = PLAYS[name]
        simulator = Simulator(plays.face, **{"seed": 7, "realtime_factor": 4, **plays.rules, **options})
        await stack.enter_async_context(simulator)
        place = {"api_base": f"{simulator.base_url}{plays.path}", **plays.place}
        deployment = Deployment(id=name, model_group=MODEL, api_key=Secret("sk-sim"), **place)
        settings = Settings(deployments=(deployment,), logging=LoggingSettings(event_types=frozenset()))
        transport = Recording()
        told = Records()
        router = RealtimeRouter(settings, transport=transport, sinks=[told, LogSink()])
        url = await stack.enter_async_context(listening(router))
        yield Stage(url, transport.sent, told)


class Sdks(Processes):
    """Pythons of which each has its ``openai``, while the block runs."""

    async def converse(self, python: Path, url: str, dialect: str) -> list[Event]:
        """Have the ``openai`` of *python* hold the conversation; return what it heard."""
        return await asyncio.to_thread(self._converse, python, [f"{url}/v1", "any", MODEL, dialect])

    def _converse(self, python: Path, conversation: list[str]) -> list[Event]:
        sdk = self.of(Program(python, ("tests.clients.openai_sdk",)))
        sdk.ask(conversation)
        heard = []
        while (line := sdk.line()) != "\n":
            heard.append(json.loads(line))
        return heard


async def by_ga_sdk(sdks: Sdks, url: str) -> list[Event]:
    return await sdks.converse(Path(sys.executable), url, "ga")


async def by_beta_sdk(sdks: Sdks, url: str) -> list[Event]:
    return await sdks.converse(BETA_PYTHON, url, "beta")


class PlainWebsocket:
    """No SDK: JSON on a websocket."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket

    async def send(self, event: Event) -> None:
        await self._socket.send_json(event)

    async def receive(self) -> Event:
        return dict(await self._socket.receive_json())


async def by_litellms_script(_sdks: Sdks, url: str) -> list[Event]:
    headers = {"api-key": "any", "OpenAI-Beta": "realtime=v1"}
    address = f"{url}/v1/realtime?model={MODEL}"
    async with aiohttp.ClientSession() as http, http.ws_connect(address, headers=headers) as socket:
        return await converse(PlainWebsocket(socket), BETA, at_once=LITELLM_SCRIPT)
