"""Simulated upstreams: the truth, at which strategies can only guess."""

from __future__ import annotations

import asyncio
import math
import random
import statistics
from collections import deque

from attrs import define, field, frozen

from benchmarks.choosing.phases import Mood, Phase, Script
from benchmarks.choosing.wires import AUDIO, FAILED, GROUP, SESSION_CREATED, Wire, text
from realtime_lb.deployments import Deployment
from realtime_lb.errors import HandshakeRefused, UpstreamUnreachable
from realtime_lb.frames import Close, Frame
from realtime_lb.typing import Secret

__all__ = ["Node", "NodeSpec"]

RTT_S = 0.01
"""What a refusal takes."""

HANDSHAKE_SHARE = 0.3
"""Of the time to the first event, what goes by until the handshake is done."""

INPUT_TOKENS, OUTPUT_TOKENS = 100, 200
"""Ten seconds of talk, at 10 tokens a second in and 20 out (OpenAI: managing realtime costs)."""

ANSWER_TOKENS = INPUT_TOKENS + OUTPUT_TOKENS

ANSWER_S = 8.0
"""From the first audio of an answer to its end."""

_MINUTE_S = 60.0

_DONE = text(
    '{"type":"response.done","event_id":"event_4","response":{"object":"realtime.response","status":"completed",'
    f'"usage":{{"total_tokens":{ANSWER_TOKENS},"input_tokens":{INPUT_TOKENS},'
    f'"output_tokens":{OUTPUT_TOKENS},"input_token_details":{{"audio_tokens":{INPUT_TOKENS}}},'
    f'"output_token_details":{{"audio_tokens":{OUTPUT_TOKENS}}}}}}}}}'
)


@frozen(kw_only=True)
class NodeSpec:
    """What one upstream is like.

    Attributes:
        name: Its deployment's id.
        capacity: Live sessions up to which it is as fast as ever.
        script: How it behaves over time.
        weight: What the configuration says about its share; None says nothing.
        max_sessions: Live sessions above which it refuses. The configuration knows it.
        tokens_per_minute: Tokens above which its answers fail. The configuration knows it.
        usd_per_million: What a million of audio tokens costs, in and out. The configuration knows it.
        first_event_s: The median of what an open takes.
        first_audio_s: The median of what an answer takes to begin.
        spread: Standard deviation of the logarithm of both.
    """

    name: str
    capacity: float
    script: Script = field(factory=Script)
    weight: float | None = None
    max_sessions: int | None = None
    tokens_per_minute: int | None = None
    usd_per_million: tuple[float, float] = (32.0, 64.0)  # gpt-realtime
    first_event_s: float = 0.25
    first_audio_s: float = 0.5
    spread: float = 0.35

    def deployment(self, provider: str, api_base: str | None = None) -> Deployment:
        """Return what the configuration says about it."""
        price_in, price_out = (usd / 1e6 for usd in self.usd_per_million)
        return Deployment(
            id=self.name,
            model_group=GROUP,
            provider=provider,
            model="gpt-realtime",
            api_base=api_base,
            weight=self.weight,
            api_key=Secret("sk-sim"),
            max_sessions=self.max_sessions,
            tpm=self.tokens_per_minute,
            prices={"input_cost_per_audio_token": price_in, "output_cost_per_audio_token": price_out},
        )

    @property
    def first_event_p95_s(self) -> float:
        """The 95th percentile of what an open takes while all is well."""
        return self.first_event_s * math.exp(statistics.NormalDist().inv_cdf(0.95) * self.spread)

    def pressure(self, live: int) -> float:
        """Return how much slower it is with so many sessions: above its capacity, ever more."""
        return max(1.0, live / self.capacity) ** 2


@define(eq=False)
class Node:
    """One upstream at work.

    Attributes:
        spec: What it is like.
        rng: Where its noise comes from.
        live: Its sessions.
        dials: When it was dialled.
        failed_dials: When a dial came to nothing.
        answers: Answers that it has given.
        failed_answers: When answers were refused.
    """

    spec: NodeSpec
    rng: random.Random
    live: set[Upstream] = field(factory=set)
    dials: list[float] = field(factory=list)
    failed_dials: list[float] = field(factory=list)
    answers: int = 0
    failed_answers: list[float] = field(factory=list)
    _used: deque[float] = field(factory=deque)
    _busy_until_s: float = 0.0

    def begin(self) -> None:
        """Set the timers of its script; in the loop that is to run it."""
        loop = asyncio.get_running_loop()
        for phase in self.spec.script.phases:
            if phase.cuts is not None:
                loop.call_at(phase.start_s, self._cut, phase.cuts)

    def _cut(self, code: int) -> None:
        for session in sorted(self.live, key=lambda session: session.number):
            session.hang_up(Close(code))

    @property
    def usd(self) -> float:
        """What its answers have cost."""
        price_in, price_out = self.spec.usd_per_million
        return self.answers * (INPUT_TOKENS * price_in + OUTPUT_TOKENS * price_out) / 1e6

    @property
    def live_sessions(self) -> int:
        """How many sessions it has."""
        return len(self.live)

    def phase(self) -> Phase:
        """Return how it is now."""
        return self.spec.script.at(_now_s())

    def has_room(self) -> bool:
        """Say whether it would take one more session."""
        return self.spec.max_sessions is None or self.live_sessions < self.spec.max_sessions

    def expected_first_event_s(self) -> float:
        """Return what one more open would take, but for the noise; infinity where it would fail."""
        phase = self.phase()
        if phase.mood is not Mood.UP or not self.has_room() or self._too_many_tokens_s() > 0:
            return math.inf
        in_line_s = max(self._busy_until_s - _now_s(), 0.0)
        return in_line_s + self.spec.first_event_s * phase.slowness * self.spec.pressure(
            self.live_sessions + 1
        )

    def well_since(self, start_s: float) -> bool:
        """Say whether nothing has been the matter since then, and it would take a session now."""
        in_time = self.spec.script.well_throughout(start_s, _now_s())
        return in_time and self.has_room() and self._too_many_tokens_s() == 0

    async def dialled(self) -> Wire:
        """Answer a dial as the script has it.

        Raises:
            DialError: It is refused.
        """
        phase, now_s = self.phase(), _now_s()
        self.dials.append(now_s)
        if phase.mood in (Mood.REFUSING, Mood.LIMITING) or not self.has_room():
            self.failed_dials.append(now_s)
            await asyncio.sleep(RTT_S)
            if phase.mood is Mood.REFUSING:
                raise UpstreamUnreachable("Connection refused")
            raise HandshakeRefused(429, retry_after_s=phase.retry_after_s)
        if phase.mood is Mood.HANGING or self.rng.random() < phase.hang_share:
            self.failed_dials.append(now_s)
            return Wire()
        first_event_s = self._in_line_s(phase) + self.noisy(self.spec.first_event_s)
        session = Upstream(self, len(self.dials))
        self.live.add(session)
        await _slept(first_event_s * HANDSHAKE_SHARE, session)
        asyncio.get_running_loop().call_later(
            first_event_s * (1 - HANDSHAKE_SHARE), session.say, SESSION_CREATED
        )
        return session

    def _in_line_s(self, phase: Phase) -> float:
        """Take a place in the line, and return how long those before it take."""
        if math.isinf(phase.opens_per_s):
            return 0.0
        now_s = _now_s()
        begins_s = max(self._busy_until_s, now_s)
        self._busy_until_s = begins_s + 1 / phase.opens_per_s
        return begins_s - now_s

    def noisy(self, median_s: float) -> float:
        """Draw how long something takes now that usually takes *median_s*."""
        slowness = self.phase().slowness * self.spec.pressure(self.live_sessions)
        return median_s * slowness * self.rng.lognormvariate(0.0, self.spec.spread)

    def asked(self, session: Upstream) -> None:
        """Answer a ``response.create``, if it is in the mood."""
        if self.phase().mood is Mood.HANGING:
            return
        loop, delay_s = asyncio.get_running_loop(), self._too_many_tokens_s()
        if delay_s > 0:
            self.failed_answers.append(_now_s())
            loop.call_later(RTT_S, session.say, text(FAILED.format(delay_s=delay_s)))
            return
        self._used.append(_now_s())
        first_audio_s = self.noisy(self.spec.first_audio_s)
        loop.call_later(first_audio_s, session.say, AUDIO)
        loop.call_later(first_audio_s + ANSWER_S, self._answered, session)

    def _answered(self, session: Upstream) -> None:
        if not session.ended.done():
            self.answers += 1
            session.say(_DONE)

    def _too_many_tokens_s(self) -> float:
        """Return after how long one more answer fits into the minute's tokens."""
        limit, now_s = self.spec.tokens_per_minute, _now_s()
        while self._used and self._used[0] <= now_s - _MINUTE_S:
            self._used.popleft()
        if limit is None or (len(self._used) + 1) * ANSWER_TOKENS <= limit:
            return 0.0
        return self._used[0] + _MINUTE_S - now_s


class Upstream(Wire):
    """One session on a node.

    Args:
        node: Whose it is.
        number: Tells it from the node's others.
    """

    def __init__(self, node: Node, number: int) -> None:
        super().__init__()
        self._node = node
        self.number = number

    def heard(self, frame: Frame) -> None:  # callers only ever ask for an answer
        """Answer."""
        self._node.asked(self)

    def gone(self) -> None:
        """Make room."""
        self._node.live.discard(self)


async def _slept(seconds: float, session: Wire) -> None:
    """Wait; whoever is cancelled meanwhile leaves no session behind."""
    try:
        await asyncio.sleep(seconds)
    except BaseException:
        session.abort()
        raise


def _now_s() -> float:
    return asyncio.get_running_loop().time()
