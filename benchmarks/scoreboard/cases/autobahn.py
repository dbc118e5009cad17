"""Clients and upstreams that try all that the websocket protocol has: the Autobahn suite, in either role."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.scoreboard.autobahn import SLOW, Verdict, echo, fuzzed_by_clients, fuzzing_upstream, summary
from benchmarks.scoreboard.case import Case, Outcome, Size
from benchmarks.scoreboard.parties import upstream
from benchmarks.scoreboard.stand import Stand

NOBODY_IS_EJECTED = "health: {enabled: false}"
"""An upstream that breaks the protocol on purpose would be left alone otherwise."""


class FuzzingClients(Case):
    """The suite's client, before an upstream that echoes."""

    id = "D1"
    title = "Clients that try the protocol: Autobahn's 301 cases without compression"
    bar = "all pass, before an echo"
    limit_s = 600.0

    async def run(self, stand: Stand, size: Size) -> Outcome:
        async with upstream(echo) as url, stand.proxy(url, opaque=True) as proxy:
            return _judged(
                await fuzzed_by_clients(proxy.port, proxy.path, proxy.headers, without=_left_out(size))
            )


class FuzzingUpstreams(Case):
    """The suite's server as the upstream, and clients that echo."""

    id = "D2"
    title = "Upstreams that try the protocol: the same cases"
    bar = "all pass, with clients that echo"
    limit_s = 600.0

    async def run(self, stand: Stand, size: Size) -> Outcome:
        async with fuzzing_upstream(without=_left_out(size)) as fuzzing:
            url = f"http://127.0.0.1:{fuzzing.port}"
            async with stand.proxy(url, opaque=True, settings=NOBODY_IS_EJECTED) as proxy:
                verdicts = await fuzzing.verdicts(proxy.port, proxy.path, proxy.headers)
            return _judged(verdicts, fuzzing.count)


def _left_out(size: Size) -> Sequence[str]:
    return SLOW if size is Size.SHORT else ()


def _judged(verdicts: Sequence[Verdict], count: int | None = None) -> Outcome:
    never_met = (count or len(verdicts)) - len(verdicts)
    more = f"; {never_met} never met" if never_met else ""
    holds = not never_met and all(verdict.passed for verdict in verdicts)
    return Outcome(summary(verdicts) + more, holds=holds)
