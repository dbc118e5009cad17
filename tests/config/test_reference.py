"""The reference page says what the code reads, and the tables do not contradict each other."""

from __future__ import annotations

import re
import textwrap

import attrs
import pytest

from realtime_lb.config import parse_config
from realtime_lb.config.vocabulary import CHAT_ONLY_MODELS, NO_MEANING, NOT_YET

from .reference import PAGE, SECTIONS, put_into

EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)

ENVIRON = {
    "OPENAI_API_KEY": "k",
    "AZURE_SWEDEN_API_KEY": "k",
    "AZURE_SWEDEN_API_BASE": "https://sweden.openai.azure.com",
    "MASTER_KEY": "k",
}


def test_the_page_holds_the_tables_of_the_code() -> None:
    """``python -m tests.config.reference`` renews them."""
    assert PAGE.read_text() == put_into(PAGE.read_text())


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_on_the_page_loads_without_a_warning(example: str) -> None:
    """A reader may copy them."""
    assert parse_config(textwrap.dedent(example), environ=ENVIRON).warnings == ()


def test_the_page_has_examples() -> None:
    """So that the test before this one has something to look at."""
    assert len(EXAMPLES) >= 2


@pytest.mark.parametrize("section", NOT_YET)
def test_no_key_stands_in_two_tables(section: str) -> None:
    """A feature that arrives moves its row; nothing may be left behind."""
    used = {each.name for each in attrs.fields(SECTIONS[section])} if section in SECTIONS else set()

    assert not used & NOT_YET[section].keys()
    assert not used & NO_MEANING[section]
    assert not NOT_YET[section].keys() & NO_MEANING[section]


def test_both_tables_have_the_same_sections() -> None:
    """Every section is looked up in both."""
    assert NOT_YET.keys() == NO_MEANING.keys() >= SECTIONS.keys()


def test_no_chat_pattern_names_a_realtime_model() -> None:
    """A pattern with ``realtime`` in it would contradict what it is for."""
    assert not [pattern for pattern in CHAT_ONLY_MODELS if "realtime" in pattern]
