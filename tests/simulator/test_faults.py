"""What can be made to go wrong goes wrong, where and as often as it was asked for."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import deque
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from realtime_lb.simulator import (
    GRAMMAR,
    Close,
    Cut,
    Delay,
    ErrorFirst,
    FailResponse,
    Fault,
    FaultTextError,
    Moment,
    Refuse,
    Selector,
    Silence,
    Simulator,
    Stage,
    parse_fault,
    parse_faults,
)
from tests.simulator.talk import call, talk, types
from tests.support import UPGRADE

READ: list[tuple[str, Fault]] = [
    ("refuse 429", Refuse(status=429)),
    ("refuse 429 retry-after=3", Refuse(status=429, retry_after_s=3)),
    (
        "refuse 503 every=2 first=10 skip=1 count=3",
        Refuse(status=503, selector=Selector(skip=1, every=2, first=10, count=3)),
    ),
    ("stall accept", Delay(stage=Stage.ACCEPT, delay_s=math.inf)),
    ("stall handshake", Delay(stage=Stage.HANDSHAKE)),
    ("stall first-event", Delay(stage=Stage.FIRST_EVENT)),
    ("stall response count=1", Delay(stage=Stage.RESPONSE, selector=Selector(count=1))),
    ("delay first-event 2.5", Delay(stage=Stage.FIRST_EVENT, delay_s=2.5)),
    ("error-first insufficient_quota", ErrorFirst(code="insufficient_quota")),
    ('error-first x "no more" close=1013', ErrorFirst(code="x", message="no more", close_code=1013)),
    (
        'fail-response rate_limit_exceeded "Please try again in 6.9s" every=3',
        FailResponse(
            code="rate_limit_exceeded", message="Please try again in 6.9s", selector=Selector(every=3)
        ),
    ),
    ("cut", Cut()),
    ("cut fin after=3", Cut(fin=True, moment=Moment(after=3))),
    ("cut after=12 first=2", Cut(moment=Moment(after=12), selector=Selector(first=2))),
    ("cut on=response.created", Cut(moment=Moment(after=1, on="response.created"))),
    ("close 1011 after=5", Close(code=1011, moment=Moment(after=5))),
    ("close 4000 'go away'", Close(code=4000, reason="go away")),
    ("silent after=3 skip=1", Silence(moment=Moment(after=3), selector=Selector(skip=1))),
]


@pytest.mark.parametrize(("text", "fault"), READ)
def test_faults_are_read_from_text(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "there is nothing in it"),
        ("explode", "unknown verb 'explode'"),
        ("refuse", "the status is missing"),
        ("refuse 200", "the status must be a whole number, 400 to 599, not '200'"),
        ("refuse 429 retry-after=soon", "retry-after must be seconds such as 2.5, not 'soon'"),
        ("refuse 429 4", "'4' does not belong there"),
        ("refuse 429 after=1", "'after=1' does not belong there"),
        ("stall", "the stage is missing"),
        ("stall lunch", "unknown stage 'lunch'; known are accept, handshake, first-event, response"),
        ("delay response", "the delay is missing"),
        ("close 1006", "close code 1006 must not be sent"),
        ("close 999", "the close code must be a whole number"),
        (f"close 1000 {'r' * 124}", "the reason is longer than 123 bytes"),
        ("cut rst", "'rst' does not belong there"),
        ("cut every=0", "every must be a whole number, 1 or more, not '0'"),
        ("cut after=-1", "after must be a whole number, 0 or more, not '-1'"),
        ("fail-response 'x", "no closing quotation"),
    ],
)
def test_a_bad_text_says_what_is_wrong_and_shows_the_grammar(text: str, problem: str) -> None:
    with pytest.raises(FaultTextError) as wrong:
        parse_fault(text)
    assert problem in str(wrong.value)
    assert GRAMMAR in str(wrong.value)


@given(st.text())
def test_any_text_is_a_fault_or_a_fault_text_error(text: str) -> None:
    for read in (parse_fault, parse_faults):
        with contextlib.suppress(FaultTextError):
            read(text)


def test_a_script_holds_several_faults() -> None:
    text = """
    # mondays
    refuse 503 first=1; close 1011 "a; b" after=2
    cut
    """
    faults = parse_faults(text)
    assert faults == (
        Refuse(status=503, selector=Selector(first=1)),
        Close(code=1011, reason="a; b", moment=Moment(after=2)),
        Cut(),
    )


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        (Selector(), [1, 2, 3, 4, 5, 6]),
        (Selector(first=2), [1, 2]),
        (Selector(every=3), [3, 6]),
        (Selector(skip=2, count=2), [3, 4]),
        (Selector(skip=1, every=2, first=4), [3, 5]),
    ],
)
def test_a_selector_chooses_occasions(selector: Selector, chosen: list[int]) -> None:
    taken: list[int] = []
    for occasion in range(1, 7):
        if selector.chooses(occasion, len(taken)):
            taken.append(occasion)
    assert taken == chosen


async def test_refusals_carry_their_status_and_hint() -> None:
    async with Simulator(faults=["refuse 429 retry-after=3 first=1", Refuse(status=503)]) as simulator:
        for status, hint in [(429, "3"), (503, None)]:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with call(simulator):
                    pass
            assert refused.value.status == status
            assert refused.value.headers is not None
            assert refused.value.headers.get("Retry-After") == hint
        simulator.faults = ()
        async with call(simulator) as client:
            await client.until("session.created")
        assert len(simulator.dials) == 3


async def test_an_error_comes_first_and_then_the_close() -> None:
    async with (
        Simulator(faults="error-first insufficient_quota close=4001") as simulator,
        call(simulator) as client,
    ):
        error = (await client.hear())["error"]
        assert (error["type"], error["code"]) == ("insufficient_quota", "insufficient_quota")
        assert await client.closed() == (4001, "insufficient_quota.insufficient_quota")


async def test_a_fault_of_the_key_comes_before_a_fault_of_ours() -> None:
    async with (
        Simulator(faults="error-first model_not_found") as simulator,
        call(simulator, Authorization="Bearer wrong") as client,
    ):
        assert (await client.hear())["error"]["code"] == "invalid_api_key"


async def test_responses_fail_on_a_socket_that_stays_open() -> None:
    text = 'fail-response rate_limit_exceeded "Please try again in 6.9s" every=2; fail-response odd first=1'
    async with talk(faults=text) as (client, simulator):
        outcomes = []
        for _ in range(3):
            await client.say("response.create")
            events = await client.until("response.done")
            response = events[-1]["response"]
            outcomes.append((response["status_details"] or {"error": {"code": None}})["error"]["code"])
            if response["status"] == "failed":
                assert types(events)[-2:] == ["response.created", "response.done"]
                assert response["usage"]["total_tokens"] == 0
        assert outcomes == ["odd", "rate_limit_exceeded", None]
        assert len(simulator.sessions) == 1


async def test_a_stalled_response_can_be_cancelled_and_the_session_lives() -> None:
    async with talk(faults="stall response first=1; delay response 0.01 skip=1") as (client, _):
        await client.say("response.create")
        await client.until("response.created")
        error = await client.error("response.create")
        assert error["code"] == "conversation_already_has_active_response"
        await client.say("response.cancel")
        done = (await client.until("response.done"))[-1]["response"]
        assert (done["status"], done["output"]) == ("cancelled", [])
        await client.say("response.create")
        assert (await client.until("response.done"))[-1]["response"]["status"] == "completed"


@pytest.mark.parametrize("fault", ["cut after=3", "cut on=session.updated after=2"])
async def test_a_cut_is_a_reset_without_a_close(fault: str) -> None:
    async with talk(faults=fault) as (client, simulator):
        for _ in range(2):
            await client.say("session.update", session={"type": "realtime"})
        await client.until("session.updated")
        await client.until("session.updated")
        assert (await client.closed())[0] == aiohttp.WSCloseCode.ABNORMAL_CLOSURE
        session = simulator.session(client.opening[0]["session"]["id"])
        assert session.close_code is None


@pytest.mark.parametrize("fin", [True, False])
async def test_a_cut_connection_ends_as_it_is_told_to(fin: bool) -> None:
    """Behind FIN a client reads the end of the stream, behind RST an error."""
    async with Simulator(faults=[Cut(fin=fin, moment=Moment(after=1))]) as simulator:
        reader, writer = await asyncio.open_connection(simulator.host, simulator.port)
        headers = {**UPGRADE, "Host": "sim", "Authorization": f"Bearer {simulator.api_key}"}
        lines = ["GET /v1/realtime?model=gpt-realtime HTTP/1.1", *(f"{n}: {v}" for n, v in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        if fin:
            assert b"session.created" in await reader.read()
        else:
            with pytest.raises(ConnectionResetError):
                await reader.read()
        writer.close()


async def test_a_cut_before_the_first_event() -> None:
    async with Simulator(faults="cut") as simulator, call(simulator) as client:
        assert (await client.closed())[0] == aiohttp.WSCloseCode.ABNORMAL_CLOSURE
        assert client.heard == []


async def test_a_close_says_its_code_and_reason() -> None:
    async with talk(faults='close 1011 "keepalive ping timeout" after=2') as (client, simulator):
        await client.ask("session.update", "session.updated", session={"type": "realtime"})
        assert await client.closed() == (1011, "keepalive ping timeout")
        assert simulator.session(client.opening[0]["session"]["id"]).close_code == 1011


async def test_a_silent_session_answers_pings_and_nothing_else() -> None:
    """The pong comes although it was asked for after the response: nothing else was sent between."""
    async with Simulator(faults="silent after=1") as simulator, aiohttp.ClientSession() as http:
        url = f"{simulator.base_url}/v1/realtime?model=gpt-realtime"
        headers = {"Authorization": "Bearer sk-sim"}
        async with http.ws_connect(url, headers=headers, autoping=False) as ws:
            assert (await ws.receive_json())["type"] == "session.created"
            await ws.send_json({"type": "response.create"})
            await ws.ping(b"there?")
            message = await ws.receive()
            assert (message.type, bytes(message.data)) == (aiohttp.WSMsgType.PONG, b"there?")
            assert simulator.sessions[0].received == deque([{"type": "response.create"}])


REQUEST = (
    b"GET /v1/realtime?model=gpt-realtime HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-sim\r\n"
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


@pytest.mark.parametrize("stage", ["accept", "handshake", "first-event"])
async def test_a_session_stalls_at_any_stage_and_the_next_one_does_not(stage: str) -> None:
    async with Simulator(faults=f"stall {stage} first=1; delay {stage} 0.01 skip=1") as simulator:
        reader, writer = await asyncio.open_connection(simulator.host, simulator.port)
        writer.write(REQUEST)
        if stage == "first-event":
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        stalled = asyncio.create_task(reader.read(1))
        async with call(simulator) as client:
            await client.say("session.update", session={"type": "realtime"})
            await client.until("session.updated")
        assert not stalled.done()
        assert len(simulator.dials) == (1 if stage == "accept" else 2)
        stalled.cancel()
        writer.close()


async def test_a_client_that_leaves_before_its_handshake_is_answered_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As one does that dials elsewhere meanwhile: there is nothing to report of it."""
    async with Simulator(faults="delay handshake 0.05") as simulator:
        _, writer = await asyncio.open_connection(simulator.host, simulator.port)
        writer.write(REQUEST)
        writer.close()
        async with call(simulator) as client:  # its handshake takes as long, from later on
            await client.until("session.created")
        assert len(simulator.dials) == 2
    assert caplog.records == []


async def test_a_client_that_leaves_while_its_handshake_is_answered_is_no_error(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two looks at its socket, which is hard to hit from outside."""
    prepare = web.WebSocketResponse.prepare

    async def leave_and_prepare(response: Any, request: Any) -> Any:
        request.transport.abort()
        return await prepare(response, request)

    async with Simulator() as simulator:
        reader, writer = await asyncio.open_connection(simulator.host, simulator.port)
        with monkeypatch.context() as patched:
            patched.setattr(web.WebSocketResponse, "prepare", leave_and_prepare)
            writer.write(REQUEST)
            assert await reader.read() == b""
        writer.close()
        async with call(simulator) as client:
            await client.until("session.created")
    assert caplog.records == []


async def test_a_client_that_leaves_a_stalled_session_is_forgotten() -> None:
    async with Simulator(faults="stall first-event") as simulator:
        async with call(simulator) as client:
            await client.say("session.update", session={"type": "realtime"})
            await client.ws.close()
        await simulator.wait_until_empty()
        assert simulator.sessions == ()


async def test_a_session_expires() -> None:
    async with Simulator(session_lifetime_s=0.06) as simulator, call(simulator) as client:
        error = (await client.until("session.created", "error"))[-1]["error"]
        assert error["code"] == "session_expired"
        why = "Your session hit the maximum duration of 0.001 minutes."
        assert error["message"] == why
        assert await client.closed() == (1001, why)


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda simulator: simulator.cut(), 1006),
        (lambda simulator: simulator.cut(fin=True), 1006),
        (lambda simulator: simulator.close_all(1012, "bye"), 1012),
        (lambda simulator: simulator.expire(), 1001),
    ],
)
async def test_all_live_sessions_can_be_ended_from_outside(act: Any, code: int) -> None:
    async with Simulator() as simulator, call(simulator) as one, call(simulator) as two:
        for client in (one, two):
            await client.until("session.created")
        assert act(simulator) == 2
        act(simulator)  # ending twice is ending once
        for client in (one, two):
            assert (await client.closed())[0] == code


async def test_faults_are_replaced_at_run_time_even_for_live_sessions_responses() -> None:
    async with talk() as (client, simulator):
        simulator.faults = "fail-response server_error"
        await client.say("response.create")
        failed = (await client.until("response.done"))[-1]["response"]
        assert failed["status_details"]["error"]["type"] == "server_error"
        simulator.faults = [FailResponse(code="insufficient_quota")]
        await client.say("response.create")
        failed = (await client.until("response.done"))[-1]["response"]
        assert failed["status_details"]["error"]["code"] == "insufficient_quota"
