"""A configuration as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from attrs import frozen
from rich import box
from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from realtime_lb.cli.configuration import Configuration
from realtime_lb.cli.consoles import UNBOUNDED
from realtime_lb.cli.probe import Answer, Answers, Failed, NotDialled
from realtime_lb.deployments import Deployment

__all__ = ["shown_deployments"]


@frozen
class _Column:
    """A column that is shown where at least one deployment has something in it."""

    title: str
    cell: Callable[[Deployment], Text]
    right: bool = False


def shown_deployments(configuration: Configuration, answers: Answers, console: Console) -> RenderableType:
    """Return a table with a line for each deployment, or a list where *console* is too narrow for that."""
    deployments = configuration.settings.deployments
    every = [(column, [column.cell(d) for d in deployments]) for column in _columns(configuration, answers)]
    columns = [(column, cells) for column, cells in every if any(cell.plain for cell in cells)]
    table = _table(columns)
    unbounded = console.options.update(width=UNBOUNDED)
    wanted = Measurement.get(console, unbounded, table).maximum
    return table if wanted <= console.width else Group(*_blocks(columns))


def _columns(configuration: Configuration, answers: Answers) -> list[_Column]:
    return [
        _Column("deployment", lambda d: Text(d.id)),
        _Column("model group", lambda d: Text(d.model_group)),
        _Column("provider", lambda d: Text(d.provider)),
        _Column("dialect", lambda d: Text(_dialect(configuration, d))),
        _Column("weight", lambda d: _number(d.weight), right=True),
        _Column("order", lambda d: _number(d.order), right=True),
        _Column("max sessions", lambda d: _number(d.max_sessions), right=True),
        _Column("answer", lambda d: _answer(answers.get(d.id))),
        _Column("url", lambda d: Text(configuration.url(d))),
    ]


def _table(columns: Sequence[tuple[_Column, list[Text]]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column, _ in columns:
        table.add_column(column.title, justify="right" if column.right else "left")
    for row in zip(*(cells for _, cells in columns), strict=True):
        table.add_row(*row)
    return table


def _blocks(columns: Sequence[tuple[_Column, list[Text]]]) -> Iterator[RenderableType]:
    for row in zip(*(cells for _, cells in columns), strict=True):
        block = Table.grid(padding=(0, 2))
        block.add_column(style="dim")
        block.add_column(overflow="fold")
        for (column, _), cell in zip(columns, row, strict=True):
            if cell.plain:
                block.add_row(column.title, cell)
        yield block
        yield Text()


def _dialect(configuration: Configuration, deployment: Deployment) -> str:
    if deployment.opaque:
        return "opaque"
    return configuration.providers[deployment.provider].dialect(deployment).value


def _number(value: float | None) -> Text:
    return Text("" if value is None else f"{value:g}")


def _answer(answer: Answer | Failed | NotDialled | None) -> Text:
    match answer:
        case Answer():
            return Text(f"✓ {answer.after_s * 1000:.0f} ms", "green")
        case Failed():
            return Text(f"✗ {answer.reason} ({answer.after_s * 1000:.0f} ms)", "red")
        case NotDialled():
            return Text(f"- not dialled: {answer.reason}", "dim")
        case None:
            return Text("")
