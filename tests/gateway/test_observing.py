"""What the log is told: the events that were asked for, both ways, and one whole closing record."""

import json

from realtime_lb import LoggingSettings
from realtime_lb.records import EventObserved, Usage
from tests.support import (
    SESSION_CREATED,
    UPGRADE,
    Gateway,
    Websocket,
    deployment,
    gateway,
    greet_and_echo,
    upstream,
)

AUDIO = "UklGRiQ" * 1_000


def done(responses: int, **usage: int) -> str:
    return json.dumps({"type": "response.done", "response": {"id": f"resp_{responses}", "usage": usage}})


async def answer(websocket: Websocket) -> None:
    await websocket.send_str(SESSION_CREATED)
    await websocket.receive()
    await websocket.send_str('{"type":"response.created"}')
    await websocket.send_str(json.dumps({"type": "response.output_audio.delta", "delta": AUDIO}))
    await websocket.send_str(done(1, input_tokens=10, output_tokens=3))
    await websocket.send_bytes(b"not text")
    await websocket.send_str("not json")
    await websocket.send_str(done(2, input_tokens=100, output_tokens=30))
    await websocket.receive()


async def talk(gate: Gateway) -> None:
    async with gate.open() as client:
        await client.receive()
        await client.send_str('{"type":"response.create","response":{"instructions":"be kind"}}')
        for _ in range(6):
            await client.receive()


async def observed(logging: LoggingSettings) -> list[EventObserved]:
    async with upstream(answer) as url, gateway(deployment("a", url), logging=logging) as gate:
        await talk(gate)
        await gate.told.all_closed(1)
    return [record for record in gate.told.all if isinstance(record, EventObserved)]


async def test_by_default_the_same_three_types_as_litellms_are_logged_from_both_sides() -> None:
    events = await observed(LoggingSettings())
    assert [(event.direction, event.type) for event in events] == [
        ("server", "session.created"),
        ("client", "response.create"),
        ("server", "response.done"),
        ("server", "response.done"),
    ]
    assert json.loads(events[1].payload or b"")["response"] == {"instructions": "be kind"}


async def test_all_events_means_all_and_audio_is_told_by_its_length() -> None:
    events = await observed(LoggingSettings(event_types=None))
    assert [event.type for event in events] == [
        "session.created",
        "response.create",
        "response.created",
        "response.output_audio.delta",
        "response.done",
        "response.done",
    ]
    assert events[3].size_bytes > len(AUDIO)
    assert len(events[3].payload or b"") < 200
    assert AUDIO[:20] not in str(events)


async def test_contents_can_be_kept_out_of_the_log() -> None:
    events = await observed(LoggingSettings(event_types=None, redact_content=True))
    assert len(events) == 6
    assert {event.payload for event in events} == {None}


async def test_the_closing_record_sums_up_all_responses() -> None:
    async with upstream(answer) as url, gateway(deployment("a", url)) as gate:
        await talk(gate)
        (record,) = await gate.told.all_closed(1)
    assert record.usage == Usage(responses=2, input_tokens=110, output_tokens=33)
    assert (record.from_client.frames, record.from_upstream.frames) == (1, 7)
    assert record.from_upstream.bytes > len(AUDIO)
    assert record.first_event_s is not None
    assert record.first_audio_s is not None
    assert 0 < record.first_event_s <= record.first_audio_s <= record.duration_s
    assert [(a.deployment, a.outcome) for a in record.attempts] == [("a", "accepted")]
    assert (record.http_status, record.close_code) == (None, 1000)


async def test_an_opaque_deployment_is_counted_but_not_read() -> None:
    logging = LoggingSettings(event_types=None)
    async with (
        upstream(greet_and_echo) as url,
        gateway(deployment("a", url, opaque=True), logging=logging) as gate,
    ):
        async with gate.open() as client:
            await client.receive()
            await client.send_str('{"type":"response.create"}')
            await client.receive()
        (record,) = await gate.told.all_closed(1)
    assert not any(isinstance(each, EventObserved) for each in gate.told.all)
    assert (record.from_client.frames, record.from_upstream.frames) == (1, 2)
    assert record.first_event_s is None


async def test_a_refused_session_leaves_a_record_too() -> None:
    async with gateway(deployment("dead", "http://127.0.0.1:1")) as gate:
        for query in ("model=voice", "model=nope"):
            async with gate.http.get(gate.url + f"/v1/realtime?{query}", headers=UPGRADE) as response:
                assert response.status in {503, 404}
        failed, unknown = await gate.told.all_closed(2)
    assert (failed.error, failed.fault, failed.deployment) == ("all_upstreams_failed", "upstream", None)
    assert [a.outcome for a in failed.attempts] == ["upstream_unreachable"]
    assert (unknown.error, unknown.fault, unknown.model_group) == ("model_not_found", "client", None)
    assert [(each.http_status, each.close_code) for each in (failed, unknown)] == [(503, None), (404, None)]
