"""Three upstreams, and all the ways in which one of them, or each in its turn, goes."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from attrs import define, field, frozen

from realtime_lb import Deployment, RealtimeRouter, Secret
from realtime_lb.simulator import FailResponse, Simulator
from tests.cli.processes import running
from tests.clients.matrix import PLAYS
from tests.rehoming.caller import MODEL

KINDS = ("OpenAI GA", "Azure v1", "Azure preview")
AWAY_S, BETWEEN_S = 2.0, 3.0
"""Of a rolling restart: less than a tenth of what an ejection lasts."""


@define(eq=False)
class Fleet:
    """The upstreams.

    Attributes:
        victim: The kind of the one that goes.
        bases: Where each is.
        simulators: Those that live in this process, where what they hold can be seen.
        process: The victim, where it is a process of its own.
        pace: Seconds of sound that they send in one.
        router: Who balances over them.
    """

    victim: str
    pace: float
    bases: dict[str, str] = field(factory=dict)
    simulators: dict[str, Simulator] = field(factory=dict)
    process: Any = None
    router: RealtimeRouter = field(init=False)

    @property
    def simulator(self) -> Simulator:
        return self.simulators[self.victim]

    def deployments(self) -> tuple[Deployment, ...]:
        return tuple(
            Deployment(
                id=kind, model_group=MODEL, api_key=Secret("sk-sim"), api_base=base, **PLAYS[kind].place
            )
            for kind, base in self.bases.items()
        )

    def refuse_answers(self) -> None:
        self.simulator.faults = [FailResponse(code="rate_limit_exceeded")]

    async def restart_all(self, *, crash: bool) -> None:
        """Take each away in its turn, for a while in which nobody listens at its address."""
        for simulator in self.simulators.values():
            if crash:
                simulator.cut()
            await simulator.__aexit__(None, None, None)
            await asyncio.sleep(AWAY_S / self.pace)
            await simulator.__aenter__()
            await asyncio.sleep(BETWEEN_S / self.pace)


@frozen
class Cause:
    """How it goes.

    Attributes:
        strike: Has it go.
        in_process: It lives in this process; signals need one of its own.
        is_short: Its sessions have little time.
    """

    strike: Callable[[Fleet], Awaitable[None] | object]
    in_process: bool = True
    is_short: bool = False


def _signal(number: signal.Signals) -> Callable[[Fleet], object]:
    return lambda fleet: fleet.process.send_signal(number)


CAUSES = {
    "kill -9": Cause(_signal(signal.SIGKILL), in_process=False),
    "freeze": Cause(_signal(signal.SIGSTOP), in_process=False),
    "reset": Cause(lambda fleet: fleet.simulator.cut()),
    "fin": Cause(lambda fleet: fleet.simulator.cut(fin=True)),
    "close 1011": Cause(lambda fleet: fleet.simulator.close_all(1011)),
    "close 1001": Cause(lambda fleet: fleet.simulator.close_all(1001)),
    "rate limit": Cause(Fleet.refuse_answers),
    "session_expired": Cause(lambda fleet: fleet.simulator.expire()),
    "expires_at": Cause(lambda _: None, is_short=True),
    "drain": Cause(lambda fleet: fleet.router.drain(fleet.victim)),
    "rolling restart": Cause(lambda fleet: fleet.restart_all(crash=False)),
    "rolling crash": Cause(lambda fleet: fleet.restart_all(crash=True)),
}


@asynccontextmanager
async def fleet(cause: Cause, victim: str, pace: float) -> AsyncIterator[Fleet]:
    """Upstreams of all kinds, ready to be struck."""
    async with AsyncExitStack() as stack:
        found = Fleet(victim, pace)
        for kind in KINDS:
            play = PLAYS[kind]
            if kind == victim and not cause.in_process:
                base = await stack.enter_async_context(_process(found, play.face.value))
                found.bases[kind] = f"{base}{play.path}"
                continue
            rules: dict[str, Any] = {"seed": 7, "realtime_factor": pace, **play.rules}
            if kind == victim and cause.is_short:
                rules["session_lifetime_s"] = 2 + 6 / pace
            simulator = await stack.enter_async_context(Simulator(play.face, **rules))
            found.simulators[kind] = simulator
            found.bases[kind] = f"{simulator.base_url}{play.path}"
        yield found


@asynccontextmanager
async def _process(fleet: Fleet, face: str) -> AsyncIterator[str]:
    async with running("simulate", "--face", face, "--port", "0", "--speed", str(fleet.pace)) as process:
        found = await process.says(r"(http://127\.0\.0\.1:\d+)")
        fleet.process = process.process
        try:
            yield found[1]
        finally:
            if process.process.returncode is None:
                process.process.send_signal(signal.SIGCONT)
