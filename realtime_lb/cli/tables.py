"""A configuration as a table."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.text import Text

from realtime_lb.cli.configuration import Configuration
from realtime_lb.cli.layout import Column, as_blocks, as_table, filled, fits, shown_number
from realtime_lb.cli.probe import Answer, Answers, Failed, NotDialled
from realtime_lb.deployments import Deployment

__all__ = ["shown_deployments"]


def shown_deployments(configuration: Configuration, answers: Answers, console: Console) -> RenderableType:
    """Return a table with a line for each deployment, or a list where *console* is too narrow for that."""
    columns = filled(_columns(configuration, answers))
    table = as_table(columns)
    return table if fits(table, console) else Group(*as_blocks(columns))


def _columns(configuration: Configuration, answers: Answers) -> list[Column]:
    every = configuration.settings.deployments
    return [
        Column("deployment", [Text(d.id) for d in every]),
        Column("model group", [Text(d.model_group) for d in every]),
        Column("provider", [Text(d.provider) for d in every]),
        Column("dialect", [Text(_dialect(configuration, d)) for d in every]),
        Column("weight", [shown_number(d.weight) for d in every], right=True),
        Column("order", [shown_number(d.order) for d in every], right=True),
        Column("max sessions", [shown_number(d.max_sessions) for d in every], right=True),
        Column("answer", [_answer(answers.get(d.id)) for d in every]),
        Column("url", [Text(configuration.url(d)) for d in every]),
    ]


def _dialect(configuration: Configuration, deployment: Deployment) -> str:
    if deployment.opaque:
        return "opaque"
    return configuration.providers[deployment.provider].dialect(deployment).value


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
