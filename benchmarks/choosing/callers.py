"""Who calls: when they come, how long they stay, and when they ask."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable

from attrs import define, field, frozen

from benchmarks.choosing.wires import GROUP, RESPONSE_CREATE, Wire
from realtime_lb.abc import Connection
from realtime_lb.errors import RealtimeError
from realtime_lb.events import AUDIO_DELTAS, event_type
from realtime_lb.frames import Close, Frame
from realtime_lb.requests import SessionRequest
from realtime_lb.router import RealtimeRouter

__all__ = ["Call", "Diary", "Open", "Traffic", "phone"]

LONGEST_HOLD_S = 3600.0

FIRST_ASK_S = 1.0
"""From the open to the first question."""


@frozen(kw_only=True)
class Call:
    """One caller.

    Attributes:
        start_s: When.
        hold_s: For how long.
        seed: Where the pauses come from.
    """

    start_s: float
    hold_s: float
    seed: int


@frozen(kw_only=True)
class Traffic:
    """How people call.

    Attributes:
        per_s: How many come in a second, on average.
        until_s: When the last one comes.
        fill_s: So long those take to come who are there already when measuring begins.
        median_hold_s: How long half of them stay at most: most calls take minutes, some an hour (lognormal).
        hold_spread: Standard deviation of the logarithm of that.
        pause_s: From an answer's end to the next question, on average.
    """

    per_s: float
    until_s: float = 630.0
    fill_s: float = 30.0
    median_hold_s: float = 150.0
    hold_spread: float = 0.9
    pause_s: float = 90.0

    @property
    def usual_live(self) -> float:
        """How many sessions are live on average."""
        return self.per_s * self.mean_hold_s

    @property
    def mean_hold_s(self) -> float:
        """How long a caller stays on average."""
        return self.median_hold_s * math.exp(self.hold_spread**2 / 2)

    def calls(self, rng: random.Random) -> list[Call]:
        """Return the callers of one run, in order of their coming.

        First those of an hour that is under way already, so that their number is what it will stay: what is
        left of such a call is a share of one that was drawn by its length. Then a Poisson stream.
        """
        log_median = math.log(self.median_hold_s)
        found = []
        for _ in range(round(self.usual_live)):
            whole_s = rng.lognormvariate(log_median + self.hold_spread**2, self.hold_spread)
            left_s = rng.random() * min(whole_s, LONGEST_HOLD_S)
            found.append(_call(rng, rng.uniform(0, self.fill_s), left_s + self.fill_s))
        found.sort(key=lambda call: call.start_s)
        now_s = self.fill_s
        while (now_s := now_s + rng.expovariate(self.per_s)) < self.until_s:
            hold_s = min(rng.lognormvariate(log_median, self.hold_spread), LONGEST_HOLD_S)
            found.append(_call(rng, now_s, hold_s))
        return found


def _call(rng: random.Random, start_s: float, hold_s: float) -> Call:
    return Call(start_s=start_s, hold_s=hold_s, seed=rng.getrandbits(32))


@frozen(kw_only=True)
class Open:
    """What became of one open.

    Attributes:
        start_s: When it began.
        took_s: How long it took.
        error: The code of the error that it ended with; empty where it was placed.
        avoidable: It failed while somebody would have taken it.
    """

    start_s: float
    took_s: float
    error: str = ""
    avoidable: bool = False


@define
class Diary:
    """What the callers of a run saw.

    Attributes:
        opens: Their opens.
        answers: When an answer was asked for, and how long it took to be heard.
        lost: When a session ended that should not have.
    """

    opens: list[Open] = field(factory=list)
    answers: list[tuple[float, float]] = field(factory=list)
    lost: list[float] = field(factory=list)


class Caller(Wire):
    """A caller's end of one session.

    Args:
        rng: Where the pauses come from.
        hold_s: How long the caller means to stay.
        traffic: How long the pauses are.
        diary: Takes what is seen.

    Attributes:
        satisfied: The caller has hung up, and nobody else.
    """

    def __init__(self, rng: random.Random, hold_s: float, traffic: Traffic, diary: Diary) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._rng, self._hold_s, self._traffic, self._diary = rng, hold_s, traffic, diary
        self._began_s = self._loop.time()
        self._asked_s: float | None = None
        self.satisfied = False

    async def accept(self) -> Connection:
        """Take the session."""
        now_s = self._loop.time()
        self._diary.opens.append(Open(start_s=self._began_s, took_s=now_s - self._began_s))
        self._loop.call_later(FIRST_ASK_S, self._ask)
        self._loop.call_later(self._hold_s, self._leave)
        return self

    def _ask(self) -> None:
        if not self.ended.done():
            self._asked_s = self._loop.time()
            self.say(RESPONSE_CREATE)

    def _leave(self) -> None:
        if not self.ended.done():
            self.satisfied = True
            self.hang_up(Close(1000))

    def heard(self, frame: Frame) -> None:
        """Note when the answer begins; ask again some time after its end."""
        kind = event_type(frame.payload)
        if kind in AUDIO_DELTAS and self._asked_s is not None:
            self._diary.answers.append((self._asked_s, self._loop.time() - self._asked_s))
            self._asked_s = None
        elif kind == "response.done":
            self._loop.call_later(self._rng.expovariate(1 / self._traffic.pause_s), self._ask)


async def phone(
    router: RealtimeRouter,
    call: Call,
    traffic: Traffic,
    diary: Diary,
    is_anybody_well: Callable[[float], bool],
) -> None:
    """Live through one call: open, ask, and open again whenever the session is lost.

    Args:
        router: Who places it.
        call: Who calls.
        traffic: How people call.
        diary: Takes what is seen.
        is_anybody_well: Says whether some upstream has been well since a moment, and has room now.
    """
    loop, rng = asyncio.get_running_loop(), random.Random(call.seed)
    end_s, turn = loop.time() + call.hold_s, 0
    while (left_s := end_s - loop.time()) > 0:
        began_s, turn = loop.time(), turn + 1
        session = Caller(rng, left_s, traffic, diary)
        try:
            await router.serve(SessionRequest(model=GROUP, id=f"rlb_{call.seed}_{turn}"), session.accept)
        except RealtimeError as error:
            if not router.closing:
                diary.opens.append(_failed(error.code, began_s, is_anybody_well(began_s)))
            return
        if session.satisfied or router.closing:
            return
        diary.lost.append(loop.time())
        await asyncio.sleep(rng.random())


def _failed(error: str, began_s: float, avoidable: bool) -> Open:  # noqa: FBT001  # as the value has it
    took_s = asyncio.get_running_loop().time() - began_s
    return Open(start_s=began_s, took_s=took_s, error=error, avoidable=avoidable)
