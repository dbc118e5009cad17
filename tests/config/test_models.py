"""Chat models are told from realtime models before anything else of them is read."""

from __future__ import annotations

import pytest

from .reading_yaml import KEY, entry_problems, load, load_entry, only, only_problem, problems_of, warned

VOICE = "- {model_name: voice, litellm_params: {model: gpt-realtime}}"


@pytest.mark.parametrize(
    ("item", "because"),
    [
        ("{model_name: c, litellm_params: {model: anthropic/claude, api_key: os.environ/UNSET}}", "provider"),
        ("{model_name: c, litellm_params: {model: claude-3, api_key: os.environ/UNSET}}", "no provider"),
        ("{model_name: c, litellm_params: {model: x, custom_llm_provider: bedrock}}", "provider"),
        ("{model_name: c, litellm_params: {model: azure/x, rpm: -1}, model_info: {mode: chat}}", "mode"),
        ("{model_name: c, litellm_params: {model: openai/gpt-4o, api_key: os.environ/UNSET}}", "no realtime"),
        ("{model_name: c, litellm_params: {model: gpt-4.1-mini, api_key: os.environ/UNSET}}", "no realtime"),
        ("{model_name: c, litellm_params: {model: openai/text-embedding-3-small}}", "no realtime"),
        (
            "{model_name: c, litellm_params: {model: openai/gpt-5, api_base: https://api.openai.com/v1}}",
            "no realtime",
        ),
        ("{model_name: c, model_info: {mode: embedding}}", "mode"),
    ],
)
def test_a_chat_model_is_skipped_with_one_warning(item: str, because: str) -> None:
    """Whatever else is wrong with it, such as a variable that is not set, is nobody's business."""
    config = load(f"model_list:\n  {VOICE}\n  - {item}\n", KEY)

    assert only(config).model_group == "voice"
    assert [warning.path for warning in config.warnings] == ["model_list[1]"]
    assert because in warned(config, "model_list[1]")
    assert "'c'" in config.warnings[0].message


def test_an_item_without_a_name_is_skipped_without_one() -> None:
    config = load(f"model_list:\n  {VOICE}\n  - {{litellm_params: {{model: azur/x}}}}\n", KEY)
    assert warned(config, "model_list[1]").startswith("skipped: its provider")
    assert config.warnings[0].hint == "did you mean azure?"


@pytest.mark.parametrize(
    ("params", "info", "provider", "model"),
    [
        ("{model: openai/gpt-4o}", "{mode: realtime}", "openai", "gpt-4o"),
        ("{model: openai/gpt-4o-transcribe}", "{}", "openai", "gpt-4o-transcribe"),
        ("{model: gpt-4o-realtime-preview}", "{}", "openai", "gpt-4o-realtime-preview"),
        ("{model: my-realtime}", "{}", "openai", "my-realtime"),
        ("{model: openai/org/gpt-realtime}", "{}", "openai", "org/gpt-realtime"),
        ("{model: anything, custom_llm_provider: openai}", "{}", "openai", "anything"),
        ("{model: openai/x, custom_llm_provider: openai}", "{}", "openai", "x"),
        ('{model: openai/gpt-4o, api_base: "http://[::1"}', "{}", None, None),
        ("{model: openai/x, api_base: https://EU.api.openai.com/v1}", "{}", "openai", "x"),
        ("{model: openai/gpt-4o, api_base: wss://proxy/v1}", "{}", "openai_compatible", "gpt-4o"),
        ("{model: openai/x, base_url: https://api.openai.com.evil}", "{}", "openai_compatible", "x"),
        ("{model: openai_compatible/x, api_base: ws://localhost:1}", "{}", "openai_compatible", "x"),
    ],
)
def test_a_realtime_model_has_a_provider(
    params: str, info: str, provider: str | None, model: str | None
) -> None:
    """By prefix, by name or by key; an ``openai/`` model elsewhere is a compatible server's."""
    text = f"model_list: [{{model_name: v, litellm_params: {params}, model_info: {info}}}]"
    if provider is None:
        assert problems_of(text)
        return
    deployment = only(load(text))

    assert (deployment.provider, deployment.model) == (provider, model)


def test_an_installed_providers_models_are_served_with_its_own_keys_as_options() -> None:
    """Text among them is secret: nobody here knows which of it is a credential."""
    config = load(
        """\
        model_list:
          - model_name: v
            litellm_params:
              model: grok/voice
              api_key: k
              rate: 24000
              region: [eu, {deep: os.environ/REGION}]
              temperature: 1
        """,
        {"REGION": "canary"},
        providers=("openai", "grok"),
    )

    deployment = only(config)
    assert deployment.provider == "grok"
    assert deployment.options["rate"] == 24000
    assert deployment.options["region"][0].reveal() == "eu"
    assert deployment.options["region"][1]["deep"].reveal() == "canary"
    assert "canary" not in repr(deployment)
    assert [warning.path for warning in config.warnings] == ["model_list[0].litellm_params.temperature"]


def test_an_option_whose_variable_is_missing_is_an_error() -> None:
    """It is read as every other value is."""
    text = "model_list: [{model_name: v, litellm_params: {model: grok/v, region: os.environ/UNSET}}]"

    problem = only_problem(problems_of(text, {}, providers=("grok",)))
    assert problem.path == "model_list[0].litellm_params.region"
    assert "UNSET" in problem.message


@pytest.mark.parametrize(
    "text",
    [
        "model_list: []",
        "litellm_settings: {}",
        "model_list:",
        "model_list: [{model_name: c, litellm_params: {model: anthropic/claude}}]",
    ],
)
def test_a_file_without_a_realtime_model_is_an_error(text: str) -> None:
    """A server that could serve nothing does not start."""
    problem = only_problem(problems_of(text))

    assert problem.path == "model_list"
    assert "no realtime model" in problem.message
    assert "openai/gpt-realtime" in problem.hint


def test_a_misspelt_provider_says_what_may_be_meant() -> None:
    """Skipping it looks like a chat model; the hint does not."""
    config = load(f"model_list:\n  {VOICE}\n  - {{model_name: v, litellm_params: {{model: opneai/x}}}}\n")

    assert "did you mean openai?" in warned(config, "model_list[1]")


@pytest.mark.parametrize(
    ("item", "path", "message"),
    [
        ("", "model_list[0]", "is missing"),
        ("gpt-realtime", "model_list[0]", "must be a mapping, not a string"),
        ("{model_name: v}", "model_list[0].litellm_params", "is missing"),
        ("{model_name: v, litellm_params: x}", "model_list[0].litellm_params", "must be a mapping"),
        ("{model_name: v, litellm_params: {}}", "model_list[0].litellm_params.model", "is missing"),
        ("{model_name: v, litellm_params: {model: ''}}", "model_list[0].litellm_params.model", "empty"),
        ("{model_name: v, litellm_params: {model: 3}}", "model_list[0].litellm_params.model", "a string"),
        (
            "{model_name: v, litellm_params: {model: openai/}}",
            "model_list[0].litellm_params.model",
            "names no",
        ),
        (
            "{model_name: v, litellm_params: {model: x, custom_llm_provider: 1}}",
            "model_list[0].litellm_params.custom_llm_provider",
            "must be a string",
        ),
        ("{litellm_params: {model: gpt-realtime}}", "model_list[0].model_name", "is missing"),
        ("{model_name: '', litellm_params: {model: gpt-realtime}}", "model_list[0].model_name", "empty"),
        ("{model_name: v, litellm_params: {model: openai/*}}", "model_list[0].model_name", "no *"),
        ("{model_name: '*-*', litellm_params: {model: openai/*}}", "model_list[0].model_name", "than one *"),
        (
            "{model_name: v, litellm_params: {model: gpt-realtime}, model_info: x}",
            "model_list[0].model_info",
            "must be a mapping",
        ),
        (
            "{model_name: v, litellm_params: {model: gpt-realtime}, model_info: {mode: 1}}",
            "model_list[0].model_info.mode",
            "must be a string",
        ),
        (
            "{model_name: v, litellm_params: {model: os.environ/UNSET}}",
            "model_list[0].litellm_params.model",
            "UNSET is not set",
        ),
    ],
)
def test_an_item_that_is_no_model_says_so_where_it_is(item: str, path: str, message: str) -> None:
    """Each is one error with the place of the fault."""
    problems = problems_of(f"model_list:\n  - {item}\n")

    assert {problem.path for problem in problems} == {path}
    assert message in problems[0].message
    assert problems[0].line == 2


def test_the_model_may_itself_come_from_the_environment() -> None:
    """Like any other text."""
    config = load_entry({"model": "os.environ/MODEL"}, {**KEY, "MODEL": "openai/gpt-realtime-mini"})

    assert only(config).model == "gpt-realtime-mini"


@pytest.mark.parametrize(("model", "served"), [("gpt-4o-mini", False), ("gpt-realtime", True)])
def test_which_of_openais_models_are_realtime_is_told_by_name(model: str, served: bool) -> None:
    """The table holds families that have no realtime endpoint; a name with ``realtime`` is never in it."""
    config = load(f"model_list:\n  {VOICE}\n  - {{model_name: m, litellm_params: {{model: {model}}}}}\n")

    assert len(config.settings.deployments) == 1 + served


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("my-whisper", {"*": "my-whisper"}),
        ({"whisper-1": "my-whisper", "*": "my-other"}, {"whisper-1": "my-whisper", "*": "my-other"}),
        ({}, {}),
    ],
)
def test_transcription_models_have_names_of_their_own_upstream(given: object, read: object) -> None:
    """On Azure a transcription model is the name of a deployment too (Azure: realtime audio reference)."""
    assert only(load_entry({"transcription_model": given}, KEY)).transcription_models == read


@pytest.mark.parametrize("given", ["", ["my-whisper"], {"whisper-1": ""}, {"whisper-1": ["a"]}])
def test_a_name_that_is_none_is_a_problem(given: object) -> None:
    assert "transcription_model" in only_problem(entry_problems({"transcription_model": given})).path
