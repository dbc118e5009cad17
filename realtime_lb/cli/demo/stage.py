"""What the demo plays on: two simulated providers and a gateway in front of them."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

from attrs import define, field, frozen
from yarl import URL

from realtime_lb.cli.configuration import counted
from realtime_lb.cli.demo.board import Board
from realtime_lb.deployments import Deployment
from realtime_lb.requests import Principal
from realtime_lb.router import RealtimeRouter
from realtime_lb.server import listening
from realtime_lb.settings import LoggingSettings, RoutingSettings, Settings
from realtime_lb.simulator import Face, Simulator
from realtime_lb.typing import Secret

__all__ = ["AZURE", "MODEL", "OPENAI", "Stage", "set_stage"]

OPENAI = "openai"
AZURE = "azure"
MODEL = "gpt-realtime"

_SHOWN_EVENTS = frozenset(
    {
        "session.created",
        "response.create",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "response.created",
        "response.done",
    }
)
"""A turn's milestones. Its deltas are too many to read."""


@define(kw_only=True)
class Stage:
    """The running pieces.

    Attributes:
        url: The gateway's root.
        board: Sees the router's records.
    """

    url: str
    board: Board
    _azure: Simulator = field(alias="azure")
    _azure_runs: AsyncExitStack = field(alias="azure_runs")

    @property
    def realtime_url(self) -> str:
        """Where the gateway's clients dial."""
        return str(URL(self.url).with_scheme("ws") / "v1" / "realtime")

    async def kill_azure(self) -> int:
        """End the simulated Azure without a word, as its death would; return how many live sessions it had.

        Their connections are reset, and its port is closed from here on.
        """
        struck = self._azure.cut()
        self.board.up[AZURE] = False
        self.board.tell(AZURE, f"✗ dies, with {counted(struck, 'live call')} on it")
        await self._azure_runs.aclose()
        return struck

    async def bring_azure_back(self) -> None:
        """Start it again, on the same port."""
        await self._azure_runs.enter_async_context(self._azure)
        self.board.up[AZURE] = True


@frozen
class _NamesAsKeys:
    """An `Authenticator` for a gateway that only its own machine reaches: a demo caller's key is its name.

    Anybody else is a numbered guest, since a guest's key may be a real one.
    """

    guests: Iterator[int] = field(factory=lambda: itertools.count(1))

    async def authenticate(self, key: Secret | None) -> Principal:
        name = key.reveal() if key else ""
        return Principal(name if name.startswith("session-") else f"guest-{next(self.guests)}")


@asynccontextmanager
async def set_stage(board: Board) -> AsyncIterator[Stage]:
    """Start two providers and the gateway on free loopback ports, and end them with the block."""
    async with (
        Simulator(Face.OPENAI, api_key="sk-demo", realtime_factor=1) as openai,
        AsyncExitStack() as azure_runs,
    ):
        azure = Simulator(Face.AZURE, api_key="azure-demo", realtime_factor=1)
        await azure_runs.enter_async_context(azure)
        board.up = {OPENAI: True, AZURE: True}
        router = RealtimeRouter(_settings(openai, azure), sinks=(board,))
        async with listening(router, authenticator=_NamesAsKeys()) as url:
            yield Stage(url=url, board=board, azure=azure, azure_runs=azure_runs)


def _settings(openai: Simulator, azure: Simulator) -> Settings:
    return Settings(
        deployments=(
            Deployment(
                id=OPENAI,
                model_group=MODEL,
                provider="openai",
                model="gpt-realtime",
                api_base=f"{openai.base_url}/v1",
                api_key=Secret(openai.api_key),
            ),
            Deployment(
                id=AZURE,
                model_group=MODEL,
                provider="azure",
                model="our-realtime",
                api_base=azure.base_url,
                api_key=Secret(azure.api_key),
            ),
        ),
        routing=RoutingSettings(strategy="least-busy"),
        logging=LoggingSettings(event_types=_SHOWN_EVENTS, redact_content=True),
    )
