"""Every wait of a piece of work, its tasks' included: counted, and at one of them something goes wrong."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from functools import partial
from pathlib import Path
from typing import Any

from attrs import define, field

import realtime_lb
from realtime_lb.server.runner import _Requests
from realtime_lb.transports.memory import MemoryTransport

OURS = str(Path(realtime_lb.__file__).parent)
NOT_OURS = {MemoryTransport._run.__code__, _Requests.start.__code__}
"""What tasks of upstreams in memory run, and those of aiohttp's connections: the world's, not ours."""


class Mishap(Exception):
    """What nobody expects."""


@define(eq=False)
class Waits:
    """Counts how often a piece of work waits, and strikes then and there.

    Attributes:
        strikes: At which wait, and what then: it may return what is to be raised there.
        count: How often the work has waited.
        tasks: The work's, those that still run.
    """

    strikes: list[tuple[int, Callable[[], BaseException | None]]] = field(factory=list)
    count: int = 0
    tasks: set[asyncio.Task[Any]] = field(factory=set)

    def told(self) -> BaseException | None:
        self.count += 1
        due = [strike for at, strike in self.strikes if at == self.count]
        return next((error for strike in due if (error := strike()) is not None), None)

    def make(self, loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        """Make a task; for `asyncio.loop.set_task_factory`."""
        code = work.cr_code
        if not code.co_filename.startswith(OURS) or code in NOT_OURS:
            return asyncio.Task(work, loop=loop, **options)
        return self.begin(work, **options)

    def begin(self, work: Coroutine[Any, Any, Any], **options: Any) -> asyncio.Task[Any]:
        """Make a task whose waits count."""
        loop = asyncio.get_running_loop()
        task: asyncio.Task[Any] = asyncio.Task(self.of(work), loop=loop, **options)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        task.add_done_callback(lambda _: work.close())  # one that was cancelled before it began
        return task

    async def of(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do *work* in the task that this is awaited in; its waits count."""
        return await _Watched(work, self.told)


class _Watched(Awaitable[Any]):
    def __init__(self, work: Coroutine[Any, Any, Any], told: Callable[[], BaseException | None]) -> None:
        self._work, self._told = work, told

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Callable[[], Any] = partial(self._work.send, None)
        while True:
            try:
                waited = step()
            except StopIteration as end:
                return end.value
            if (error := self._told()) is not None:
                step = partial(self._work.throw, error)
                continue
            try:
                yield waited
                step = partial(self._work.send, None)
            except BaseException as error:  # noqa: BLE001  # it is the work's own
                step = partial(self._work.throw, error)
