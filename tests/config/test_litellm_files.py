"""A file that starts LiteLLM starts us, unchanged."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime_lb.config import load_config
from realtime_lb.deployments import Deployment
from realtime_lb.settings import DEFAULT_LOGGED_EVENTS
from realtime_lb.typing import Secret

from .reading_yaml import KEY, load, load_entry, only, warned, write

DOCUMENTED = """\
model_list:
  - model_name: gpt-4o                      # same name repeated = one model group
    litellm_params:
      model: azure/gpt-4o-realtime-preview  # <provider>/<deployment or model>
      api_key: os.environ/AZURE_SWEDEN_API_KEY
      api_base: os.environ/AZURE_SWEDEN_API_BASE
  - model_name: openai-gpt-4o-realtime-audio
    litellm_params:
      model: openai/gpt-4o-realtime-preview-2024-10-01
      api_key: os.environ/OPENAI_API_KEY
litellm_settings:
  logged_real_time_event_types: {types}         # or a list
"""

ENVIRON = {
    "AZURE_SWEDEN_API_KEY": "azure-key",
    "AZURE_SWEDEN_API_BASE": "https://sweden.openai.azure.com",
    "OPENAI_API_KEY": "sk-openai",
}


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ('"*"', None),
        ('["session.created", "response.create", "response.done"]', DEFAULT_LOGGED_EVENTS),
        ("session.created", frozenset({"session.created"})),
        ('["session.created", "*"]', None),
        ("[]", frozenset()),
        ("null", DEFAULT_LOGGED_EVENTS),
    ],
)
def test_the_file_of_litellms_own_page_loads_without_a_word(
    tmp_path: Path, types: str, expected: frozenset[str] | None
) -> None:
    """Both deployments are there with their keys, in each form that the logged types may have."""
    config = load_config(write(tmp_path, DOCUMENTED.format(types=types)), environ=ENVIRON)

    assert config.warnings == ()
    assert config.settings.logging.event_types == expected
    assert config.settings.deployments == (
        Deployment(
            id="gpt-4o/azure-gpt-4o-realtime-preview",
            model_group="gpt-4o",
            provider="azure",
            model="gpt-4o-realtime-preview",
            api_key=Secret("azure-key"),
            api_base="https://sweden.openai.azure.com",
        ),
        Deployment(
            id="openai-gpt-4o-realtime-audio/openai-gpt-4o-realtime-preview-2024-10-01",
            model_group="openai-gpt-4o-realtime-audio",
            provider="openai",
            model="gpt-4o-realtime-preview-2024-10-01",
            api_key=Secret("sk-openai"),
        ),
    )


def test_every_parameter_finds_its_attribute() -> None:
    """What LiteLLM calls by its names stands under ours."""
    deployment = only(
        load_entry(
            {
                "model": "azure/voice-eu",
                "api_base": "https://eu.openai.azure.com",
                "api_key": "k",
                "api_version": "2025-04-01-preview",
                "realtime_protocol": "beta",
                "organization": "org-1",
                "project": "proj-1",
                "extra_headers": {"X-Gateway": "g"},
                "timeout": 3,
                "weight": 2,
                "rpm": 10,
                "tpm": 1000,
                "order": 1,
                "max_parallel_requests": 7,
                "tags": ["eu"],
                "opaque": True,
            },
            model_info={"id": "eu-1", "mode": "realtime", "base_model": "azure/gpt-realtime"},
        )
    )

    assert deployment == Deployment(
        id="eu-1",
        model_group="voice",
        provider="azure",
        model="voice-eu",
        api_base="https://eu.openai.azure.com",
        api_key=Secret("k"),
        api_version="2025-04-01-preview",
        realtime_protocol="beta",
        organization="org-1",
        project="proj-1",
        extra_headers={"X-Gateway": Secret("g")},
        dial_timeout_s=3.0,
        weight=2.0,
        rpm=10,
        tpm=1000,
        order=1,
        max_sessions=7,
        tags=("eu",),
        base_model="azure/gpt-realtime",
        opaque=True,
    )


def test_a_full_litellm_file_loads_with_one_warning_for_each_thing_that_does_nothing() -> None:
    """Chat models, databases, callbacks, caches: none of them keeps the realtime model from being served."""
    config = load("""\
        model_list:
          - model_name: claude
            litellm_params:
              model: anthropic/claude-sonnet-4-5
              api_key: os.environ/NOT_SET_ANYWHERE
          - model_name: chat
            litellm_params: {model: azure/gpt-4o, api_key: os.environ/NOT_SET_EITHER, temperature: 0.5}
            model_info: {mode: chat}
          - model_name: gpt-4o
            litellm_params: {model: openai/gpt-4o, api_key: os.environ/NOT_SET_AT_ALL}
          - model_name: voice
            litellm_params: {model: openai/gpt-realtime, max_retries: 2, stream_timeout: 60, rpm: 5}
            model_info: {mode: realtime, input_cost_per_audio_token: 0.00004, supports_vision: false}
        router_settings:
          routing_strategy: usage-based-routing-v2
          num_retries: 3
          fallbacks: [{voice: [claude]}]
          redis_host: os.environ/NO_REDIS
        litellm_settings:
          drop_params: true
          success_callback: [langfuse]
          cache: true
          cache_params: {type: redis, host: os.environ/NO_REDIS}
        general_settings:
          master_key: sk-1234
          database_url: os.environ/NO_DATABASE
          alerting: [slack]
          custom_auth: auth.user_api_key_auth
        guardrails: []
    """)

    assert [(warning.line, warning.path) for warning in config.warnings] == [
        (2, "model_list[0]"),
        (6, "model_list[1]"),
        (9, "model_list[2]"),
        (12, "model_list[3].litellm_params.max_retries"),
        (12, "model_list[3].litellm_params.stream_timeout"),
        (13, "model_list[3].model_info.supports_vision"),
        (17, "router_settings.fallbacks[0].voice[0]"),
        (18, "router_settings.redis_host"),
        (20, "litellm_settings.drop_params"),
        (21, "litellm_settings.success_callback"),
        (22, "litellm_settings.cache"),
        (23, "litellm_settings.cache_params"),
        (26, "general_settings.database_url"),
        (27, "general_settings.alerting"),
        (28, "general_settings.custom_auth"),
        (29, "guardrails"),
    ]
    assert "no meaning for realtime" in warned(config, "litellm_settings.cache")
    assert "no effect in this version" in warned(config, "router_settings.redis_host")
    assert "not a realtime one" in warned(config, "router_settings.fallbacks[0].voice[0]")
    assert "master_key alone" in warned(config, "general_settings.custom_auth")
    assert only(config).rpm == 5


def test_a_repeated_model_name_is_one_group() -> None:
    """Its deployments keep their order and get ids of their own; an id in the file goes first."""
    config = load("""\
        model_list:
          - {model_name: voice, litellm_params: {model: gpt-realtime}}
          - {model_name: voice, litellm_params: {model: openai/gpt-realtime}}
          - {model_name: voice, litellm_params: {model: openai/gpt-realtime}, model_info: {id: 7}}
          - model_name: voice
            litellm_params: {model: gpt-realtime}
            model_info: {id: voice/openai-gpt-realtime-2}
    """)

    assert [(each.model_group, each.id) for each in config.settings.deployments] == [
        ("voice", "voice/openai-gpt-realtime"),
        ("voice", "voice/openai-gpt-realtime-3"),
        ("voice", "7"),
        ("voice", "voice/openai-gpt-realtime-2"),
    ]


@pytest.mark.parametrize(("group", "model"), [("openai/*", "openai/*"), ("*", "*"), ("eu-*", "openai/gpt-*")])
def test_wildcards_stay_as_they_are(group: str, model: str) -> None:
    """The provider is told by the prefix; what the star stands for is told at the request."""
    deployment = only(load(f'model_list: [{{model_name: "{group}", litellm_params: {{model: "{model}"}}}}]'))

    assert deployment.model_group == group
    assert deployment.provider == "openai"
    assert deployment.model == model.removeprefix("openai/")


def test_several_organizations_make_several_deployments() -> None:
    """As in LiteLLM, a list is one deployment for each, with everything else alike."""
    config = load_entry({"organization": ["org-a", "org-b"], "weight": 3}, model_info={"id": "v"})

    assert [(each.id, each.organization, each.weight) for each in config.settings.deployments] == [
        ("v", "org-a", 3.0),
        ("v-2", "org-b", 3.0),
    ]


@pytest.mark.parametrize("form", ["voice", "{model: voice}", "{model: voice, hidden: false}"])
def test_an_alias_may_be_a_name_or_a_mapping(form: str) -> None:
    """Both of LiteLLM's forms mean the same; ``hidden`` says that it does nothing."""
    config = load(f"""\
        model_list: [{{model_name: voice, litellm_params: {{model: gpt-realtime}}}}]
        router_settings: {{model_group_alias: {{gpt-4o-realtime: {form}}}}}
    """)

    assert config.settings.routing.group_aliases == {"gpt-4o-realtime": "voice"}
    assert len(config.warnings) == form.count("hidden")


def test_an_alias_may_point_at_what_a_wildcard_matches_but_not_at_a_chat_group() -> None:
    """An alias of a skipped model is skipped with it."""
    config = load("""\
        model_list:
          - {model_name: "openai/*", litellm_params: {model: "openai/*"}}
          - {model_name: claude, litellm_params: {model: anthropic/claude}}
        router_settings:
          model_group_alias: {voice: openai/gpt-realtime, chat: claude, none: null}
    """)

    assert config.settings.routing.group_aliases == {"voice": "openai/gpt-realtime"}
    assert "not a realtime one" in warned(config, "router_settings.model_group_alias.chat")


def test_the_gateways_settings_come_from_litellms_sections() -> None:
    """Key, logging, limits and timeouts are where LiteLLM's users have put them."""
    settings = load_entry(
        {},
        general_settings={"master_key": "sk-1234"},
        litellm_settings={"turn_off_message_logging": True, "json_logs": True, "request_timeout": 4},
        router_settings={"default_max_parallel_requests": 3},
    ).settings

    assert settings.server.master_key == Secret("sk-1234")
    assert settings.logging.redact_content
    assert settings.logging.format == "json"
    assert settings.routing.dial_timeout_s == 4.0
    assert settings.deployments[0].max_sessions == 3


def test_the_master_key_may_come_from_litellms_variable() -> None:
    """A gateway that was shut under LiteLLM is not open under us."""
    environ = {**KEY, "LITELLM_MASTER_KEY": "sk-env"}

    assert load_entry({}, environ).settings.server.master_key == Secret("sk-env")
    in_file = load_entry({}, environ, general_settings={"master_key": "sk-file"})
    assert in_file.settings.server.master_key == Secret("sk-file")


@pytest.mark.parametrize(
    ("router", "litellm", "own", "expected"),
    [
        ({"timeout": 3}, {"request_timeout": 4}, {}, 3.0),
        ({}, {"request_timeout": 4}, {}, 4.0),
        ({"timeout": 3}, {}, {"dial_timeout_s": 2}, 2.0),
        ({}, {}, {}, 5.0),
    ],
)
def test_the_nearest_timeout_bounds_the_dial(
    router: dict[str, float], litellm: dict[str, float], own: dict[str, float], expected: float
) -> None:
    """Ours before the router's before LiteLLM's own."""
    config = load_entry({}, router_settings=router, litellm_settings=litellm, realtime_lb={"routing": own})

    assert config.settings.routing.dial_timeout_s == expected


def test_a_dial_that_may_take_up_the_whole_open_is_warned_of() -> None:
    """LiteLLM's usual 600 s are taken as they are, and the cost of them is said once where they count."""
    config = load_entry(
        {"timeout": 8}, router_settings={"timeout": 600}, litellm_settings={"request_timeout": 700}
    )

    assert config.settings.routing.dial_timeout_s == 600.0
    assert [warning.path for warning in config.warnings] == [
        "model_list[0].litellm_params.timeout",
        "router_settings.timeout",
    ]
    assert "8 s at most" in config.warnings[0].message


@pytest.mark.parametrize(
    ("written", "meant"), [("GA", "GA"), ("ga", "GA"), ("v1", "GA"), ("V1", "GA"), ("Beta", "beta")]
)
def test_the_protocol_is_told_in_any_case(written: str, meant: str) -> None:
    """LiteLLM's other name for GA is one too."""
    assert only(load_entry({"realtime_protocol": written})).realtime_protocol == meant


def test_merge_keys_work_as_under_litellm() -> None:
    """Files that share parameters through anchors load; an item's own keys win."""
    config = load("""\
        model_list:
          - model_name: a
            litellm_params: &shared {model: gpt-realtime, api_key: k1, rpm: 5}
          - model_name: b
            litellm_params: {<<: *shared, rpm: 6}
          - model_name: c
            litellm_params: {<<: [{tpm: 1, rpm: 1}, *shared]}
    """)

    read = [(each.model, each.rpm, each.tpm) for each in config.settings.deployments]
    assert read == [("gpt-realtime", 5, None), ("gpt-realtime", 6, None), ("gpt-realtime", 1, 1)]


def test_empty_text_and_null_are_no_value() -> None:
    """As LiteLLM has it: a key that is there and empty is a key that is not there."""
    deployment = only(
        load_entry({"organization": "", "api_version": None, "project": "", "tags": [], "api_base": ""})
    )

    assert deployment.organization is deployment.api_version is deployment.project is None
    assert deployment.api_base is None
    assert deployment.tags == ()
