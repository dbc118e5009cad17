"""The network to a provider goes during a call: it goes on at another, and its client is not told."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from realtime_lb import LimitSettings
from realtime_lb.simulator import Simulator
from realtime_lb.testing import FaultProxy, Faults, Way
from tests.support import deployment, gateway

pytestmark = pytest.mark.usefixtures("each_lane")

BREAKS: dict[str, Callable[[FaultProxy], Any]] = {
    "reset": FaultProxy.cut,
    "ended without a goodbye": lambda network: network.cut(fin=True),
    "frozen": FaultProxy.freeze,
    "deaf": lambda network: setattr(network, "faults", Faults(up=Way(stopped=True))),
    "mute": lambda network: setattr(network, "faults", Faults(down=Way(stopped=True))),
}
HEARTBEAT = LimitSettings(heartbeat_s=0.4)


async def ask(client: Any) -> list[dict[str, Any]]:
    """Ask for an answer, and return all events up to its end."""
    await client.send_str('{"type":"response.create"}')
    events = [json.loads((await client.receive()).data)]
    while events[-1]["type"] != "response.done":
        events.append(json.loads((await client.receive()).data))
    return events


@pytest.mark.parametrize("broken", BREAKS)
async def test_a_call_outlives_the_network_to_its_provider(broken: str) -> None:
    async with (
        Simulator(api_key="upstream-key") as one,
        Simulator(api_key="upstream-key") as other,
        FaultProxy(f"{one.base_url}/v1") as to_one,
        FaultProxy(f"{other.base_url}/v1") as to_other,
        gateway(deployment("one", to_one.url), deployment("other", to_other.url), limits=HEARTBEAT) as gate,
    ):
        async with gate.open() as client:
            first = json.loads((await client.receive()).data)
            before = await ask(client)
            network = to_one if to_one.connections else to_other
            BREAKS[broken](network)
            async with asyncio.timeout(10):
                after = await ask(client)
        (record,) = await gate.told.all_closed(1)
    assert first["type"] == "session.created"
    said = [event["type"] for event in (*before, *after)]
    assert not {"error", "session.created"} & set(said)
    assert [e["response"]["status"] for e in (before[-1], after[-1])] == ["completed", "completed"]
    assert (record.close_code, record.error) == (1000, None)
