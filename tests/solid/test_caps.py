"""How many may come in: told no before anybody is dialled, and never one too many."""

import asyncio
import random
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network

import aiohttp
import pytest
from attrs import define, field

from realtime_lb import AdmissionSettings, RealtimeRouter, ServerSettings, SessionRequest, Settings
from realtime_lb.abc import Connection
from realtime_lb.errors import Overloaded, RealtimeError, TooManyOpens, UnknownModel
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

in_each_lane = pytest.mark.usefixtures("each_lane")

SAID = '{"type":"response.create"}'
VOICE = "/v1/realtime?model=voice"
BEHIND_A_PROXY = ServerSettings(trusted_proxies=(ip_network("127.0.0.0/8"),))


@define
class Doorman:
    """An upstream that counts who is there."""

    now: int = 0
    most: int = 0
    came: int = 0

    async def __call__(self, websocket: Websocket) -> None:
        self.came += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await greet_and_echo(websocket)
        finally:
            self.now -= 1


@asynccontextmanager
async def caller_from(address: str) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=0, local_addr=(address, 0))
    async with aiohttp.ClientSession(connector=connector) as http:
        yield http


@define
class Flood:
    """Somebody who opens sessions from one address, and keeps what it gets."""

    address: str
    answers: Counter[int] = field(factory=Counter)
    delays_s: set[int] = field(factory=set)

    async def dial(self, url: str, times: int) -> None:
        async with caller_from(self.address) as http, asyncio.TaskGroup() as dials:
            done = asyncio.Barrier(times)
            for _ in range(times):
                dials.create_task(self._once(http, url, done))

    async def _once(self, http: aiohttp.ClientSession, url: str, done: asyncio.Barrier) -> None:
        try:
            async with http.ws_connect(url) as client:
                self.answers[101] += 1
                await client.receive()
                await done.wait()
        except aiohttp.WSServerHandshakeError as refusal:
            self.answers[refusal.status] += 1
            self.delays_s.add(int(refusal.headers["Retry-After"] if refusal.headers else 0))
            await done.wait()


async def refused(gate: Gateway, **headers: str) -> tuple[int, str, str]:
    """Return the status, the error's code and the delay of an open that is told no."""
    async with gate.http.get(gate.url + VOICE, headers={**UPGRADE, **headers}) as response:
        assert response.headers["Connection"] == "close"
        return response.status, (await response.json())["error"]["code"], response.headers["Retry-After"]


@in_each_lane
async def test_floods_from_ten_addresses_get_their_caps_and_others_do_not_notice() -> None:
    """All dial at once, so that a look and a count with anything in between would admit more."""
    doorman = Doorman()
    floods = [Flood(f"127.0.0.{10 + number}") for number in range(10)]
    async with (
        upstream(doorman) as url,
        gateway(deployment("a", url), admission=AdmissionSettings(max_sessions_per_address=3)) as gate,
        asyncio.TaskGroup() as all_of_them,
    ):
        flooding = [all_of_them.create_task(flood.dial(gate.url + VOICE, 60)) for flood in floods]
        while not all(each.done() for each in flooding):
            async with gate.open() as honest:
                assert (await honest.receive()).data == SESSION_CREATED
    assert [flood.answers for flood in floods] == [{101: 3, 429: 57}] * 10
    assert {delay_s for flood in floods for delay_s in flood.delays_s} == {5}
    assert doorman.most <= 3 * 10 + 1
    assert not gate.router.sessions()


@in_each_lane
async def test_a_full_gateway_answers_503_and_dials_nobody_until_somebody_leaves() -> None:
    doorman = Doorman()
    async with (
        upstream(doorman) as url,
        gateway(deployment("a", url), admission=AdmissionSettings(max_sessions=2)) as gate,
        gate.open() as stays,
    ):
        await stays.receive()
        async with gate.open() as leaves:
            await leaves.receive()
            assert await refused(gate) == (503, "overloaded", "5")
        await gate.told.all_closed(1)
        async with gate.open() as comes:
            await comes.receive()
        assert doorman.came == 3
        assert not stays.closed


@in_each_lane
@pytest.mark.parametrize("way", ["unknown model", "upstream down", "client leaves", "cancelled"])
async def test_a_place_is_given_back_however_an_open_ends(way: str) -> None:
    reached = asyncio.Event()

    async def silent(websocket: Websocket) -> None:
        reached.set()
        await websocket.receive()

    caps = AdmissionSettings(max_sessions=1, max_sessions_per_address=1)
    async with upstream(silent) as mute, upstream(greet_and_echo) as url:
        groups = [
            deployment("voice", url),
            deployment("down", "http://127.0.0.1:1", model_group="down"),
            deployment("mute", mute, model_group="mute"),
        ]
        async with gateway(*groups, admission=caps) as gate:
            match way:
                case "unknown model":
                    with pytest.raises(aiohttp.WSServerHandshakeError, match="404"):
                        await gate.open("/v1/realtime?model=nope")
                case "upstream down":
                    with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
                        await gate.open("/v1/realtime?model=down")
                case "client leaves":
                    leaving = asyncio.create_task(
                        gate.http.get(gate.url + "/v1/realtime?model=mute", headers=UPGRADE)
                    )
                    await reached.wait()
                    leaving.cancel()
                    await gate.told.all_closed(1)
                case _:
                    request = SessionRequest(model="mute", client_address="127.0.0.1")
                    serving = asyncio.create_task(gate.router.serve(request, lambda: asyncio.Event().wait()))  # type: ignore[arg-type, return-value]
                    await reached.wait()
                    serving.cancel()
                    await asyncio.wait({serving})
            async with gate.open() as client:
                assert (await client.receive()).data == SESSION_CREATED


async def test_who_opens_too_often_waits_for_as_long_as_it_is_told() -> None:
    """However short its sessions are. The minute is any minute, not the clock's."""
    caps = AdmissionSettings(max_opens_per_address=3)
    async with upstream(greet_and_echo) as url, gateway(deployment("a", url), admission=caps) as gate:
        for _ in range(3):
            async with gate.open() as client:
                await client.receive()
        status, code, delay = await refused(gate)
        assert (status, code) == (429, "rate_limit_exceeded")
        assert 55 <= int(delay) <= 60
        async with caller_from("127.0.0.9") as http, http.ws_connect(gate.url + VOICE) as other:
            await other.receive()


async def never() -> Connection:
    raise AssertionError("it was to be refused")


async def knocked(router: RealtimeRouter, address: str | None) -> RealtimeError:
    """Return what an open for a model that nobody has ends with: who is let in hears of the model."""
    with pytest.raises(RealtimeError) as refusal:
        await router.serve(SessionRequest(model="nope", client_address=address), never)
    return refusal.value


async def test_no_minute_has_more_opens_than_it_may() -> None:
    """Over ten minutes of knocking by chance; and who waits as long as it was told, gets in."""
    chance, now_s, begun = random.Random(7), [0.0], deque[float]()
    caps = AdmissionSettings(max_opens_per_address=5)
    settings = Settings(deployments=(deployment("a", "http://127.0.0.1:1"),), admission=caps)
    async with RealtimeRouter(settings, sinks=[], clock=lambda: now_s[0]) as router:
        while now_s[0] < 600:
            now_s[0] += chance.expovariate(1 / 4)
            told = await knocked(router, "192.0.2.7")
            if isinstance(told, TooManyOpens):
                assert len([at_s for at_s in begun if at_s > now_s[0] - 60]) == 5
                assert told.retry_after_s is not None
                if chance.random() < 0.5:
                    now_s[0] += told.retry_after_s
                    assert isinstance(await knocked(router, "192.0.2.7"), UnknownModel)
                    begun.append(now_s[0])
            else:
                begun.append(now_s[0])
            assert isinstance(await knocked(router, f"198.51.100.{chance.randrange(256)}"), UnknownModel)
    for first, sixth in zip(begun, list(begun)[5:], strict=False):
        assert sixth - first > 60 - 1e-6


async def test_the_program_itself_has_no_address_but_counts_for_all() -> None:
    caps = AdmissionSettings(max_sessions=2, max_sessions_per_address=1, max_opens_per_address=1)
    async with upstream(greet_and_echo) as url, gateway(deployment("a", url), admission=caps) as gate:
        for _ in range(3):
            async with gate.router.connect("voice"):
                pass
        async with gate.router.connect("voice"), gate.router.connect("voice"):
            with pytest.raises(Overloaded):
                async with gate.router.connect("voice"):
                    pass


@pytest.mark.parametrize(
    ("one", "other", "are_one"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("unknown", "garbage", False),
        (None, "", True),
    ],
)
async def test_who_is_one_caller(one: str | None, other: str, are_one: bool) -> None:
    caps = AdmissionSettings(max_opens_per_address=1)
    settings = Settings(deployments=(deployment("a", "http://127.0.0.1:1"),), admission=caps)
    async with RealtimeRouter(settings, sinks=[]) as router:
        assert isinstance(await knocked(router, one), UnknownModel)
        expected = TooManyOpens if are_one and one else UnknownModel
        assert type(await knocked(router, other)) is expected


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ("203.0.113.9:4711", "203.0.113.9:4712", 429),
        ("[2001:db8::1]:4711", "2001:db8::2", 429),
        ("203.0.113.9, 127.0.0.5:443", "203.0.113.9", 429),
        ("203.0.113.9", "203.0.113.10", 101),
        ("203.0.113.10, 203.0.113.9", "203.0.113.11, 203.0.113.9", 429),
    ],
)
async def test_a_caller_is_who_trusted_proxies_vouch_for(first: str, second: str, status: int) -> None:
    """Azure's gateways write the port beside it, which is another one each time."""
    caps = AdmissionSettings(max_sessions_per_address=1)
    async with (
        upstream(greet_and_echo) as url,
        gateway(deployment("a", url), admission=caps, server=BEHIND_A_PROXY) as gate,
        gate.open(headers={"X-Forwarded-For": first}) as client,
    ):
        await client.receive()
        headers = {**UPGRADE, "X-Forwarded-For": second}
        async with gate.http.get(gate.url + VOICE, headers=headers) as response:
            assert response.status == status
            response.close()


async def test_caps_change_while_calls_are_live() -> None:
    async with upstream(greet_and_echo) as url:
        a = deployment("a", url)
        async with gateway(a, admission=AdmissionSettings(max_sessions=1)) as gate, gate.open() as first:
            await first.receive()
            assert (await refused(gate))[0] == 503
            gate.router.reconfigure(Settings(deployments=(a,), admission=AdmissionSettings(max_sessions=2)))
            async with gate.open() as second:
                await second.receive()
            gate.router.reconfigure(Settings(deployments=(a,), admission=AdmissionSettings(max_sessions=1)))
            assert (await refused(gate))[0] == 503
            await first.send_str(SAID)
            assert (await first.receive()).data == SAID


async def test_the_log_says_why_once_and_then_how_often(caplog: pytest.LogCaptureFixture) -> None:
    now_s = [0.0]
    caps = AdmissionSettings(max_opens_per_address=1)
    settings = Settings(deployments=(deployment("a", "http://127.0.0.1:1"),), admission=caps)
    async with RealtimeRouter(settings, sinks=[], clock=lambda: now_s[0]) as router:
        for _ in range(101):
            await knocked(router, "192.0.2.7")
        now_s[0] = 30
        await knocked(router, "192.0.2.7")
    why = "sessions are refused: an address began max_opens_per_address within a minute"
    assert [record.getMessage() for record in caplog.records] == [
        why,
        f"{why} (99 more since it was last said)",
    ]
