"""A strategy of your own: stay in one region while there is room there.

python examples/custom_strategy.py      # a simulated provider: no key, no network
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

from attrs import frozen

from realtime_lb import Candidate, Deployment, Pick, RealtimeRouter, Secret, SessionRequest, Settings
from realtime_lb.simulator import Simulator
from realtime_lb.testing import check_strategy

OUT_OF_REGION = 1_000_000
"""More than the sessions that one deployment holds."""


@frozen
class PreferTag:
    """Deployments with a tag come before all others; among equals, the one with the fewest sessions.

    Attributes:
        tag: One of a deployment's ``tags``.
    """

    tag: str

    def pick(self, candidates: Sequence[Candidate], _request: SessionRequest, /) -> Pick:
        """Return the best candidate. A full deployment, or one that has just failed, is never among them."""
        loads = {c.deployment.id: self._load(c) for c in candidates}
        return Pick(candidate=min(candidates, key=lambda c: loads[c.deployment.id]), scores=loads)

    def _load(self, candidate: Candidate) -> float:
        near = self.tag in candidate.deployment.tags
        return candidate.live_sessions + (0 if near else OUT_OF_REGION)


def deployment(name: str, url: str, max_sessions: int | None) -> Deployment:
    """Return a deployment in the region that *name* begins with."""
    return Deployment(
        id=name,
        model_group="voice",
        provider="openai_compatible",
        model="gpt-realtime",
        api_base=url,
        api_key=Secret("sk-sim"),
        tags=(name.partition("-")[0],),
        max_sessions=max_sessions,
    )


async def main() -> None:
    """Open four sessions: three find room in the EU, the fourth does not."""
    check_strategy(lambda _rng: PreferTag("eu"))
    async with AsyncExitStack() as stack:
        url = (await stack.enter_async_context(Simulator())).base_url
        pool = (deployment("us-1", url, None), deployment("eu-1", url, 2), deployment("eu-2", url, 1))
        router = RealtimeRouter(Settings(deployments=pool), strategy=PreferTag("eu"))
        await stack.enter_async_context(router)
        for _ in range(4):
            await stack.enter_async_context(router.connect("voice"))
        for placed in router.snapshot().deployments:
            print(placed.id, placed.live_sessions)


asyncio.run(main())
