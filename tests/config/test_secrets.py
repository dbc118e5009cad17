"""No credential is seen in an error, a warning or a ``repr``, wherever it was put."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from realtime_lb.config import parse_config
from realtime_lb.config.document import read_document
from realtime_lb.config.findings import Findings
from realtime_lb.errors import ConfigError

CANARY = "canary-3f9a1c"

PLACES: list[dict[str, Any]] = [
    {"api_key": CANARY},
    {"api_key": f"{CANARY}\n"},
    {"api_key": f" {CANARY}"},
    {"api_key": [CANARY]},
    {"api_key": {"a": CANARY}},
    {"api_key": "os.environ/HELD"},
    {"azure_ad_token": CANARY},
    {"client_secret": CANARY},
    {"client_secret": CANARY, "tenant_id": "t", "client_id": "c", "model": "azure/v"},
    {"extra_headers": {"Authorization": f"Bearer {CANARY}"}},
    {"extra_headers": {"Authorization": f"Bearer {CANARY}\r\n"}},
    {"extra_headers": CANARY},
    {"api_base": f"https://user:{CANARY}@host/v1"},
    {"api_base": f"https://host/v1?api-key={CANARY}"},
    {"api_base": f"https://host/v1#{CANARY}"},
    {"api_base": CANARY},
    {"api_base": "os.environ/HELD"},
    {"organization": f"{CANARY}\n"},
    {"rpm": CANARY},
    {"rpm": "os.environ/HELD"},
    {"timeout": CANARY},
    {"opaque": CANARY},
    {"opaque": "os.environ/HELD"},
    {"ssl_verify": CANARY},
    {"ssl_verify": "os.environ/HELD"},
    {"realtime_protocol": CANARY},
    {"realtime_protocol": "os.environ/HELD"},
    {"tags": CANARY},
    {"unknown": CANARY},
    {"aws_secret_access_key": CANARY},
    {"azure_password": CANARY},
]

SECTIONS: list[dict[str, Any]] = [
    {"general_settings": {"master_key": CANARY}},
    {"general_settings": {"master_key": [CANARY]}},
    {"general_settings": {"masterkey": CANARY, "database_url": CANARY}},
    {"general_settings": CANARY},
    {"router_settings": {"redis_password": CANARY, "routing_strategy": CANARY}},
    {"router_settings": {"routing_strategy": "os.environ/HELD"}},
    {"router_settings": {"model_group_alias": {"a": CANARY, "b": "os.environ/HELD"}}},
    {"litellm_settings": {"cache_params": {"password": CANARY}, "request_timeout": CANARY}},
    {"environment_variables": {"OPENAI_API_KEY": CANARY, "B": [CANARY]}},
    {
        "realtime_lb": {
            "server": {"master_key": CANARY, "trusted_proxies": [CANARY], "allowed_origins": [CANARY]}
        }
    },
    {"realtime_lb": {"logging": {"level": CANARY}, "routing": {"default_model": CANARY, "strategy": CANARY}}},
    {"guardrails": [{"api_key": CANARY}]},
    {"zzz": CANARY},
]


def test_a_node_of_the_document_does_not_show_its_value() -> None:
    """Nodes are what a traceback with locals would print."""
    assert CANARY not in repr(read_document(f"api_key: {CANARY}", Findings(None)))


def _shown(text: str, environ: dict[str, str]) -> str:
    """Return all that anybody gets to see of *text*."""
    try:
        config = parse_config(text, file="x.yaml", environ=environ)
    except ConfigError as error:
        return f"{error} {error!r} {error.problems!r} {error.as_body()} {error.__context__!r}"
    return f"{config!r} {config.settings!r} {[str(each) for each in config.warnings]} {config.warnings!r}"


def _document(params: dict[str, Any], section: dict[str, Any]) -> str:
    entry = {"model_name": "v", "litellm_params": {"model": "openai/gpt-realtime", **params}}
    return yaml.safe_dump({"model_list": [entry], **section})


@pytest.mark.parametrize("params", PLACES)
@pytest.mark.parametrize("model", ["openai/gpt-realtime", "azure/v", "grok/v"])
def test_a_credential_in_a_model_is_never_shown(params: dict[str, Any], model: str) -> None:
    """Not where it belongs, and not where it was put by mistake."""
    environ = {"OPENAI_API_KEY": "k", "HELD": CANARY}

    assert CANARY not in _shown(_document({"model": model, **params}, {}), environ)


@pytest.mark.parametrize("params", PLACES)
def test_a_credential_of_an_installed_provider_is_never_shown(params: dict[str, Any]) -> None:
    """Its own keys become options, whose text is masked."""
    text = _document({"model": "grok/v", "own_secret": CANARY, "nested": [{"a": CANARY}], **params}, {})
    try:
        shown = repr(parse_config(text, environ={"HELD": CANARY}, providers=("grok",)))
    except ConfigError as error:
        shown = str(error)

    assert CANARY not in shown


@pytest.mark.parametrize("section", SECTIONS)
def test_a_credential_in_a_section_is_never_shown(section: dict[str, Any]) -> None:
    """Values are not repeated, whichever key they stand at."""
    assert CANARY not in _shown(_document({}, section), {"OPENAI_API_KEY": "k", "HELD": CANARY})


@pytest.mark.parametrize(
    "name",
    [
        "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "AZURE_API_KEY", "AZURE_API_BASE",
        "AZURE_AD_TOKEN", "LITELLM_MASTER_KEY", "OTHER",
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", ["", "\n", "\u0000"])
@pytest.mark.parametrize("model", ["openai/gpt-realtime", "azure/v"])
def test_a_credential_in_the_environment_is_never_shown(name: str, end: str, model: str) -> None:
    """Whether it can be used or not. An organization's name is no credential."""
    environ = {"OPENAI_API_KEY": "k", "AZURE_API_KEY": "k", "AZURE_API_BASE": "https://host"}
    if name == "OPENAI_ORG_ID" and not end:
        return
    shown = _shown(_document({"model": model}, {}), {**environ, name: CANARY + end})

    assert CANARY not in shown


@pytest.mark.parametrize(
    "text",
    [
        f"api_key: {CANARY}\n\tb: [",
        f"api_key: *{CANARY}",
        f"api_key: 'unfinished {CANARY}",
        f"api_key: !{CANARY} x",
        f"api_key: !<{CANARY}> [x]",
        f'api_key: "\\q{CANARY}"',
        f"a: [{CANARY}: }}",
        f"%{CANARY} x\n---\na: 1",
        f"%TAG {CANARY} x\n---\na: 1",
        f"a: &{CANARY} 1\nb: &{CANARY} 2\nc: *x{CANARY}",
        f"a: !{CANARY}!x y",
    ],
)
def test_a_syntax_error_does_not_show_the_file(text: str) -> None:
    """PyYAML's own message would quote the line."""
    assert CANARY not in _shown(text, {})
