"""Pictures of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.rig.samples import Run, SubjectFacts
from benchmarks.rig.summary import BASE, Summary

__all__ = ["save_plots"]

OURS, OTHERS = "#d1495b", "#5b7f95"

_BARS = (
    ("cpu-per-frame", "voice.cpu_us_per_frame", "CPU time per relayed frame, µs"),
    ("memory-per-session", "idle.pss_kb_per_session", "memory of an idle session (PSS), KB"),
    ("opens-per-second", "storm.opens_per_s", "sessions opened per second, one core"),
)


def save_plots(run: Run, summary: Summary, folder: Path) -> Iterator[Path]:
    """Draw what was measured into PNG files of *folder*; yield each."""
    import matplotlib as mpl

    mpl.use("Agg")  # no window, no display
    folder.mkdir(parents=True, exist_ok=True)
    for name, measure, label in _BARS:
        shown = [each for each in run.subjects if each.name != BASE and summary.figure(each.name, measure)]
        if shown:
            yield _bars(shown, summary, measure, label, folder / f"benchmark-{name}.png")
    if any(each.histogram for each in run.samples):
        yield _latencies(run, folder / "benchmark-latency.png")


def _axes(height: float) -> tuple[Any, Any]:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, height), layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _save(figure: Any, run_path: Path) -> Path:
    from matplotlib import pyplot

    figure.savefig(run_path, dpi=120)
    pyplot.close(figure)
    return run_path


def _bars(shown: Sequence[SubjectFacts], summary: Summary, measure: str, label: str, path: Path) -> Path:
    figure, axes = _axes(0.6 + 0.38 * len(shown))
    for place, subject in enumerate(reversed(shown)):
        found = summary.figure(subject.name, measure)
        if found is None:
            continue
        spread = [[found.median - found.lower], [found.upper - found.median]]
        color = OURS if subject.name.startswith("ours") else OTHERS
        axes.barh(place, found.median, xerr=spread, color=color, capsize=3, height=0.7)
        ratio = summary.ratio(subject.name, measure)
        text = f"  {found.median:,.1f}" + (f"  ({ratio:.2f}×)" if ratio else "")
        axes.text(found.high, place, text, va="center", fontsize=9)
    axes.set_yticks(range(len(shown)), [each.title for each in reversed(shown)])
    axes.set_xlabel(f"{label} (in brackets: × HAProxy's)")
    axes.margins(x=0.2)
    return _save(figure, path)


def _latencies(run: Run, path: Path) -> Path:
    """Draw, for each subject, which share of frames took longer than a time."""
    figure, axes = _axes(4.5)
    for subject in run.subjects:
        counts = [0] * 121
        for sample in run.samples:
            if sample.subject == subject.name and sample.pattern == "voice" and sample.histogram:
                counts = [one + other for one, other in zip(counts, sample.histogram, strict=True)]
        total = sum(counts)
        if not total:
            continue
        longer = [1 - sum(counts[: at + 1]) / total for at in range(len(counts))]
        points = [(10 ** (at / 20) / 1000, share) for at, share in enumerate(longer) if share > 0]
        width = 2.2 if subject.name.startswith("ours") else 1.2
        style = "--" if subject.tls else "-"
        axes.plot(*zip(*points, strict=True), style, label=subject.title, linewidth=width)
    axes.set(xscale="log", yscale="log", xlim=(0.02, None), ylim=(1e-4, 1))
    axes.set_xlabel("one-way latency of a frame, ms, the rig's own included")
    axes.set_ylabel("share of frames that took longer")
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize=8, loc="lower left")
    return _save(figure, path)
