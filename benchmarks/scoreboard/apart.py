"""Work for a process of its own, on a core of its own: what it costs must not fall on who measures."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from attrs import AttrsInstance, asdict

from benchmarks.rig.cores import pin
from benchmarks.rig.subjects.base import ROOT

__all__ = ["apart"]


@asynccontextmanager
async def apart(module: str, task: AttrsInstance, core: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run *module* on *core* while the block runs; it finds *task* as JSON on its standard input."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module), cwd=ROOT, stdin=PIPE, stdout=PIPE
    )
    try:
        pin(core, process.pid)
        assert process.stdin is not None  # noqa: S101  # it was asked for
        process.stdin.write(json.dumps(asdict(task)).encode())
        process.stdin.close()
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
