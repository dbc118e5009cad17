"""A stand for the scoreboard's cases whose proxy is a gateway in this process."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import define, field
from yarl import URL

from benchmarks.scoreboard.case import Case, Size
from benchmarks.scoreboard.stand import Proxy
from benchmarks.scoreboard.subjects import Ours, Site
from realtime_lb import RealtimeRouter
from realtime_lb.config import load_config
from realtime_lb.server import listening
from realtime_lb.transports.lanes import transport_for
from tests import support
from tests.support import Records


@define
class Here:
    """Starts gateways in the story's lane, from the files that ``serve`` would read."""

    folder: Path
    told: Records = field(factory=Records)
    _numbers: Iterator[int] = field(factory=itertools.count)

    @property
    def subject(self) -> Ours:
        return Ours(support.LANE)

    @asynccontextmanager
    async def proxy(
        self, *upstreams: str, settings: str = "", opaque: bool = False, arguments: Sequence[str] = ()
    ) -> AsyncIterator[Proxy]:
        folder = self.folder / str(next(self._numbers))
        folder.mkdir()
        site = Site(folder=folder, port=0, upstreams=upstreams, settings=settings, opaque=opaque)
        self.subject.command(site)
        given = load_config(folder / "realtime-lb.yaml", environ={}).settings
        router = RealtimeRouter(given, transport=transport_for(support.LANE, given.limits), sinks=[self.told])
        # A port that was free a moment ago may be some client's by now; here nobody has to know it before.
        async with listening(router, port=site.port, lane=support.LANE) as url:
            yield Proxy(URL(url).port or 0, os.getpid(), folder / "log.txt")
            async with asyncio.timeout(5):
                while any(  # noqa: ASYNC110  # a lease is given back without an event
                    each.live_sessions for each in router.snapshot().deployments
                ):
                    await asyncio.sleep(0.01)


async def show(case: Case, folder: Path) -> str:
    """Run the short form of *case*; it must hold. Returns its figure."""
    outcome = await case.run(Here(folder), Size.SHORT)  # type: ignore[arg-type]  # it stands where a Stand does
    assert outcome.holds, outcome.figure
    return outcome.figure
