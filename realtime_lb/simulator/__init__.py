"""A Realtime API to test against, without a key and without a bill.

::

    async with Simulator(Face.OPENAI, faults="refuse 429 retry-after=3 first=1") as simulator:
        client = AsyncOpenAI(base_url=f"{simulator.base_url}/v1", api_key="sk-sim")
        async with client.realtime.connect(model="gpt-realtime") as connection: ...

It behaves as the servers of OpenAI, Azure and xAI do, as strictly, from what is known of their wire; it knows
nothing of what stands in front of it. Answers echo what they were asked, so that a test can know them.
"""

from __future__ import annotations

from realtime_lb.simulator.conversation import Conversation
from realtime_lb.simulator.dials import Dial
from realtime_lb.simulator.face import Face
from realtime_lb.simulator.fault_text import GRAMMAR, FaultTextError, parse_fault, parse_faults
from realtime_lb.simulator.faults import (
    Close,
    Cut,
    Delay,
    ErrorFirst,
    FailResponse,
    Fault,
    Moment,
    Refuse,
    Selector,
    Silence,
    Stage,
)
from realtime_lb.simulator.items import Item, ItemKind, Part, PartKind
from realtime_lb.simulator.live import SimulatedSession
from realtime_lb.simulator.simulator import Simulator

__all__ = [
    "GRAMMAR",
    "Close",
    "Conversation",
    "Cut",
    "Delay",
    "Dial",
    "ErrorFirst",
    "Face",
    "FailResponse",
    "Fault",
    "FaultTextError",
    "Item",
    "ItemKind",
    "Moment",
    "Part",
    "PartKind",
    "Refuse",
    "Selector",
    "Silence",
    "SimulatedSession",
    "Simulator",
    "Stage",
    "parse_fault",
    "parse_faults",
]
