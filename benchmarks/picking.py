"""What choosing costs: a strategy's pick among candidates, and the whole choice that a router makes.

Usage: python -m benchmarks.picking

The whole choice sorts the group by health, looks for room and tiers, collects what is known of each
deployment, and has the strategy pick: all that stands between a request and its lease. Every deployment has
opened sessions, has answered, and has used some of its quota. All figures take turns; medians of the rounds.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable

from attrs import frozen

from realtime_lb.abc import Strategy
from realtime_lb.catalog import Catalog
from realtime_lb.deployments import Deployment
from realtime_lb.engine import assemble_engine
from realtime_lb.providers import load_providers
from realtime_lb.requests import SessionRequest
from realtime_lb.settings import Settings
from realtime_lb.strategies import STRATEGIES
from realtime_lb.transports.memory import MemoryTransport
from realtime_lb.typing import Secret

SIZES = (10, 100, 1_000)
ROUNDS = 15
ROUND_S = 0.03
"""For one figure in one round."""

LIMITS_US = {
    ("adaptive", 10): 15.0,
    ("least-busy", 10): 15.0,
    ("adaptive", 1_000): 1_000.0,
    ("least-busy", 1_000): 200.0,
}


@frozen
class Case:
    """What is timed.

    Attributes:
        strategy: Its name.
        deployments: Among how many.
        pick: The strategy's part alone.
        choose: All of it.
    """

    strategy: str
    deployments: int
    pick: Callable[[], object]
    choose: Callable[[], object]


async def _nobody(_dial: object, _far: object) -> None:
    """Nothing is dialled."""


def case(name: str, count: int) -> Case:
    """Return a case over a group that has been in use for a while."""
    rng = random.Random(count)
    deployments = tuple(
        Deployment(
            id=f"d{number}",
            model_group="voice",
            model="gpt-realtime",
            provider="openai_compatible",
            api_base="http://127.0.0.1:1/v1",
            api_key=Secret("sk-none"),
            rpm=60,
            max_sessions=100,
        )
        for number in range(count)
    )
    settings = Settings(deployments=deployments)
    strategy: Strategy = STRATEGIES[name](random.Random(1))
    engine = assemble_engine(
        settings,
        strategy=strategy,
        transport=MemoryTransport(_nobody),
        providers=load_providers(),
        emit=lambda _record: None,
        rng=random.Random(1),
        clock=time.monotonic,
    )
    chooser = engine.chooser
    for deployment in deployments:
        for _ in range(rng.randrange(5, 50)):
            chooser.admit(deployment)
            engine.reports.accepted(deployment, rng.uniform(0.1, 0.3))
            chooser.signals.answered(deployment.id, rng.uniform(0.3, 0.6))
            chooser.signals.used(deployment.id, rng.randrange(200, 2_000))
    request = SessionRequest(model="voice")
    able = chooser.able(Catalog(settings).route("voice")[0], request)
    candidates = chooser.field(able, ()).candidates
    return Case(name, count, lambda: strategy.pick(candidates, request), lambda: chooser.choose(able, ()))


def cost_us(work: Callable[[], object]) -> float:
    """Return what one call costs, in microseconds of CPU."""
    count, began_s = 0, time.process_time()
    while (spent_s := time.process_time() - began_s) < ROUND_S:
        for _ in range(5):
            work()
        count += 5
    return 1e6 * spent_s / count


def main() -> None:
    """Print a table."""
    cases = [case(name, count) for count in SIZES for name in ("adaptive", "least-busy")]
    gc.disable()
    costs: dict[tuple[int, str], list[float]] = {}
    for _ in range(ROUNDS):
        for number, each in enumerate(cases):
            costs.setdefault((number, "pick"), []).append(cost_us(each.pick))
            costs.setdefault((number, "choose"), []).append(cost_us(each.choose))
    print("| strategy | deployments | pick, µs | limit, µs | whole choice, µs |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for number, each in enumerate(cases):
        pick, choose = (statistics.median(costs[number, what]) for what in ("pick", "choose"))
        limit = LIMITS_US.get((each.strategy, each.deployments))
        told = "" if limit is None else f"{limit:,.0f}"
        print(f"| {each.strategy} | {each.deployments:,} | {pick:,.1f} | {told} | {choose:,.1f} |")


if __name__ == "__main__":
    main()
