"""A session whose upstreams are all gone looks for one for as long as it may, however long that is."""

import asyncio

from realtime_lb import RehomeSettings, RoutingSettings
from realtime_lb.records import SessionRehomed
from realtime_lb.testing import run_jumping
from tests.solid.calls import ASK, REQUEST, SAY_HELLO, Call, Stage

AWAY_S = 60.0
"""A thousand looks, where no wait is set."""


def test_after_a_thousand_looks_who_comes_back_is_found() -> None:
    async def scene() -> None:
        stage = Stage()
        stage.open(rehome=RehomeSettings(timeout_s=600.0), routing=RoutingSettings(retry_wait_s=0.0))
        script = (("session.created", SAY_HELLO), ("conversation.item.done", Call.lose_all))
        call = Call(stage, (*script, ("moved", ASK), ("response.done", Call.leave)))
        async with stage.router:
            serving = asyncio.create_task(stage.router.serve(REQUEST, call.accept))
            await asyncio.sleep(AWAY_S)
            assert not serving.done()
            stage.upstreams.refusing = False
            async with asyncio.timeout(AWAY_S):
                await serving
        assert call.done == len(call.script)
        assert stage.counts(SessionRehomed) == 1

    run_jumping(scene())
