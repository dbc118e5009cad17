"""A run: every turn in its order, each with a new proxy."""

from __future__ import annotations

import gc
import itertools
import math
import os
import ssl
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import trustme
from attrs import frozen

from benchmarks.rig.bench import Bench, Pattern, Taken
from benchmarks.rig.cores import Cores, allow_many_sockets, choose_cores, pin
from benchmarks.rig.ends import Upstream
from benchmarks.rig.events import Stencils
from benchmarks.rig.opening import OpenFailed, Target
from benchmarks.rig.options import Options
from benchmarks.rig.processes import DidNotStart, free_port, running
from benchmarks.rig.programme import Turn, chosen, turns
from benchmarks.rig.samples import Run, Sample, SubjectFacts, machine_facts, options_facts
from benchmarks.rig.subjects import Place, Subject
from benchmarks.rig.subjects.base import KEY

__all__ = ["measure"]

HEADERS = {"Authorization": f"Bearer {KEY}", "User-Agent": "realtime-lb-bench"}


@frozen
class _Ground:
    """Where proxies stand."""

    folder: Path
    ca_file: Path
    bench: Bench


async def measure(subjects: Sequence[Subject], options: Options) -> Run:
    """Measure *subjects*, and say on standard error how far it is."""
    began = time.monotonic()
    cores = choose_cores()
    allow_many_sockets()
    facts = machine_facts(cores)
    pin(cores.rig)
    wanted = chosen(subjects, options.only)
    run = Run(facts, options_facts(options), [SubjectFacts.of(each) for each in wanted])
    missing = {each.name for each in run.subjects if each.missing}
    planned = list(turns([each for each in wanted if each.name not in missing], options))
    async with _ground(options.seed, cores) as ground:
        for number, turn in enumerate(planned, start=1):
            minutes, seconds = divmod(round(time.monotonic() - began), 60)
            _say(
                f"{minutes:02}:{seconds:02} [{number}/{len(planned)}] round {turn.round}: {turn.subject.name}"
            )
            await _take(turn, ground, run)
    facts["load_average_after"] = os.getloadavg()[0]
    facts["seconds"] = round(time.monotonic() - began)
    return run


@asynccontextmanager
async def _ground(seed: int, cores: Cores) -> AsyncIterator[_Ground]:
    with tempfile.TemporaryDirectory(prefix="realtime-lb-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # nginx's worker may be another user than its master
        authority = trustme.CA()
        ca_file = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(ca_file))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
        async with Upstream.listening(context) as upstream:
            yield _Ground(folder, ca_file, Bench(upstream, Stencils(seed), cores, seed, itertools.count()))


async def _take(turn: Turn, ground: _Ground, run: Run) -> None:
    """Start the turn's subject, do its patterns to it, and keep what they measure."""
    subject = turn.subject

    def keep(pattern: Pattern, taken: Taken) -> None:
        # What has no value, such as a quantile of nothing, is left out: JSON has no word for it.
        values = {name: value for name, value in taken.values.items() if not math.isnan(value)}
        run.samples.append(
            Sample(subject.name, turn.round, pattern.name, values, taken.notes, taken.histogram)
        )
        _say("   " + "  ".join([f"{pattern.name}:", *_gist(taken)]))

    with tempfile.TemporaryDirectory(dir=ground.folder, prefix=f"{subject.name}-") as name:
        log = Path(name) / "log"
        try:
            async with _started(subject, Path(name), log, ground) as target:
                for pattern in turn.patterns:
                    keep(pattern, await _run(pattern, ground.bench, target))
                run.hear(subject.name, _first_words(log))
        except DidNotStart as error:
            keep(turn.patterns[0], Taken({}, [f"did not start: {error}"]))


@asynccontextmanager
async def _started(subject: Subject, folder: Path, log: Path, ground: _Ground) -> AsyncIterator[Target]:
    folder.chmod(0o755)
    upstream = ground.bench.upstream
    place = Place(folder, free_port(), upstream.wss_port if subject.tls else upstream.ws_port, ground.ca_file)
    command = subject.command(place)
    if command is None:
        yield Target(subject.url(place), HEADERS, None)
        return
    async with running(command, place.port, ground.bench.cores, log) as pid:
        yield Target(subject.url(place), HEADERS, pid)


async def _run(pattern: Pattern, bench: Bench, target: Target) -> Taken:
    """Run a pattern; a proxy that does not serve leaves a note and no values."""
    # What the last pattern left is collected now, not while a frame is under way.
    gc.collect()
    gc.disable()
    try:
        return await pattern.run(bench, target)
    except OpenFailed as error:
        return Taken({}, [f"{pattern.name} failed: {error}"])
    except ExceptionGroup as group:
        failures, rest = group.split(OpenFailed)
        if rest is not None or failures is None:
            raise
        return Taken({}, [f"{pattern.name} failed: {failures.exceptions[0]}"])
    finally:
        gc.enable()


_GIST = (
    "cpu_us_per_frame",
    "frames_per_s",
    "delivered",
    "latency_p50_ms",
    "created_p50_ms",
    "opens_per_s",
    "pss_kb_per_session",
    "rss_growth",
    "proxy_share",
    "rig_share",
    "others_share",
)
"""What is said while it runs."""


def _gist(taken: Taken) -> list[str]:
    return [f"{name} {taken.values[name]:.4g}" for name in _GIST if name in taken.values] + taken.notes


def _first_words(log: Path) -> str:
    if not log.exists():
        return ""
    return next((line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()), "")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
