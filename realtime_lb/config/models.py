"""Which items of ``model_list`` are realtime models: decided before anything else of an item is read.

A chat model that lacks an environment variable must not keep realtime models from being served.
"""

from __future__ import annotations

from collections.abc import Collection
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

import attrs
from attrs import frozen

from realtime_lb.config import kinds
from realtime_lb.config.document import Node
from realtime_lb.config.findings import Place
from realtime_lb.config.keys import Entry
from realtime_lb.config.reading import Reading, closest
from realtime_lb.config.sections import warn_of_unused
from realtime_lb.config.vocabulary import CHAT_ONLY_MODELS, XAI_VOICE_MODELS

__all__ = ["RealtimeEntry", "SortedModels", "is_openai_host", "sort_models"]


@frozen(kw_only=True)
class RealtimeEntry:
    """An item of ``model_list`` that sessions can be placed on.

    Attributes:
        place: Where it stands.
        model_group: Its ``model_name``.
        provider: As the file names it.
        model: The upstream's name for the model, without the provider.
        params: Its ``litellm_params``.
        info: Its ``model_info``, or None.
    """

    place: Place
    model_group: str
    provider: str
    model: str
    params: Node
    info: Node | None


@frozen
class SortedModels:
    """What ``model_list`` holds.

    Attributes:
        entries: The realtime models, in file order.
        groups: Names of the groups of all items that were not skipped, wrong ones included.
        skipped_groups: Names of groups of which an item was skipped.
    """

    entries: tuple[RealtimeEntry, ...]
    groups: frozenset[str]
    skipped_groups: frozenset[str]


class _Skip(Exception):
    """An item is no realtime model."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


def sort_models(model_list: Node | None, reading: Reading, providers: Collection[str]) -> SortedModels:
    """Tell realtime models from all others; each other gets one warning.

    A list that holds no realtime model, through no other error, is an error.
    """
    errors_before = reading.findings.error_count
    entries, groups, skipped = [], set(), set()
    for item in _items(model_list):
        name = _plain_text(item.get("model_name"))
        try:
            entry = _sort(item, reading, providers)
        except _Skip as skip:
            named = f" {name[:80]!r}" if name else ""
            reading.findings.warn(item.place, f"skipped{named}: {skip.reason}", skip.hint)
            skipped.add(name)
        else:
            groups.add(entry.model_group if entry else name)
            entries += [entry] if entry else []
    if not entries and reading.findings.error_count == errors_before:
        _note_absence(model_list, reading)
    return SortedModels(tuple(entries), frozenset(groups - {""}), frozenset(skipped - {""}))


def _items(model_list: Node | None) -> tuple[Node, ...]:
    return model_list.value if model_list and isinstance(model_list.value, tuple) else ()


def _note_absence(model_list: Node | None, reading: Reading) -> None:
    if model_list and not isinstance(model_list.value, tuple):
        return  # the section's type was noted when the document's sections were read
    place = model_list.place if model_list else Place("model_list")
    hint = "add one, such as litellm_params.model: openai/gpt-realtime or azure/<deployment name>"
    reading.findings.error(place, "holds no realtime model", hint)


def _sort(item: Node, reading: Reading, providers: Collection[str]) -> RealtimeEntry | None:
    """Return what *item* is; None where it is wrong, which is then noted.

    Raises:
        _Skip: It is no realtime model.
    """
    if item.value is None:
        _missing(item, reading, "item")
        return None
    mode = _decisive(item.get("model_info"), "mode", reading)
    if mode is not None and mode.lower() != "realtime":
        raise _Skip("its model_info.mode is not realtime")
    params = _params(item, reading)
    if params is None:
        return None
    errors_before = reading.findings.error_count
    named = _decisive(params, "model", reading)
    given = _decisive(params, "custom_llm_provider", reading)
    if named is None or reading.findings.error_count > errors_before:
        return None
    provider, model = _provider_and_model(named, given)
    _skip_unless_served(provider, model, params, mode, providers)
    return _entry(item, provider, model, params, reading)


def _params(item: Node, reading: Reading) -> Node | None:
    """Return the item's parameters, of which the model at least is given."""
    if reading.read(kinds.MAPPING, item) is None:
        return None
    params = item.get("litellm_params")
    if params is None:
        _missing(item, reading, "litellm_params")
        return None
    if reading.read(kinds.MAPPING, params) is None:
        return None
    if params.get("model") is None:
        _missing(params, reading, "model")
        return None
    return params


def _decisive(section: Node | None, key: str, reading: Reading) -> str | None:
    """Return a text on which it depends what an item is: the only ones read from every item."""
    return reading.read(kinds.NAME, section.get(key) if section else None)


def _missing(node: Node, reading: Reading, key: str) -> None:
    path = f"{node.place.path}.{key}" if key != "item" else node.place.path
    place = attrs.evolve(node.place, path=path)
    reading.findings.error(place, "is missing", _MISSING_HINTS[key])


_MISSING_HINTS = {
    "item": "give model_name and litellm_params, or remove the dash",
    "litellm_params": "give at least litellm_params.model",
    "model": "write <provider>/<model>, such as openai/gpt-realtime",
    "model_name": "give the name that clients ask for",
}


def _provider_and_model(named: str, given: str | None) -> tuple[str | None, str]:
    """Split a model as LiteLLM does: its prefix, ``custom_llm_provider``, or what its name tells."""
    prefix, slash, rest = named.partition("/")
    if given is not None:
        return given, rest if slash and prefix == given else named
    if slash:
        return prefix, rest
    if named == "*" or named.startswith("gpt-") or "realtime" in named:
        return "openai", named
    return None, named


def _skip_unless_served(
    provider: str | None, model: str, params: Node, mode: str | None, providers: Collection[str]
) -> None:
    if provider is None:
        raise _Skip("its model names no provider", "write openai/<model> or azure/<deployment name>")
    if provider not in providers:
        raise _Skip("its provider serves no realtime sessions here", closest(provider, providers))
    if mode is not None:
        return
    if provider == "xai" and not _is_any(model, XAI_VOICE_MODELS):
        raise _Skip("xAI's model does not speak", "set model_info.mode: realtime if it does")
    if provider != "openai" or "realtime" in model:
        return
    base = params.get("api_base") or params.get("base_url")
    at_openai = base is None or is_openai_host(_plain_text(base))
    if at_openai and _is_any(model, CHAT_ONLY_MODELS):
        raise _Skip("OpenAI's model has no realtime endpoint", "set model_info.mode: realtime if it has")


def _is_any(model: str, patterns: Collection[str]) -> bool:
    return any(fnmatchcase(model, pattern) for pattern in patterns)


def is_openai_host(url: str) -> bool:
    """Say whether *url* is OpenAI's own, regional hosts such as ``eu.api.openai.com`` included."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return f".{host}".endswith(".api.openai.com")


def _plain_text(node: Node | None) -> str:
    return node.value if node and isinstance(node.value, str) else ""


def _entry(
    item: Node, provider: str | None, model: str, params: Node, reading: Reading
) -> RealtimeEntry | None:
    warn_of_unused(item, "model_list[]", [attribute.name for attribute in attrs.fields(Entry)], reading)
    if item.get("model_name") is None:
        _missing(item, reading, "model_name")
        return None
    group = reading.read(kinds.NAME, item.get("model_name"))
    if not group or provider is None:
        return None
    if not model:
        reading.findings.error(params.keys()["model"].place, "names no model", _MISSING_HINTS["model"])
        return None
    if fault := _wildcard_fault(group, model):
        reading.findings.error(item.keys()["model_name"].place, *fault)
        return None
    return RealtimeEntry(
        place=item.place,
        model_group=group,
        provider=provider,
        model=model,
        params=params,
        info=item.get("model_info"),
    )


def _wildcard_fault(group: str, model: str) -> tuple[str, str] | None:
    if group.count("*") > 1 or model.count("*") > 1:
        return "holds more than one *", "use one * in model_name and in litellm_params.model"
    if "*" in model and "*" not in group:
        return "holds no * for the one in litellm_params.model", "write the * in both, or in neither"
    return None
