"""What happens to the upstreams, each story told in one place."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from attrs import evolve, field, frozen

from benchmarks.choosing.callers import Traffic
from benchmarks.choosing.nodes import ANSWER_S, ANSWER_TOKENS, NodeSpec
from benchmarks.choosing.phases import Mood, Phase, Script, flapping, spell
from realtime_lb.settings import RoutingSettings

__all__ = ["SCENARIOS", "Fault", "Scenario"]


@frozen(kw_only=True)
class Fault:
    """Something that is the matter with one upstream.

    Attributes:
        node: With which.
        start_s: From when.
        end_s: Until when.
    """

    node: str
    start_s: float
    end_s: float


@frozen(kw_only=True)
class Scenario:
    """One story.

    Attributes:
        title: In a few words.
        about: In a sentence.
        traffic: How people call.
        nodes: The upstreams.
        faults: What is the matter with them, and when.
        changes: When something changes.
        routing: How the router is set up.
        only: The contenders that it tells something about; empty means all.
    """

    title: str
    about: str
    traffic: Traffic
    nodes: Sequence[NodeSpec]
    faults: Sequence[Fault] = ()
    changes: Sequence[float] = ()
    routing: RoutingSettings = field(factory=RoutingSettings)
    only: Sequence[str] = ()

    @property
    def start_s(self) -> float:
        """When measuring begins."""
        return self.traffic.fill_s

    @property
    def end_s(self) -> float:
        """When measuring ends."""
        return self.traffic.until_s


def _alike(traffic: Traffic, count: int = 4, room: float = 1.6) -> list[NodeSpec]:
    """Return upstreams that together have *room* times what is usually live."""
    capacity = traffic.usual_live * room / count
    return [NodeSpec(name=f"n{number}", capacity=capacity) for number in range(count)]


def _moment(traffic: Traffic, share: float) -> float:
    """Return the moment at which *share* of the measured time is over."""
    return traffic.fill_s + share * (traffic.until_s - traffic.fill_s)


def _one_of_four(
    title: str, about: str, traffic: Traffic, script: Script, times: tuple[float, float]
) -> Scenario:
    """Return a story about the first upstream of four, with which something is the matter between *times*."""
    first, *others = _alike(traffic)
    return Scenario(
        title=title,
        about=about,
        traffic=traffic,
        nodes=[evolve(first, script=script), *others],
        faults=[Fault(node=first.name, start_s=times[0], end_s=times[1])],
        changes=[moment for moment in times if moment < traffic.until_s],
    )


def _sizes(traffic: Traffic, room: float) -> list[NodeSpec]:
    """Return three upstreams whose capacities are as 1 to 2 to 4."""
    whole = traffic.usual_live * room
    return [NodeSpec(name=f"n{n}", capacity=whole * share / 7) for n, share in enumerate((1, 2, 4))]


def _uneven(traffic: Traffic) -> Scenario:
    nodes = [evolve(node, weight=share) for node, share in zip(_sizes(traffic, 1.25), (1, 2, 4), strict=True)]
    about = "Capacities are as 1 to 2 to 4, the weights say so, and four fifths of them are used."
    return Scenario(title="uneven capacity", about=about, traffic=traffic, nodes=nodes)


def _untold(traffic: Traffic) -> Scenario:
    about = "The same, but the configuration has no weights: who is overloaded shows in latencies only."
    return Scenario(
        title="uneven capacity, untold", about=about, traffic=traffic, nodes=_sizes(traffic, 1.25)
    )


def _slow(traffic: Traffic) -> Scenario:
    start_s, end_s = _moment(traffic, 0.25), _moment(traffic, 0.75)
    script = spell(Phase(start_s=start_s, slowness=10.0), end_s)
    about = "For half of the time, one of four takes ten times as long."
    return _one_of_four("one slow x10", about, traffic, script, (start_s, end_s))


def _stalled(traffic: Traffic) -> Scenario:
    start_s, end_s = _moment(traffic, 0.25), _moment(traffic, 0.75)
    script = spell(Phase(start_s=start_s, mood=Mood.HANGING), end_s)
    about = "For half of the time, one of four takes connections and says nothing."
    return _one_of_four("one stalled", about, traffic, script, (start_s, end_s))


def _limiting(traffic: Traffic) -> Scenario:
    script = Script((Phase(mood=Mood.LIMITING),))
    about = "One of four answers every handshake with 429 at once, and names no delay."
    return _one_of_four("one instant 429", about, traffic, script, (traffic.fill_s, traffic.until_s))


def _flapping(traffic: Traffic) -> Scenario:
    times = (traffic.fill_s, traffic.until_s)
    script = flapping(*times, down_s=5.0, up_s=5.0)
    about = "One of four crashes, is back after 5 s, and crashes again after another 5 s."
    return _one_of_four("one flapping 5 s / 5 s", about, traffic, script, times)


def _restart(traffic: Traffic) -> Scenario:
    down = [(_moment(traffic, at), _moment(traffic, at + 0.05)) for at in (0.1, 0.3, 0.5, 0.7)]
    nodes = [
        evolve(node, script=spell(Phase(start_s=start_s, mood=Mood.REFUSING, cuts=1001), end_s))
        for node, (start_s, end_s) in zip(_alike(traffic), down, strict=True)
    ]
    return Scenario(
        title="rolling restart",
        about="One after the other, four upstreams end their sessions and are away for half a minute.",
        traffic=traffic,
        nodes=nodes,
        faults=[
            Fault(node=node.name, start_s=times[0], end_s=times[1])
            for node, times in zip(nodes, down, strict=True)
        ],
        changes=[moment for times in down for moment in times],
    )


def _caps(traffic: Traffic) -> Scenario:
    asked = 1 + traffic.mean_hold_s / (traffic.pause_s + ANSWER_S)  # by one caller, at once and then in turns
    tokens = 60.0 * traffic.per_s * asked * ANSWER_TOKENS
    nodes = [
        evolve(
            node,
            max_sessions=math.ceil(node.capacity),
            tokens_per_minute=math.ceil(tokens * node.capacity / traffic.usual_live),
        )
        for node in _sizes(traffic, 1.25)
    ]
    about = "Sessions and tokens per minute are capped as 1 to 2 to 4, and four fifths of both are used."
    return Scenario(title="caps", about=about, traffic=traffic, nodes=nodes)


def _herd(traffic: Traffic) -> Scenario:
    down_s, up_s, warm_s = (_moment(traffic, share) for share in (0.2, 0.3, 0.4))
    script = Script(
        (
            Phase(),
            Phase(start_s=down_s, mood=Mood.REFUSING, cuts=1006),
            Phase(start_s=up_s, opens_per_s=traffic.per_s / 2),
            Phase(start_s=warm_s),
        )
    )
    about = (
        "One of four crashes, and comes back without a session a minute later. For another minute it then "
        "opens only half of what comes in all."
    )
    story = _one_of_four("herd after recovery", about, traffic, script, (down_s, up_s))
    return evolve(story, changes=[*story.changes, warm_s])


def _prices(traffic: Traffic) -> Scenario:
    cheap = (10.0, 20.0)  # gpt-realtime-mini
    nodes = [
        evolve(node, usd_per_million=cheap) if number >= 2 else node
        for number, node in enumerate(_alike(traffic))
    ]
    about = "Two of four charge a third of what the others do."
    return Scenario(title="prices", about=about, traffic=traffic, nodes=nodes)


def _hanging_dials(traffic: Traffic, *, told: bool) -> Scenario:
    script = Script((Phase(hang_share=0.05),))
    nodes = [evolve(node, script=script) for node in _alike(traffic)]
    after_s = 2 * nodes[0].first_event_s if told else None
    delay = "the configuration names twice what is usual as the delay" if told else "the delay is learnt"
    return Scenario(
        title=f"hedging, {'told' if told else 'learnt'}",
        about=f"One dial in twenty never gets an answer, wherever it goes; {delay}.",
        traffic=traffic,
        nodes=nodes,
        routing=RoutingSettings(hedge_after_s=after_s),
        only=("shuffle, bare", "simple-shuffle", "adaptive", "oracle"),
    )


SCENARIOS: Mapping[str, Callable[[Traffic], Scenario]] = MappingProxyType(
    {
        "uneven": _uneven,
        "untold": _untold,
        "slow": _slow,
        "stalled": _stalled,
        "limiting": _limiting,
        "flapping": _flapping,
        "restart": _restart,
        "caps": _caps,
        "herd": _herd,
        "prices": _prices,
        "hedging": partial(_hanging_dials, told=False),
        "hedging-told": partial(_hanging_dials, told=True),
    }
)
"""By the name that ``--only`` knows them by."""
