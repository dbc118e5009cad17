"""Short ways to write a configuration and to look at what became of it."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from realtime_lb.config import LoadedConfig, parse_config
from realtime_lb.deployments import Deployment
from realtime_lb.errors import ConfigError, ConfigProblem

KEY = {"OPENAI_API_KEY": "sk-from-environment"}


def load(text: str, environ: Mapping[str, str] = KEY, **arguments: Any) -> LoadedConfig:
    """Parse *text*, which may be indented as a whole."""
    return parse_config(textwrap.dedent(text), file="x.yaml", environ=environ, **arguments)


def load_entry(params: Mapping[str, Any], environ: Mapping[str, str] = KEY, **document: Any) -> LoadedConfig:
    """Parse a document of one model ``gpt-realtime`` with *params*, and of the sections in *document*."""
    entry = {"model_name": "voice", "litellm_params": {"model": "openai/gpt-realtime", **params}}
    if "model_info" in document:
        entry["model_info"] = document.pop("model_info")
    return parse_config(yaml.safe_dump({"model_list": [entry], **document}), file="x.yaml", environ=environ)


def only(config: LoadedConfig) -> Deployment:
    """Return the one deployment."""
    (deployment,) = config.settings.deployments
    return deployment


def problems_of(text: str, environ: Mapping[str, str] = KEY, **arguments: Any) -> tuple[ConfigProblem, ...]:
    """Return what is wrong with *text*."""
    with pytest.raises(ConfigError) as caught:
        load(text, environ, **arguments)
    return caught.value.problems


def entry_problems(
    params: Mapping[str, Any], environ: Mapping[str, str] = KEY, **document: Any
) -> tuple[ConfigProblem, ...]:
    """Return what is wrong with a document as `load_entry` builds it."""
    with pytest.raises(ConfigError) as caught:
        load_entry(params, environ, **document)
    return caught.value.problems


def only_problem(problems: Collection[ConfigProblem]) -> ConfigProblem:
    """Return the one problem."""
    (problem,) = problems
    return problem


def warned(config: LoadedConfig, path: str) -> str:
    """Return the text of the one warning at *path*."""
    (warning,) = [warning for warning in config.warnings if warning.path == path]
    return f"{warning.message} | {warning.hint}"


def write(tmp_path: Path, text: str) -> Path:
    """Write *text* to a file."""
    path = tmp_path / "config.yaml"
    path.write_text(textwrap.dedent(text))
    return path
