"""What reading a configuration found wrong or worth saying, kept in file order."""

from __future__ import annotations

from typing import TypeVar

from attrs import define, field, frozen

from realtime_lb.errors import ConfigError, ConfigProblem

__all__ = ["ConfigWarning", "Findings", "Place"]


@frozen
class ConfigWarning(ConfigProblem):
    """One thing in the configuration that its author should know, and that keeps nobody from starting.

    It has the attributes of a `ConfigProblem` and prints like one. It never holds a credential.
    """


@frozen
class Place:
    """Where something stands in the document.

    Attributes:
        path: From the root, such as ``model_list[0].litellm_params.rpm``; empty for the root.
        line: From 1.
        column: From 1; orders what stands on one line.
    """

    path: str = ""
    line: int = 1
    column: int = 1


Found = TypeVar("Found", bound=ConfigProblem)


@define
class Findings:
    """Collects problems and warnings.

    Attributes:
        file: The file's name for the messages, or None.
    """

    file: str | None
    _problems: list[tuple[Place, ConfigProblem]] = field(factory=list)
    _warnings: list[tuple[Place, ConfigWarning]] = field(factory=list)

    def error(self, place: Place, message: str, hint: str = "") -> None:
        """Note what keeps the configuration from being used. *message* must not hold a value's text."""
        problem = ConfigProblem(place.path or "(file)", message, hint, self.file, place.line)
        self._problems.append((place, problem))

    def warn(self, place: Place, message: str, hint: str = "") -> None:
        """Note what its author should know. *message* must not hold a value's text."""
        warning = ConfigWarning(place.path or "(file)", message, hint, self.file, place.line)
        self._warnings.append((place, warning))

    @property
    def error_count(self) -> int:
        """Problems so far: unchanged over a step means that the step went well."""
        return len(self._problems)

    @property
    def warnings(self) -> tuple[ConfigWarning, ...]:
        """The warnings, in file order."""
        return _in_file_order(self._warnings)

    @property
    def problems(self) -> tuple[ConfigProblem, ...]:
        """The problems, in file order."""
        return _in_file_order(self._problems)

    def check(self) -> None:
        """Raise what was found wrong.

        Raises:
            ConfigError: At least one problem was found; holds every one, and the warnings, in file order.
        """
        if self._problems:
            raise ConfigError(self.problems, self.warnings)


def _in_file_order(found: list[tuple[Place, Found]]) -> tuple[Found, ...]:
    ordered = sorted(found, key=lambda item: (item[0].line, item[0].column))
    return tuple(finding for _, finding in ordered)
