"""Voice Live and xAI, from YAML."""

from __future__ import annotations

import pytest

from realtime_lb.deployments import EntraId
from realtime_lb.typing import Secret

from .reading_yaml import entry_problems, load, load_entry, only, only_problem, warned

LIVE = {
    "model": "azure_voice_live/gpt-realtime",
    "api_base": "https://r.services.ai.azure.com",
    "api_key": "k",
}
VOICE = "- {model_name: voice, litellm_params: {model: gpt-realtime}}"


def test_one_file_pools_all_four() -> None:
    config = load(
        """\
        model_list:
          - model_name: voice
            litellm_params: {model: openai/gpt-realtime, api_key: o}
          - model_name: voice
            litellm_params: {model: azure/my-deployment, api_base: "https://r.openai.azure.com", api_key: a}
          - model_name: voice
            litellm_params:
              model: azure_voice_live/gpt-realtime
              api_base: https://r.services.ai.azure.com
              api_key: v
              api_version: "2025-10-01"
          - model_name: voice
            litellm_params: {model: xai/grok-voice-latest, api_key: x, max_parallel_requests: 10}
        """,
        {},
    )
    assert config.warnings == ()
    told = [(d.provider, d.model, d.id) for d in config.settings.deployments]
    assert told[2:] == [
        ("azure_voice_live", "gpt-realtime", "voice/azure_voice_live-gpt-realtime"),
        ("xai", "grok-voice-latest", "voice/xai-grok-voice-latest"),
    ]
    assert config.settings.deployments[2].api_version == "2025-10-01"
    assert config.settings.deployments[3].max_sessions == 10


def test_the_environment_fills_in_what_an_xai_item_leaves_out() -> None:
    environ = {"XAI_API_KEY": "x", "XAI_API_BASE": "https://eu.api.x.ai/v1", "OPENAI_API_KEY": "o"}
    config = load_entry({"model": "xai/grok-voice-latest"}, environ)
    assert (only(config).api_key, only(config).api_base) == (Secret("x"), "https://eu.api.x.ai/v1")
    assert only(config).organization is None
    assert config.warnings == ()


def test_xai_without_a_key_is_an_error_and_openais_key_does_not_help() -> None:
    problem = only_problem(entry_problems({"model": "xai/grok-voice-latest"}, {"OPENAI_API_KEY": "o"}))
    assert problem.path == "model_list[0].litellm_params.api_key"
    assert "XAI_API_KEY is not set" in problem.message


@pytest.mark.parametrize(
    ("given", "is_warned"),
    [
        ({"api_base": "https://proxy.example/v1"}, True),
        ({"api_base": "https://proxy.example/v1", "api_key": "k"}, False),
        ({"api_base": "https://api.x.ai/v1"}, False),
    ],
)
def test_xais_key_on_a_foreign_host_is_told(given: dict[str, str], is_warned: bool) -> None:
    config = load_entry({"model": "xai/grok-voice-latest", **given}, {"XAI_API_KEY": "x"})
    assert bool(config.warnings) is is_warned
    if is_warned:
        assert "not xAI's, and is sent XAI_API_KEY" in warned(config, "model_list[0].litellm_params.api_base")


@pytest.mark.parametrize(
    ("model", "info", "is_served"),
    [
        ("xai/grok-voice-latest", "{}", True),
        ("xai/grok-voice-think-fast-2.0", "{}", True),
        ("xai/grok-4-1-fast-non-reasoning", "{mode: realtime}", True),
        ("xai/grok-4-1-fast-non-reasoning", "{}", False),
        ("xai/grok-voice-latest", "{mode: chat}", False),
        ("azure_voice_live/gpt-4o", "{}", True),
        ("azure_voice_live/phi4-mm-realtime", "{}", True),
    ],
)
def test_xais_chat_models_are_skipped_and_voice_live_has_none(model: str, info: str, is_served: bool) -> None:
    """LiteLLM's files list them under the same prefix; on Voice Live every model speaks."""
    params = f"{{model: {model}, api_base: 'https://h', api_key: k}}"
    item = f"- {{model_name: v, litellm_params: {params}, model_info: {info}}}"
    config = load(f"model_list:\n  {VOICE}\n  {item}\n")
    assert len(config.settings.deployments) == 1 + is_served
    if not is_served:
        assert [warning.path for warning in config.warnings] == ["model_list[1]"]


def test_every_xai_model_can_be_offered_by_wildcard() -> None:
    config = load("model_list: [{model_name: 'xai/*', litellm_params: {model: 'xai/*', api_key: k}}]", {})
    assert (only(config).model_group, only(config).model) == ("xai/*", "*")


def test_voice_lives_own_variables_fill_in_and_azure_openais_do_not() -> None:
    """It is another resource: a key of the other must not be sent to it."""
    own = {
        "AZURE_VOICELIVE_ENDPOINT": "https://r.services.ai.azure.com",
        "AZURE_VOICELIVE_API_KEY": "v",
        "AZURE_VOICELIVE_API_VERSION": "2026-07-15",
    }
    other = {
        "AZURE_API_BASE": "https://r.openai.azure.com",
        "AZURE_API_KEY": "a",
        "AZURE_API_VERSION": "2025-04-01-preview",
    }
    deployment = only(load_entry({"model": "azure_voice_live/gpt-realtime"}, {**own, **other}))
    assert deployment.api_base == own["AZURE_VOICELIVE_ENDPOINT"]
    assert (deployment.api_key, deployment.api_version) == (Secret("v"), "2026-07-15")
    problems = entry_problems({"model": "azure_voice_live/gpt-realtime"}, other)
    assert [problem.path.rpartition(".")[2] for problem in problems] == ["api_base", "api_key"]
    assert "AZURE_VOICELIVE_ENDPOINT is not set" in problems[0].message
    assert "AZURE_VOICELIVE_API_KEY" in problems[1].hint


def test_entra_opens_voice_live_as_it_opens_azure() -> None:
    without_key = {name: value for name, value in LIVE.items() if name != "api_key"}
    managed = only(load_entry({**without_key, "use_default_credentials": True}, {}))
    assert managed.entra == EntraId()
    assert only(load_entry({**without_key, "azure_ad_token": "t"}, {})).azure_ad_token == Secret("t")
