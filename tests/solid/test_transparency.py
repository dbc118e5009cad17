"""An event that both ends understand goes through as the bytes that it is, however it is written."""

import asyncio
import itertools
import logging
from collections.abc import Sequence

import pytest

from realtime_lb import RehomeSettings
from tests import support
from tests.support import SESSION_CREATED, Websocket, deployment, gateway, upstream

pytestmark = pytest.mark.usefixtures("each_lane")

_figures = logging.getLogger("figures")

ODDLY_WRITTEN = (
    b'{"type":"%s","a":1,"a":2,"a":{"a":1,"a":2}}',
    b' {\r\n\t"event_id" : "e" ,\n\t"type" : "%s" , "x" : [ ] }\r\n\r\n',
    b'{"x":NaN,"type":"%s","y":-Infinity,"z":Infinity}',
    b'{"type":"%s","n":1e999,"m":-0.0,"k":-1E+999,"l":1.0000000000000000000000001}',
    b'{"type":"%s","n":1180591620717411303424,"m":-' + b"9" * 5_000 + b"}",
    b'{"x":"\\ud800","type":"%s","y":"\\udfff\\ud83d\\ude00","\\udc00":1}',
    b'{"type":"%s","new_field":{"deep":[null,true,[[[[{}]]]]]}}',
    b'{"type":"%s","a":"\\u0041\\/\\b\\f\\n\\r\\t\\"\\\\","b":"/"}',
    '{"type":"%s","text":"日本\u2028語\u2029\ufeff\u0000"}'.replace("\u0000", "\\u0000").encode(),
    b'{"type":"%s","":"","type ":"other","Type":"another","nested":{"type":"session.created"}}',
    b'{"type":"%s","pad":"' + b"A" * 300_000 + b'"}',
    b'{"a":{"type":"error"},"b":"\\"type\\":\\"error\\"","type":"%s"}',
)
FROM_CLIENT = (
    b"future.event",
    b"input_audio_buffer.clear",
    b"response.cancel",
    b"output_audio_buffer.clear",
    b"conversation.item.retrieve",
)
FROM_UPSTREAM = (
    b"future.event",
    b"rate_limits.updated",
    b"input_audio_buffer.cleared",
    b"response.output_text.delta",
    b"mcp_list_tools.completed",
)


def samples(names: Sequence[bytes]) -> list[bytes]:
    return [odd.replace(b"%s", name) for odd, name in itertools.product(ODDLY_WRITTEN, names)]


@pytest.mark.parametrize("rehomes", [True, False], ids=["re-homing on", "off"])
async def test_sixty_oddly_written_events_each_way_keep_every_byte(rehomes: bool) -> None:
    up, down = samples(FROM_CLIENT), samples(FROM_UPSTREAM)
    heard: asyncio.Future[list[bytes]] = asyncio.get_running_loop().create_future()

    async def behave(websocket: Websocket) -> None:
        await websocket.send_str(SESSION_CREATED)
        heard.set_result([(await websocket.receive()).data for _ in up])
        for event in down:
            await websocket.send_frame(event, 1)  # type: ignore[arg-type]  # text that no str can be
        await websocket.receive()

    async with (
        upstream(behave, decode_text=False) as url,
        gateway(deployment("a", url), rehome=RehomeSettings(enabled=rehomes)) as gate,
        gate.open(decode_text=False) as client,
    ):
        await client.receive()
        for event in up:
            await client.send_frame(event, 1)
        assert await heard == up
        assert [(await client.receive()).data for _ in down] == down
    assert len(up) == len(down) == 60
    _figures.info("figure: B2 60 of 60 unchanged each way, %s, re-homing %s", support.LANE, rehomes)
