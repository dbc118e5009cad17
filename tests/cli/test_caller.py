"""The demo's voice client: whatever an upstream does to it, it says what was wrong."""

from typing import Any

import aiohttp
import pytest
from aiohttp import web

from realtime_lb.cli.demo import caller
from realtime_lb.cli.demo.caller import CallFailed, call
from tests.support import Websocket, http_server, upstream

CREATED = {"type": "session.created", "session": {}}
TEXT = {"type": "response.output_text.done", "text": "hello"}
HEARD = [
    {"type": "input_audio_buffer.speech_started"},
    {"type": "input_audio_buffer.speech_stopped"},
]
FORGOTTEN = {
    "type": "conversation.item.retrieved",
    "item": {"content": [{"type": "input_text", "text": "?"}]},
}


def done(status: str = "completed") -> dict[str, Any]:
    return {"type": "response.done", "response": {"status": status}}


async def outcome(url: str) -> str:
    async with aiohttp.ClientSession() as http:
        with pytest.raises(CallFailed) as failed:
            await call(http, f"{url}/realtime", name="session-1", model="m")
    return str(failed.value)


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([{"type": "error", "error": {"message": "no such voice"}}], "no such voice"),
        ([], "close code 1000 before session.created"),
        ([CREATED, done("failed")], "a response ended as 'failed'"),
        ([CREATED, TEXT, done(), done()], "did not hear where the speech began"),
        ([CREATED, TEXT, done()], "close code 1000 before response.done"),
        ([CREATED, CREATED], "session.created came twice"),
        ([CREATED, *[{**TEXT, "event_id": "event_1"}] * 2], "response.output_text.done came twice"),
        ([CREATED, TEXT, done(), *HEARD, done(), FORGOTTEN], "did not remember what was said first"),
    ],
    ids=[
        "an error",
        "a close",
        "a failed response",
        "deaf",
        "a close in between",
        "two sessions",
        "an echo",
        "forgetful",
    ],
)
async def test_it_tells_what_an_upstream_did_wrong(events: list[dict[str, Any]], why: str) -> None:
    async def behave(websocket: Websocket) -> None:
        for event in events:
            await websocket.send_json(event)

    async with upstream(behave) as url:
        assert why in await outcome(url)


async def test_it_tells_of_a_frame_that_is_no_event() -> None:
    async def behave(websocket: Websocket) -> None:
        await websocket.send_bytes(b"{}")

    async with upstream(behave) as url:
        assert "no event" in await outcome(url)


async def test_it_tells_of_a_refusal() -> None:
    async def refuse(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    async with http_server(refuse) as url:
        assert "no session: 503" in await outcome(url)


async def test_it_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    async def behave(websocket: Websocket) -> None:
        await websocket.receive()

    monkeypatch.setattr(caller, "_PATIENCE_S", 0.05)
    async with upstream(behave) as url:
        assert "nothing more came" in await outcome(url)
