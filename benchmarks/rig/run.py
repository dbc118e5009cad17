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
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import trustme
from attrs import frozen

from benchmarks.rig.bench import Bench, Pattern, Taken
from benchmarks.rig.cores import Cores, allow_many_sockets, choose_cores, pin
from benchmarks.rig.ends import Traffic, Upstream
from benchmarks.rig.events import Stencils
from benchmarks.rig.opening import Opened, OpenFailed, Target
from benchmarks.rig.options import Options
from benchmarks.rig.processes import DidNotStart, free_port, running
from benchmarks.rig.programme import Carousel, Turn, chosen, turns
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
            who = turn.subject.name if isinstance(turn, Turn) else "all, in short turns"
            _say(f"{minutes:02}:{seconds:02} [{number}/{len(planned)}] round {turn.round}: {who}")
            await (_take(turn, ground, run) if isinstance(turn, Turn) else _go_round(turn, ground, run))
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
    try:
        async with _started(subject, ground, run) as target:
            for pattern in turn.patterns:
                with _uncollected():
                    try:
                        taken = await pattern.run(ground.bench, target)
                    except* OpenFailed as failures:
                        taken = _failed(pattern, failures)
                _keep(run, turn.round, subject, pattern, taken)
    except DidNotStart as error:
        _keep(run, turn.round, subject, turn.patterns[0], Taken({}, [f"did not start: {error}"]))


@frozen
class _Rider:
    """A subject that is started, and the sessions that are open to it."""

    subject: Subject
    target: Target
    traffic: Traffic
    opened: Sequence[Opened]


async def _go_round(carousel: Carousel, ground: _Ground, run: Run) -> None:
    """Start all of a carousel's subjects, open sessions to each, and let them have their turns."""
    first = carousel.patterns[0]
    async with AsyncExitStack() as stack:
        riders: list[_Rider] = []
        for subject in carousel.subjects:
            try:
                target = await stack.enter_async_context(_started(subject, ground, run))
                talk = await stack.enter_async_context(ground.bench.talking(target, first.sessions))
                settled = await carousel.settling.measured(ground.bench, target, *talk)
            except* OpenFailed as failures:
                _keep(run, carousel.round, subject, first, _failed(first, failures))
            except* DidNotStart as errors:
                note = f"did not start: {errors.exceptions[0]}"
                _keep(run, carousel.round, subject, first, Taken({}, [note]))
            else:
                _keep(run, carousel.round, subject, carousel.settling, settled)
                riders.append(_Rider(subject, target, *talk))
        gc.freeze()  # all these sessions stay
        try:
            for sweep in range(carousel.sweeps):
                number = (carousel.round - 1) * carousel.sweeps + sweep + 1
                for each, pattern in itertools.product(riders, carousel.patterns):
                    with _uncollected():
                        taken = await pattern.measured(ground.bench, each.target, each.traffic, each.opened)
                    _keep(run, number, each.subject, pattern, taken)
        finally:
            gc.unfreeze()


def _keep(run: Run, number: int, subject: Subject, pattern: Pattern, taken: Taken) -> None:
    # What has no value, such as a quantile of nothing, is left out: JSON has no word for it.
    values = {name: value for name, value in taken.values.items() if not math.isnan(value)}
    run.samples.append(Sample(subject.name, number, pattern.name, values, taken.notes, taken.histogram))
    _say("   " + "  ".join([f"{subject.name}, {pattern.name}:", *_gist(taken)]))


@asynccontextmanager
async def _started(subject: Subject, ground: _Ground, run: Run) -> AsyncIterator[Target]:
    """Run a subject while the block runs, and keep the first words of its log."""
    upstream = ground.bench.upstream
    with tempfile.TemporaryDirectory(dir=ground.folder, prefix=f"{subject.name}-") as name:
        folder, log = Path(name), Path(name) / "log"
        folder.chmod(0o755)
        port = upstream.wss_port if subject.tls else upstream.ws_port
        place = Place(folder, free_port(), port, ground.ca_file)
        command = subject.command(place)
        if command is None:
            yield Target(subject.url(place), HEADERS, None)
            return
        async with running(command, place.port, ground.bench.cores, log) as pid:
            yield Target(subject.url(place), HEADERS, pid)
            run.hear(subject.name, _first_words(log))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Collect now what the last pattern left, and not while a frame is under way."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _failed(pattern: Pattern, failures: ExceptionGroup[OpenFailed]) -> Taken:
    """Return the note that a proxy leaves which does not serve."""
    first: BaseException = failures
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return Taken({}, [f"{pattern.name} failed: {first}"])


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
