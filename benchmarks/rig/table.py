"""The table: a line for each subject, absolute figures with ratios to HAProxy beside them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import frozen

from benchmarks.rig.judgement import cautions, disturbances
from benchmarks.rig.samples import Run, SubjectFacts
from benchmarks.rig.summary import Summary

__all__ = ["render"]

NONE = "—"
FULL = 0.9


@frozen
class Column:
    """One measure.

    Attributes:
        title: Its head.
        measure: As the summary names it.
        form: How its median is written.
        spread: Whether the spread stands beside it.
        ratio: Whether the ratio to HAProxy stands beside it.
        limit: The share of its core that the proxy has to use up: if it did not, the rig was the slower of
            the two, and the figure is a lower bound.
    """

    title: str
    measure: str
    form: Callable[[float], str]
    spread: bool = False
    ratio: bool = False
    limit: str = ""


def _number(digits: int) -> Callable[[float], str]:
    return lambda value: f"{value:,.{digits}f}"


def _percent(digits: int, *, sign: bool = False) -> Callable[[float], str]:
    return lambda value: f"{100 * value:{'+' if sign else ''}.{digits}f} %"


def _columns(sizes: Mapping[str, Any]) -> list[Column]:
    few, many = (sizes["growth_sessions"] or ("few", "many"))[:: max(1, len(sizes["growth_sessions"]) - 1)]
    idle = f"{sizes['idle_sessions']:,}"
    return [
        Column("CPU µs/frame", "voice.cpu_us_per_frame", _number(1), spread=True, ratio=True),
        Column("CPU µs/frame, in heaps", "heaps.cpu_us_per_frame", _number(1), spread=True, ratio=True),
        Column("added p50 ms", "voice.added_latency_p50_ms", _number(3), spread=True, ratio=True),
        Column("added p99 ms", "voice.added_latency_p99_ms", _number(2)),
        Column("created: added p50 ms", "opens.added_created_p50_ms", _number(2)),
        Column("opens/s", "storm.opens_per_s", _number(0), limit="storm.proxy_share"),
        Column("flood frames/s", "flood.frames_per_s", _number(0), limit="flood.proxy_share"),
        Column(f"CPU/frame, {many} over {few}", "growth.cpu_us_per_frame", _percent(0, sign=True)),
        Column("KB/idle session", "idle.pss_kb_per_session", _number(1)),
        Column(f"CPU, {idle} idle", "idle.proxy_share", _percent(2)),
        Column("RSS over the churn", "churn.rss_growth", _percent(1, sign=True)),
    ]


def render(run: Run, summary: Summary) -> str:
    """Return the table and all that its reader has to know, as Markdown."""
    columns = _columns(run.options["sizes"])
    head = ["", "reads events", *(column.title for column in columns), "delivered"]
    rows = [_row(each, columns, run, summary) for each in run.subjects]
    lines = [_line(head), _line(["---", "---"] + ["---:"] * (len(head) - 2)), *map(_line, rows)]
    sections = ["\n".join(lines), _about(run, summary)]
    for title, remarks in (
        ("Cautions", cautions(run, summary)),
        ("Notes", _notes(run)),
        ("Measured", [_identity(each) for each in run.subjects if each.version]),
    ):
        if remarks:
            sections.append("\n".join([f"{title}:", "", *(f"- {remark}" for remark in remarks)]))
    return "\n\n".join(sections) + "\n"


def _identity(subject: SubjectFacts) -> str:
    """Say what a subject was, and on what it said that it runs."""
    said = ", ".join(re.findall(r"\b(?:door|loop)=\w+", subject.said))
    return f"{subject.title}: {subject.version}" + (f" ({said})" if said else "")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _row(subject: SubjectFacts, columns: Sequence[Column], run: Run, summary: Summary) -> list[str]:
    if subject.missing:
        return [subject.title, f"not available: {subject.missing}", *([NONE] * (len(columns) + 1))]
    reads = NONE if subject.name == "direct" else "yes" if subject.reads_events else "no"
    cells = [_cell(column, subject.name, summary) for column in columns]
    return [subject.title, reads, *cells, _delivered(subject.name, run)]


def _cell(column: Column, subject: str, summary: Summary) -> str:
    found = summary.figure(subject, column.measure)
    if found is None:
        return NONE
    text = column.form(found.median)
    if column.spread and found.samples > 1:
        text += f" ± {100 * found.spread:.0f} %"
    used = summary.figure(subject, column.limit) if column.limit else None
    if used is not None and used.median < FULL and subject != "direct":
        text = f"≥ {text}"
    ratio = summary.ratio(subject, column.measure) if column.ratio else None
    return text if ratio is None else f"{text} ({ratio:.2f}×)"


def _delivered(subject: str, run: Run) -> str:
    """Say whether all frames of all patterns arrived, in order, as they were sent."""
    samples = [
        each.values for each in run.samples if each.subject == subject and "frames_sent" in each.values
    ]
    sent = sum(each["frames_sent"] for each in samples)
    if not sent:
        return "nothing"
    share = sum(each["frames_sent"] * each["delivered"] for each in samples) / sent
    flaws = disturbances(samples)
    # 99.9996 % must not be rounded to what it is not.
    text = "100 %" if share == 1 else f"{100 * share:.6g} %"
    return ", ".join([text, *flaws])


def _about(run: Run, summary: Summary) -> str:
    machine = run.machine
    sizes = run.options["sizes"]
    rig = summary.figure("direct", "voice.rig_us_per_frame")
    halts_us = machine.get("halt_poll_us")
    halts = "" if halts_us is None else f", idle cores halt after {halts_us:g} µs"
    own = f" The rig's two ends took {rig.median:.1f} µs per frame without a proxy." if rig else ""
    return (
        f"{machine['cpu']}, {machine['cores']} cores, Linux {machine['kernel']}{halts}, "
        f"Python {machine['python']}; "
        f"{machine['date']}, commit {machine['commit']}, {machine['seconds'] / 60:.0f} min. "
        f"{sizes['voice_sessions']} voice sessions, frames each by itself, or in heaps of "
        f"{sizes['heap_ms']:g} ms; rounds: {run.options['rounds']}, of {sizes['sweeps']} turns of "
        f"{sizes['voice_s']:g} s for these. Medians ± half the distance of the quartiles, in "
        "brackets the ratio to HAProxy with the same upstream scheme; ≥ where the proxy's core was not full."
        f"{own}"
    )


def _notes(run: Run) -> list[str]:
    """Return each note once, with how often it was made."""
    counted: dict[tuple[str, str], int] = {}
    for sample in run.samples:
        for note in sample.notes:
            key = (sample.subject, note)
            counted[key] = counted.get(key, 0) + 1
    fewer = [
        f"{each.subject}: {each.values['idle_sessions']:,.0f} idle sessions"
        for each in run.samples
        if each.values.get("idle_sessions", 0) not in {0, run.options["sizes"]["idle_sessions"]}
    ]
    return fewer + [
        f"{subject}: {note}" + (f" ({times} times)" if times > 1 else "")
        for (subject, note), times in counted.items()
    ]
