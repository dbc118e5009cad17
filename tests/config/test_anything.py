"""Whatever is in a file: it loads, or `ConfigError` says why it does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime_lb.config import LoadedConfig, parse_config
from realtime_lb.config.keys import GeneralSettings, LitellmParams, LitellmSettings, ModelInfo, RouterSettings
from realtime_lb.config.sections import OWN_SECTIONS
from realtime_lb.errors import ConfigError, ConfigProblem

NAMES = ("OPENAI_API_KEY", "AZURE_API_KEY", "AZURE_API_BASE", "OPENAI_BASE_URL", "LITELLM_MASTER_KEY", "X")

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.dates(),
    st.binary(max_size=4),
    st.text(max_size=12),
    st.sampled_from(
        ["openai/gpt-realtime", "azure/v", "*", "os.environ/X", "os.environ/", "https://h", "true"]
    ),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | scalars, inner, max_size=3)
    ),
    max_leaves=8,
)


def section(cls: type[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return mappings whose keys are mostly those that *cls* knows."""
    names = [attribute.name for attribute in attrs.fields(cls)]
    return st.dictionaries(st.sampled_from(names) | st.text(max_size=5), values, max_size=5)


entries = st.fixed_dictionaries(
    {},
    optional={
        "model_name": values,
        "litellm_params": values
        | st.builds(lambda params: {"model": "openai/gpt-realtime", **params}, section(LitellmParams))
        | section(LitellmParams),
        "model_info": values | section(ModelInfo),
    },
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "model_list": values | st.lists(entries | values, max_size=3),
        "router_settings": values | section(RouterSettings),
        "litellm_settings": values | section(LitellmSettings),
        "general_settings": values | section(GeneralSettings),
        "environment_variables": values | st.dictionaries(st.sampled_from(NAMES), values, max_size=3),
        "realtime_lb": values
        | st.fixed_dictionaries({}, optional={n: section(c) for n, c in OWN_SECTIONS.items()}),
    },
)
environments = st.dictionaries(st.sampled_from(NAMES), st.text(max_size=8), max_size=4)


def _load(text: str, environ: dict[str, str]) -> LoadedConfig | None:
    try:
        return parse_config(text, file="x.yaml", environ=environ)
    except ConfigError as error:
        _check(error.problems)
        return None


def _check(problems: Sequence[ConfigProblem]) -> None:
    lines = [problem.line or 0 for problem in problems]
    assert problems
    assert all(problem.line and problem.path for problem in problems)
    assert lines == sorted(lines)


@settings(max_examples=300)
@given(documents, environments)
def test_any_structure_loads_or_is_a_config_error(document: dict[str, Any], environ: dict[str, str]) -> None:
    """With a line and a path for each problem, and ids that are unique where there is none."""
    config = _load(yaml.safe_dump(document), environ)

    if config is not None:
        ids = [deployment.id for deployment in config.settings.deployments]
        assert ids
        assert len(ids) == len(set(ids))


@settings(max_examples=300)
@given(st.text() | st.text(alphabet="[]{}:-&*!|>'\"%@`,?#<= \n\tab1.", max_size=40))
def test_any_text_loads_or_is_a_config_error(text: str) -> None:
    """YAML has more corners than a file has lines."""
    _load(text, {})
