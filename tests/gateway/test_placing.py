"""Where sessions go: by weight, by load, by tier, below every cap, and elsewhere when an upstream fails."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from realtime_lb import RoutingSettings
from realtime_lb.errors import GroupFull
from tests.support import (
    SESSION_CREATED,
    UPGRADE,
    Behaviour,
    Gateway,
    Websocket,
    deployment,
    gateway,
    greet_and_echo,
    http_server,
    upstream,
)

pytestmark = pytest.mark.usefixtures("each_lane")


async def placed(gate: Gateway, count: int) -> Counter[str]:
    """Where the first *count* sessions went, by deployment."""
    await gate.told.until(lambda: len(gate.told.opened) >= count)
    return Counter(record.deployment for record in gate.told.opened)


async def test_weights_divide_sessions_within_statistical_bounds() -> None:
    """600 seeded opens at 3:1 land within four standard deviations of 450:150."""
    async with (
        upstream(greet_and_echo) as url,
        gateway(
            deployment("a", url, weight=3),
            deployment("b", url, weight=1),
            routing=RoutingSettings(strategy="simple-shuffle"),
        ) as gate,
    ):
        for _ in range(600):
            async with gate.open() as client:
                await client.receive()
        shares = await placed(gate, 600)
    assert shares["a"] == pytest.approx(450, abs=4 * (600 * 0.75 * 0.25) ** 0.5)
    assert shares["a"] + shares["b"] == 600


async def test_least_busy_is_exact_with_live_sessions() -> None:
    """With every session kept open none is ever more than one ahead; one that empties is refilled."""
    names = ["a", "b", "c"]
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(upstream(greet_and_echo))
        gate = await stack.enter_async_context(
            gateway(
                *(deployment(name, url) for name in names), routing=RoutingSettings(strategy="least-busy")
            )
        )
        sessions: dict[str, list[Any]] = {name: [] for name in names}
        for number in range(60):
            client = await stack.enter_async_context(gate.open())
            await client.receive()
            await placed(gate, number + 1)
            sessions[gate.told.opened[-1].deployment].append(client)
            counts = [len(live) for live in sessions.values()]
            assert max(counts) - min(counts) <= 1
        for client in sessions["b"]:
            await client.close()
        await gate.told.all_closed(20)
        for _ in range(20):
            await (await stack.enter_async_context(gate.open())).receive()
        assert {record.deployment for record in gate.told.opened[60:]} == {"b"}


async def test_least_busy_honours_weights() -> None:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(upstream(greet_and_echo))
        pool = (deployment("big", url, weight=4), deployment("small", url, weight=1))
        gate = await stack.enter_async_context(gateway(*pool, routing=RoutingSettings(strategy="least-busy")))
        for _ in range(50):
            await (await stack.enter_async_context(gate.open())).receive()
        assert await placed(gate, 50) == {"big": 40, "small": 10}


async def test_caps_are_never_exceeded_under_200_concurrent_opens() -> None:
    """There is room for 60: of 200 opens at once 60 get in, the rest a 429 with a delay."""
    live: Counter[str] = Counter()
    most: Counter[str] = Counter()

    def counted(name: str) -> Any:
        async def behave(websocket: Websocket) -> None:
            live[name] += 1
            most[name] = max(most[name], live[name])
            await greet_and_echo(websocket)
            live[name] -= 1

        return behave

    delays_s: list[int] = []
    async with AsyncExitStack() as stack:
        pool = [
            deployment(name, await stack.enter_async_context(upstream(counted(name))), max_sessions=20)
            for name in ("a", "b", "c")
        ]
        gate = await stack.enter_async_context(gateway(*pool))

        async def open_one() -> int:
            try:
                client = await stack.enter_async_context(gate.open())
            except aiohttp.WSServerHandshakeError as refusal:
                delays_s.append(int(refusal.headers["Retry-After"] if refusal.headers else 0))
                return refusal.status
            await client.receive()
            return 101

        statuses = Counter(await asyncio.gather(*(open_one() for _ in range(200))))
        assert statuses == {101: 60, 429: 140}
        assert min(delays_s) >= 1
        assert most == {"a": 20, "b": 20, "c": 20}
        snapshot = gate.router.snapshot()
        assert [d.live_sessions for d in snapshot.deployments] == [20, 20, 20]
    assert {record.error for record in gate.told.closed if record.error} == {GroupFull.code}


async def test_a_lower_order_is_used_first_and_a_full_one_is_passed_over() -> None:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(upstream(greet_and_echo))
        pool = (
            deployment("spare", url),
            deployment("second", url, order=2, max_sessions=3),
            deployment("first", url, order=1, max_sessions=2),
        )
        gate = await stack.enter_async_context(gateway(*pool))
        for _ in range(8):
            await (await stack.enter_async_context(gate.open())).receive()
        where = [record.deployment for record in gate.told.opened]
    assert where == ["first"] * 2 + ["second"] * 3 + ["spare"] * 3


def _answer(status: int) -> Any:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": {"code": "nope"}}, status=status)

    return answer


@pytest.mark.parametrize(
    ("statuses", "answered", "code"),
    [
        ((500, 500, 500, 500), 503, "all_upstreams_failed"),
        ((429, 429, 429), 429, "rate_limit_exceeded"),
        ((429, 500), 503, "all_upstreams_failed"),
    ],
)
async def test_when_every_upstream_fails_the_client_gets_a_true_status(
    statuses: tuple[int, ...], answered: int, code: str
) -> None:
    """Three distinct tries at most, then an HTTP answer in OpenAI's shape that names no upstream."""
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(http_server(_answer(status))) for status in statuses]
        gate = await stack.enter_async_context(
            gateway(*(deployment(str(number), url) for number, url in enumerate(urls)))
        )
        async with gate.http.get(gate.url + "/v1/realtime?model=voice", headers=UPGRADE) as response:
            body = await response.json()
            assert response.status == answered
            assert response.headers["Connection"] == "close"
            assert int(response.headers["Retry-After"]) >= 1
    assert body["error"]["code"] == code
    assert "127.0.0.1" not in str(body)
    (record,) = gate.told.closed
    assert len(record.attempts) == min(3, len(statuses))
    assert len({attempt.deployment for attempt in record.attempts}) == len(record.attempts)


GA_DELTA = '{"type":"response.output_text.delta","delta":"a"}'
BETA_DELTA = '{"type":"response.text.delta","delta":"a"}'


@pytest.mark.parametrize(
    ("knocks", "expects"),
    [
        ({}, GA_DELTA),
        ({"headers": {"OpenAI-Beta": "realtime=v1"}}, BETA_DELTA),
        ({"headers": {"OpenAI-Beta": "assistants=v2, realtime=v1"}}, BETA_DELTA),
        ({"protocols": ("realtime", "openai-beta.realtime-v1")}, BETA_DELTA),
        ({"path": "/openai/realtime?api-version=2025-04-01-preview&deployment=voice"}, BETA_DELTA),
        ({"path": "/openai/realtime?model=voice"}, GA_DELTA),
        ({"path": "/openai/v1/realtime?model=voice&api-version=2025-04-01-preview"}, GA_DELTA),
    ],
)
async def test_the_choice_does_not_depend_on_the_language(knocks: dict[str, Any], expects: str) -> None:
    """Two deployments of one pool, one of each dialect, get the same share of clients of either."""

    def saying(delta: str) -> Behaviour:
        async def behave(websocket: Websocket) -> None:
            await websocket.send_str(SESSION_CREATED)
            await websocket.send_str(delta)
            await websocket.receive()

        return behave

    async with (
        upstream(saying(GA_DELTA)) as ga,
        upstream(saying(BETA_DELTA)) as beta,
        gateway(
            deployment("ga", ga),
            deployment("beta", beta, realtime_protocol="beta"),
            routing=RoutingSettings(strategy="least-busy"),
        ) as gate,
        AsyncExitStack() as stack,
    ):
        for _ in range(20):
            client = await stack.enter_async_context(gate.open(**knocks))
            while "delta" not in (heard := (await client.receive()).data):
                pass
            assert heard == expects
        shares = {each.id: each.live_sessions for each in gate.router.snapshot().deployments}
        assert shares == {"ga": 10, "beta": 10}


async def test_an_opaque_deployment_is_never_translated() -> None:
    said = '{"type":"session.update","session":{"voice":"alloy"}}'
    async with (
        upstream(greet_and_echo) as url,
        gateway(deployment("a", url, opaque=True)) as gate,
        gate.open(headers={"OpenAI-Beta": "realtime=v1"}) as client,
    ):
        assert (await client.receive()).data == SESSION_CREATED
        for text in (said, GA_DELTA, BETA_DELTA, "no event"):
            await client.send_str(text)
            assert (await client.receive()).data == text
