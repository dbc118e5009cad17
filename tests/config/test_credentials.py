"""What the environment adds to an item, and what is missing without it."""

from __future__ import annotations

from typing import Any

import pytest

from realtime_lb.deployments import EntraId
from realtime_lb.typing import Secret

from .reading_yaml import KEY, entry_problems, load_entry, only, only_problem, warned

AZURE = {"model": "azure/voice", "api_base": "https://x.openai.azure.com"}
ENTRA_ENVIRON = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "s"}


def test_openais_variables_fill_in_what_an_item_leaves_out() -> None:
    """As LiteLLM and OpenAI's SDK have it."""
    environ = {
        "OPENAI_API_KEY": "k",
        "OPENAI_BASE_URL": "https://eu.api.openai.com/v1",
        "OPENAI_ORG_ID": "org",
        "OPENAI_PROJECT_ID": "proj",
    }
    deployment = only(load_entry({}, environ))

    assert deployment.api_key == Secret("k")
    assert deployment.api_base == "https://eu.api.openai.com/v1"
    assert deployment.provider == "openai"
    assert (deployment.organization, deployment.project) == ("org", "proj")


def test_an_items_own_keys_win_over_the_environment() -> None:
    """Defaults fill gaps and nothing else."""
    environ = {"OPENAI_API_KEY": "k", "OPENAI_API_BASE": "https://elsewhere", "OPENAI_ORGANIZATION": "org"}
    given = {"api_key": "mine", "api_base": "https://api.openai.com/v1", "organization": "my-org"}
    deployment = only(load_entry(given, environ))

    assert deployment.api_key == Secret("mine")
    assert deployment.api_base == "https://api.openai.com/v1"
    assert deployment.organization == "my-org"


def test_a_base_from_the_environment_may_make_it_a_compatible_server() -> None:
    """The key then comes from the same place, and is meant for it."""
    config = load_entry({}, {**KEY, "OPENAI_BASE_URL": "http://localhost:8080/v1"})

    assert only(config).provider == "openai_compatible"
    assert config.warnings == ()


def test_sending_openais_key_to_another_host_is_said_aloud() -> None:
    """LiteLLM does it too, in silence."""
    config = load_entry({"api_base": "https://gateway.example.com/openai"})

    assert only(config).api_key == Secret(KEY["OPENAI_API_KEY"])
    assert "sent OPENAI_API_KEY" in warned(config, "model_list[0].litellm_params.api_base")


@pytest.mark.parametrize("model", ["openai/x", "openai_compatible/x"])
def test_a_compatible_server_needs_no_key(model: str) -> None:
    """Local servers have none."""
    deployment = only(load_entry({"model": model, "api_base": "ws://localhost:8000/v1"}, {}))

    assert deployment.provider == "openai_compatible"
    assert deployment.api_key is None


def test_a_compatible_server_takes_nothing_from_openais_variables_but_needs_a_base() -> None:
    """Its name says that it is not OpenAI."""
    environ = {**KEY, "OPENAI_BASE_URL": "https://api.openai.com"}
    given = {"model": "openai_compatible/x", "api_base": "ws://localhost:8000"}

    assert only(load_entry(given, environ)).api_key is None
    problem = only_problem(entry_problems({"model": "openai_compatible/x"}, environ))
    assert problem.path == "model_list[0].litellm_params.api_base"


def test_openai_without_a_key_is_an_error() -> None:
    """It names the key, the variable and the way to skip a chat model."""
    problem = only_problem(entry_problems({}, {"OPENAI_API_KEY": ""}))

    assert problem.path == "model_list[0].litellm_params.api_key"
    assert "OPENAI_API_KEY is not set" in problem.message
    assert "mode: chat" in problem.hint


def test_azures_variables_fill_in_what_an_item_leaves_out() -> None:
    """Base, version, key and token."""
    environ = {
        "AZURE_API_BASE": "https://x.openai.azure.com",
        "AZURE_API_VERSION": "2025-04-01-preview",
        "AZURE_API_KEY": "k",
        "AZURE_AD_TOKEN": "t",
    }
    deployment = only(load_entry({"model": "azure/voice"}, environ))

    assert deployment.api_base == "https://x.openai.azure.com"
    assert deployment.api_version == "2025-04-01-preview"
    assert (deployment.api_key, deployment.azure_ad_token) == (Secret("k"), Secret("t"))


@pytest.mark.parametrize(
    ("given", "environ", "settings", "expected"),
    [
        (
            {"tenant_id": "t", "client_id": "c", "client_secret": "s"},
            {"AZURE_API_KEY": "unused"},
            {},
            EntraId(tenant_id="t", client_id="c", client_secret=Secret("s")),
        ),
        ({"client_id": "managed"}, {}, {}, EntraId(client_id="managed")),
        ({"use_default_credentials": True}, {}, {}, EntraId()),
        ({}, ENTRA_ENVIRON, {}, EntraId(tenant_id="t", client_id="c", client_secret=Secret("s"))),
        ({}, {"AZURE_TENANT_ID": "t"}, {"enable_azure_ad_token_refresh": True}, EntraId()),
        ({"api_key": "k"}, ENTRA_ENVIRON, {"enable_azure_ad_token_refresh": True}, None),
        ({"azure_ad_token": "k"}, ENTRA_ENVIRON, {}, None),
        ({}, {**ENTRA_ENVIRON, "AZURE_API_KEY": "k"}, {}, None),
    ],
)
def test_entra_stands_in_for_an_azure_key(
    given: dict[str, Any], environ: dict[str, str], settings: dict[str, bool], expected: EntraId | None
) -> None:
    """The item's own credential first, then a key or token of the environment, then Entra."""
    deployment = only(load_entry({**AZURE, **given}, environ, litellm_settings=settings))

    assert deployment.entra == expected
    if given.get("client_id"):
        assert deployment.api_key is None


def test_azure_without_any_credential_names_the_choices() -> None:
    """Base and credential are two problems."""
    problems = entry_problems({"model": "azure/voice"}, KEY)

    assert [problem.path for problem in problems] == [
        "model_list[0].litellm_params.api_base",
        "model_list[0].litellm_params.api_key",
    ]
    for choice in ("AZURE_API_KEY", "azure_ad_token", "client_secret", "use_default_credentials: true"):
        assert choice in problems[1].hint


def test_a_client_secret_needs_its_application() -> None:
    """Alone it cannot be used."""
    problem = only_problem(entry_problems({**AZURE, "client_secret": "s"}))

    assert problem.path == "model_list[0].litellm_params.client_secret"


@pytest.mark.parametrize(
    ("params", "environ"),
    [
        ({}, {"OPENAI_API_KEY": "canary\n"}),
        ({}, {**KEY, "OPENAI_BASE_URL": "https://u:canary@host"}),
        ({"model": "azure/v"}, {"AZURE_API_KEY": "k", "AZURE_API_BASE": "canary"}),
        (AZURE, {"AZURE_API_KEY": "canary\r\nX: y"}),
        (AZURE, {"AZURE_AD_TOKEN": " canary"}),
    ],
)
def test_a_wrong_default_is_one_error_that_names_its_variable(
    params: dict[str, str], environ: dict[str, str]
) -> None:
    """And not a second one that says that it is missing."""
    problem = only_problem(entry_problems(params, environ))

    assert any(f"variable {name}" in problem.message for name in environ)
    assert "canary" not in str(problem)


def test_variables_in_the_file_win_over_the_process_and_leave_it_alone() -> None:
    """``environment_variables`` is laid over what was handed in."""
    environ = {"OPENAI_API_KEY": "process", "SOURCE": "found"}
    section = {"OPENAI_API_KEY": "os.environ/SOURCE", "PORT": 8080, "DEBUG": True, "EMPTY": None}
    config = load_entry({"project": "os.environ/PORT"}, environ, environment_variables=section)

    assert only(config).api_key == Secret("found")
    assert only(config).project == "8080"
    assert environ == {"OPENAI_API_KEY": "process", "SOURCE": "found"}


def test_a_variable_in_the_file_that_refers_to_nothing_matters_only_where_it_is_needed() -> None:
    """A database's password that is not set keeps no realtime model from being served."""
    config = load_entry({}, environment_variables={"DB_PASSWORD": "os.environ/UNSET"})

    assert "UNSET" in warned(config, "environment_variables.DB_PASSWORD")


def test_a_variable_in_the_file_must_be_a_scalar() -> None:
    """A list has no text of its own."""
    assert (
        only_problem(entry_problems({}, environment_variables={"A": [1]})).path == "environment_variables.A"
    )
    assert len(entry_problems({}, environment_variables=["A=1"])) == 1
