"""YAML is read strictly, within bounds, and with a line for whatever is wrong with it."""

from __future__ import annotations

import pytest

from realtime_lb.config.document import MAX_DEPTH

from .reading_yaml import load, only, only_problem, problems_of

MODEL = "model_list: [{model_name: v, litellm_params: {model: gpt-realtime}}]\n"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: [1, 2\nc: 3\n", 3, "not valid YAML"),
        ("a: 1\n\tb: 2\n", 2, "not valid YAML"),
        ("a: *nowhere\n", 1, "undefined alias"),
        ("a: 1\n---\nb: 2\n", 2, "not valid YAML"),
        ("a: \x07\n", 1, "character that YAML forbids"),
        ("", 1, "the file is empty"),
        ("# nothing\n", 1, "the file is empty"),
        ("\n- a\n", 2, "must be a mapping"),
        ("text", 1, "must be a mapping"),
        (f"a: {'[' * 5000}", 1, "nested too deeply"),
        (f"a: {'[' * (MAX_DEPTH + 5)}{']' * (MAX_DEPTH + 5)}", 1, "too large or too deep"),
        ("a: &a\n  b: *a\n", 2, "too large or too deep"),
        ("a: &a\n  <<: *a\n", 1, "too large or too deep"),
    ],
)
def test_what_cannot_be_read_is_one_problem_with_its_line(text: str, line: int, message: str) -> None:
    """The parser's own words, without the text of the file."""
    problem = only_problem(problems_of(text))

    assert message in problem.message
    assert problem.line == line


def test_tabs_are_told_apart() -> None:
    """The most common fault has a hint of its own."""
    assert "not tabs" in only_problem(problems_of("a:\n  b: 1\n\tc: 2\n")).hint


def test_anchors_cannot_be_used_to_fill_the_memory() -> None:
    """Ten lines that stand for a billion nodes are refused soon."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]" for n in range(1, 10)]

    assert "too large" in only_problem(problems_of("\n".join(lines))).message


def test_a_key_given_twice_is_an_error_with_both_lines() -> None:
    """YAML's loader would keep the last of them in silence."""
    problem = only_problem(
        problems_of("""\
        model_list:
          - model_name: v
            litellm_params:
              model: gpt-realtime
              rpm: 1
              rpm: 2
        """)
    )

    assert (problem.path, problem.line) == ("model_list[0].litellm_params.rpm", 6)
    assert "line 5" in problem.message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("2024-99-99", "not a valid timestamp"),
        ("!!bool perhaps", "not a valid bool"),
        ("!!int ''", "not a valid int"),
        ("!python/object x", "not a valid tagged value"),
        ("!!python/name:os.system ''", "not a valid"),
        ("!!set {a}", "tag that is not supported"),
        ("!mine [a]", "tag that is not supported"),
        ("{? [a] : b}", "a key that is a list"),
        ("{<<: 3}", "merges (<<) something"),
    ],
)
def test_values_beyond_plain_yaml_are_problems_with_their_line(value: str, message: str) -> None:
    """Even where nobody would look at them."""
    problem = only_problem(problems_of(f"{MODEL}guardrails: {value}\n"))

    assert message in problem.message
    assert problem.line == 2


def test_keys_are_taken_as_they_are_written() -> None:
    """``on`` and ``4`` are names like any other."""
    config = load(f"{MODEL}router_settings: {{model_group_alias: {{on: v, 4: v}}}}")

    assert dict(config.settings.routing.group_aliases) == {"on": "v", "4": "v"}


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    """Editors on Windows write one."""
    assert only(load("\ufeff" + MODEL)).model_group == "v"
