"""The configuration or the installation is wrong, before anybody calls."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from realtime_lb.errors.root import RealtimeError

__all__ = ["ConfigError", "ConfigProblem", "MissingExtra"]


@frozen
class ConfigProblem:
    """One thing that is wrong with a configuration.

    Attributes:
        path: Where in the document, such as ``model_list[0].litellm_params.rpm``.
        message: What is wrong.
        hint: How to mend it.
        file: The file's name, or None where the settings were built in Python.
        line: The line in that file, from 1.
    """

    path: str
    message: str
    hint: str = ""
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.file and self.line else ""
        hint = f"\n    hint: {self.hint}" if self.hint else ""
        return f"{place}{self.path}: {self.message}{hint}"


class ConfigError(RealtimeError):
    """The configuration cannot be used.

    Attributes:
        problems: All that is wrong with it, in file order.
        warnings: What is worth saying besides: a key that nobody knows may be why another is missing.
    """

    code = "invalid_config"

    def __init__(self, problems: Sequence[ConfigProblem], warnings: Sequence[ConfigProblem] = ()) -> None:
        self.problems = tuple(problems)
        self.warnings = tuple(warnings)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__("\n".join([f"{count} in the configuration", *map(str, self.problems)]))


class MissingExtra(RealtimeError):
    """A feature was asked for whose packages are not installed."""

    code = "missing_extra"

    def __init__(self, extra: str, feature: str) -> None:
        super().__init__(f"{feature} needs more packages", hint=f"pip install 'realtime-lb[{extra}]'")
