"""The tables of ``docs/reference/config.md``, from the tables that the package itself reads by.

``python -m tests.config.reference`` writes them into the page; a test fails where the page differs.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from realtime_lb.config import keys
from realtime_lb.config.sections import OWN_SECTIONS, kind_of
from realtime_lb.config.vocabulary import CHAT_ONLY_MODELS, NO_MEANING, NOT_YET, XAI_VOICE_MODELS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "config.md"

OURS = {
    "project",
    "opaque",
    "transcription_model",
    "use_default_credentials",
    "realtime_lb",
    "warm",
    "hedge_after_s",
}
"""Keys in LiteLLM's sections that LiteLLM does not have."""

SECTIONS: Mapping[str, type[Any]] = {
    "": keys.TopLevel,
    "model_list[]": keys.Entry,
    "litellm_params": keys.LitellmParams,
    "model_info": keys.ModelInfo,
    "router_settings": keys.RouterSettings,
    "litellm_settings": keys.LitellmSettings,
    "general_settings": keys.GeneralSettings,
}


def render() -> Mapping[str, str]:
    """Return marker → table."""
    tables = {f"keys {name or 'top level'}": _section_table(cls) for name, cls in SECTIONS.items()}
    own = {f"keys realtime_lb.{name}": _own_table(cls) for name, cls in OWN_SECTIONS.items()}
    not_yet = [
        (_code(f"{section}.{key}" if section else key), note)
        for section, rows in NOT_YET.items()
        for key, note in rows.items()
    ]
    no_meaning = [
        (_code(section or "top level"), ", ".join(_code(name) for name in sorted(names)))
        for section, names in NO_MEANING.items()
        if names
    ]
    return {
        **tables,
        **own,
        "accepted without effect": _table(("Key", "Instead"), not_yet),
        "without meaning": _table(("Section", "Keys"), no_meaning),
        "chat models": ", ".join(_code(pattern) for pattern in CHAT_ONLY_MODELS),
        "xai voice models": ", ".join(_code(pattern) for pattern in XAI_VOICE_MODELS),
    }


def put_into(page: str) -> str:
    """Return *page* with every table renewed."""
    for marker, table in render().items():
        pattern = rf"(<!-- {re.escape(marker)} -->\n).*?(<!-- end -->)"
        found = re.search(pattern, page, flags=re.DOTALL)
        if found is None:
            raise LookupError(marker)
        page = f"{page[: found.start()]}{found[1]}\n{table}\n\n{found[2]}{page[found.end() :]}"
    return page


def _section_table(cls: type[Any]) -> str:
    rows = (
        (
            _code(attribute.name),
            attribute.metadata["kind"].name,
            attribute.metadata["default"] or "—",
            attribute.metadata["meaning"],
            "ours" if attribute.name in OURS else "yes",
        )
        for attribute in attrs.fields(cls)
    )
    return _table(("Key", "Type", "Default", "Meaning", "In LiteLLM"), rows)


def _own_table(cls: type[Any]) -> str:
    meanings = _meanings(cls)
    default: Any = cls()
    rows = (
        (_code(each.name), kind.name, _shown(getattr(default, each.name)), meanings[each.name])
        for each in attrs.fields(attrs.resolve_types(cls))
        if (kind := kind_of(each))
    )
    return _table(("Key", "Type", "Default", "Meaning"), rows)


def _meanings(cls: type[Any]) -> Mapping[str, str]:
    """Return what the class's docstring says of each attribute."""
    text = textwrap.dedent((cls.__doc__ or "").partition("Attributes:\n")[2]).strip("\n")
    found = re.findall(r"^(\w+): (.*(?:\n[ ]+.*)*)", textwrap.dedent(text), flags=re.MULTILINE)
    return {name: re.sub(r"\s+", " ", meaning).replace("``", "`") for name, meaning in found}


def _shown(value: object) -> str:
    if value in (None, (), frozenset()):
        return "none"
    return _code(str(value).lower() if isinstance(value, bool) else f"{value}")


def _code(text: str) -> str:
    return f"`{text}`"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    escaped = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    lines = [head, ["---"] * len(head), *escaped]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(put_into(PAGE.read_text()))
