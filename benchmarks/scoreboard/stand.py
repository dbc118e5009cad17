"""A stand: the proxy that is put to the test, before upstreams of the case's own."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import define, field, frozen

from benchmarks.rig.cores import Cores
from benchmarks.rig.events import MODEL
from benchmarks.rig.processes import free_port, running
from benchmarks.rig.subjects.base import KEY
from benchmarks.scoreboard.subjects import Site, Subject

__all__ = ["Proxy", "Stand"]


@frozen
class Proxy:
    """A running proxy.

    Attributes:
        port: Where it listens, on 127.0.0.1.
        pid: Its first process.
        log: What it wrote.
    """

    port: int
    pid: int
    log: Path

    model = MODEL
    """What clients ask for."""

    path = f"/v1/realtime?model={MODEL}"
    """Where they ask for it."""

    @property
    def url(self) -> str:
        """Its root address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def headers(self) -> Mapping[str, str]:
        """What its clients have to send."""
        return {"Authorization": f"Bearer {KEY}"}


@define
class Stand:
    """Starts a subject, as often as a case wants.

    Attributes:
        subject: Who is put to the test.
        folder: For its files.
        cores: Where it runs, and where the case does.
    """

    subject: Subject
    folder: Path
    cores: Cores
    _numbers: Iterator[int] = field(factory=lambda: itertools.count(1))

    @asynccontextmanager
    async def proxy(
        self,
        *upstreams: str,
        settings: str = "",
        opaque: bool = False,
        arguments: Sequence[str] = (),
    ) -> AsyncIterator[Proxy]:
        """Run the subject while the block runs.

        Args:
            *upstreams: Root addresses, such as ``http://127.0.0.1:4321``. They must be served by then.
            settings: Text of the section ``realtime_lb`` of our configuration.
            opaque: Frames are anything, not events.
            arguments: Further arguments of ``realtime-lb serve``.

        Raises:
            DidNotStart: It did not.
        """
        folder = self.folder / f"{self.subject.name}-{next(self._numbers)}"
        folder.mkdir(parents=True)
        site = Site(
            folder=folder,
            port=free_port(),
            upstreams=upstreams,
            settings=settings,
            opaque=opaque,
            arguments=arguments,
        )
        log = folder / "log.txt"
        async with running(self.subject.command(site), site.port, self.cores, log) as pid:
            yield Proxy(site.port, pid, log)
