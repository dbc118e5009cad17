"""The way in: a file or its text, to settings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from attrs import frozen

from realtime_lb.config.assemble import assemble
from realtime_lb.config.document import read_document
from realtime_lb.config.findings import ConfigWarning, Findings, Place
from realtime_lb.config.reading import ENVIRON, Reading, environment_of
from realtime_lb.config.vocabulary import PROVIDERS
from realtime_lb.errors import ConfigError
from realtime_lb.settings import Settings

__all__ = ["PROVIDERS", "STRATEGIES", "LoadedConfig", "load_config", "parse_config"]

STRATEGIES = (
    "adaptive",
    "simple-shuffle",
    "least-busy",
    "latency-based-routing",
    "usage-based-routing",
    "usage-based-routing-v2",
    "cost-based-routing",
    "round-robin",
)
"""The strategies that come with this package."""


@frozen
class LoadedConfig:
    """A configuration that can be used.

    Attributes:
        settings: What it sets.
        warnings: What its author should know, in file order.
    """

    settings: Settings
    warnings: tuple[ConfigWarning, ...] = ()


def load_config(
    path: str | Path,
    *,
    environ: Mapping[str, str] = ENVIRON,
    providers: Collection[str] = PROVIDERS,
    strategies: Collection[str] = STRATEGIES,
) -> LoadedConfig:
    """Read the YAML file at *path*.

    Args:
        path: The file, UTF-8. Paths in it are relative to the working directory, as in LiteLLM.
        environ: What ``os.environ/NAME`` and the providers' own variables refer to. Never changed.
        providers: Names that a model's prefix may have. Models of others are skipped with a warning.
        strategies: Names that ``routing_strategy`` may have.

    Raises:
        ConfigError: The file cannot be read or used; holds every problem, in file order. No problem, and no
            warning, holds a value that may be secret.
    """
    return parse_config(
        _read_file(Path(path)), file=str(path), environ=environ, providers=providers, strategies=strategies
    )


def parse_config(
    text: str,
    *,
    file: str | None = None,
    environ: Mapping[str, str] = ENVIRON,
    providers: Collection[str] = PROVIDERS,
    strategies: Collection[str] = STRATEGIES,
    is_file: Callable[[Path], bool] = Path.is_file,
) -> LoadedConfig:
    """Read YAML *text*; as `load_config`.

    Args:
        text: The document.
        file: Its name, for messages.
        environ: As in `load_config`.
        providers: As in `load_config`.
        strategies: As in `load_config`.
        is_file: Says whether a CA bundle exists.

    Raises:
        ConfigError: The document cannot be used; holds every problem, in file order.
    """
    findings = Findings(file)
    root = read_document(text, findings)
    del text  # a traceback that shows variables would show the file
    if root is None:
        raise ConfigError(findings.problems)
    variables = environment_of(root.get("environment_variables"), environ, findings)
    settings = assemble(root, Reading(findings, variables, is_file), providers, strategies)
    findings.check()
    return LoadedConfig(settings, findings.warnings)


def _read_file(path: Path) -> str:
    findings = Findings(str(path))
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        findings.error(Place(), "is not UTF-8 text", "save the file as UTF-8")
    except FileNotFoundError:
        findings.error(Place(), "there is no such file", "give the path of a YAML file with a model_list")
    except (OSError, ValueError) as error:
        findings.error(Place(), f"cannot be read: {getattr(error, 'strerror', None) or 'not a path'}")
    raise ConfigError(findings.problems)
