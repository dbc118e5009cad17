"""The Autobahn suite's cases for websockets, with the client fuzzing, or the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
from attrs import define, frozen
from kosoku import FailureError, FuzzingServer, run_fuzzingclient, run_fuzzingserver

from benchmarks.scoreboard.parties import Websocket
from benchmarks.scoreboard.switch import asking, switched

if TYPE_CHECKING:
    from kosoku._kosoku import CaseResult

__all__ = [
    "SLOW",
    "FuzzingUpstream",
    "Verdict",
    "echo",
    "fuzzed_by_clients",
    "fuzzing_upstream",
    "summary",
]

WITH_COMPRESSION = ("12.*", "13.*")
"""216 of the 517. Who negotiates no compression has nothing to show in them."""

SLOW = ("9.*", "6.4.*", "5.19", "5.20")
"""Heaps of bytes, and cases that wait for seconds."""

_AT_ONCE = 4
_NAMED = 8
_MOST_IN_VAIN = 20
"""Opens in a row that fail; a proxy that upgrades nobody is not asked for ever."""


@frozen
class Verdict:
    """What a case showed.

    Attributes:
        case: Its number, such as ``7.9.5``.
        passed: Whether the peer did what the RFC asks for, strictly or not.
        told: The suite's words for what it did, and for how it closed.
    """

    case: str
    passed: bool
    told: str


def summary(verdicts: Sequence[Verdict]) -> str:
    """Return how many cases passed, and the first of those that did not."""
    failed = [verdict.case for verdict in verdicts if not verdict.passed]
    passed = f"{len(verdicts) - len(failed)} of {len(verdicts)}"
    if not failed:
        return passed
    more = f" and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
    return f"{passed}, not {', '.join(failed[:_NAMED])}{more}"


async def fuzzed_by_clients(
    port: int, path: str, headers: Mapping[str, str], *, without: Sequence[str] = ()
) -> list[Verdict]:
    """Return what the suite's client finds at *path* of 127.0.0.1:*port*, behind which all must be echoed.

    What did not pass is tried once more, alone: a peer has a second to answer, and a busy machine takes that.

    Args:
        port: Where the server listens.
        path: What to ask it for.
        headers: What to send with the request; the suite's client can send none of its own.
        without: Cases to leave out.
    """
    excluded = [*WITH_COMPRESSION, *without]
    async with switched(port, asking(path, headers)) as own_port:
        address = f"ws://127.0.0.1:{own_port}/"
        verdicts = await _fuzzed(address, exclude_cases=excluded, concurrency=_AT_ONCE)
        failed = [verdict.case for verdict in verdicts if not verdict.passed]
        again = await _fuzzed(address, cases=failed) if failed else []
    told = {verdict.case: verdict for verdict in again}
    return [told.get(verdict.case, verdict) for verdict in verdicts]


async def _fuzzed(address: str, **options: Any) -> list[Verdict]:
    try:
        results = await run_fuzzingclient(address, **options)
    except FailureError as failure:
        results = failure.results
    return [_verdict(result) for result in results]


@define
class FuzzingUpstream:
    """The suite's server: whoever dials gets the next case, whatever it asks for.

    Attributes:
        port: Where to dial.
        count: How many cases there are.
        begun: How many were asked for.
    """

    server: FuzzingServer
    port: int = 0
    count: int = 0
    begun: int = 0

    def next_case(self, head: bytes) -> bytes:
        """Have the suite hear that the next case is asked for."""
        self.begun += 1
        return asking(f"/runCase?case={self.begun}&agent=proxy", {})(head)

    async def verdicts(self, port: int, path: str, headers: Mapping[str, str]) -> list[Verdict]:
        """Return what the suite finds of a proxy before it, all of whose clients echo what they hear.

        Args:
            port: Where the proxy listens, on 127.0.0.1.
            path: What its clients ask for.
            headers: What they send with the request.
        """
        url = f"http://127.0.0.1:{port}{path}"
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            await asyncio.gather(*(self._echo_all(http, url, headers) for _ in range(_AT_ONCE)))
            await _asked(http, self.server.port, "/updateReports?agent=proxy")
        try:
            results = await self.server.get_result()
        except FailureError as failure:
            results = failure.results
        return [_verdict(result) for result in results]

    async def _echo_all(self, http: aiohttp.ClientSession, url: str, headers: Mapping[str, str]) -> None:
        in_vain = 0
        while self.begun < self.count and in_vain < _MOST_IN_VAIN:
            try:
                async with http.ws_connect(url, headers=headers, max_msg_size=0, compress=0) as client:
                    await echo(client)
                in_vain = 0
            except (aiohttp.ClientError, OSError):
                in_vain += 1


@asynccontextmanager
async def fuzzing_upstream(*, without: Sequence[str] = ()) -> AsyncIterator[FuzzingUpstream]:
    """Listen while the block runs, with all cases but those.

    Args:
        without: Cases to leave out.
    """
    async with run_fuzzingserver(exclude_cases=[*WITH_COMPRESSION, *without], port=0) as server:
        upstream = FuzzingUpstream(server)
        async with aiohttp.ClientSession() as http:
            upstream.count = int(await _asked(http, server.port, "/getCaseCount"))
        async with switched(server.port, upstream.next_case) as upstream.port:
            yield upstream


async def _asked(http: aiohttp.ClientSession, port: int, path: str) -> str:
    async with http.ws_connect(f"http://127.0.0.1:{port}{path}") as websocket:
        answer = await websocket.receive()
    return str(answer.data)


async def echo(websocket: Websocket | aiohttp.ClientWebSocketResponse[Any]) -> None:
    """Send everything back: what the suite expects of whom it fuzzes."""
    async for message in websocket:
        if message.type is aiohttp.WSMsgType.TEXT:
            await websocket.send_str(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            await websocket.send_bytes(message.data)


def _verdict(result: CaseResult) -> Verdict:
    words = f"{result.behavior.value}, {result.behavior_close.value}: {result.result} {result.result_close}"
    return Verdict(result.case_id, result.passed, words)
