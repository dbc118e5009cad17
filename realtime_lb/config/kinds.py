"""The kinds of values that keys take, as one constant each."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from realtime_lb.config.document import Node
from realtime_lb.config.numbers import (
    COUNT,
    NON_NEGATIVE,
    PORT,
    PRICE,
    SECONDS,
    SECONDS_OR_NONE,
    SHARE,
    WHOLE,
    ZERO_OR_MORE,
)
from realtime_lb.config.reading import Kind, Reading, Wrong, closest, describe
from realtime_lb.deployments import Tls
from realtime_lb.typing import Secret

__all__ = [
    "BOOLEAN",
    "COUNT",
    "EVENT_TYPES",
    "FALLBACKS",
    "HEADERS",
    "HEADER_TEXT",
    "HEADER_TEXTS",
    "IDENTIFIER",
    "LIST",
    "MAPPING",
    "MASTER_KEY",
    "NAME",
    "NETWORKS",
    "NON_NEGATIVE",
    "ORIGINS",
    "PORT",
    "PRICE",
    "PROTOCOL",
    "RENAMES",
    "SECONDS",
    "SECONDS_OR_NONE",
    "SECRET",
    "SHARE",
    "TARGETS",
    "TEXT",
    "TEXTS",
    "TLS",
    "URL",
    "WHOLE",
    "ZERO_OR_MORE",
    "choice",
]

Network: TypeAlias = IPv4Network | IPv6Network

_BOOLEANS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A token, RFC 9110 section 5.6.2."""
_HEADER_VALUE = re.compile(r"[\x21-\x7e\x80-\uffff]([\t\x20-\x7e\x80-\uffff]*[\x21-\x7e\x80-\uffff])?")
"""RFC 9110 section 5.5: no control characters, no space at the ends."""
_URL_SCHEMES = ("https", "http", "wss", "ws")
_PROTOCOLS = {"ga": "GA", "v1": "GA", "beta": "beta"}
"""LiteLLM's names for the two event languages, any case; ``v1`` is its other name for GA."""


def _text(node: Node, _: Reading) -> str:
    if not isinstance(node.value, str):
        hint = "put it in quotes" if describe(node) in {"a date", "a whole number", "a number"} else ""
        raise Wrong(f"must be a string, not {describe(node)}", hint)
    return node.value


def _optional_text(node: Node, reading: Reading) -> str | None:
    """Empty text is no value, as LiteLLM has it."""
    return _text(node, reading) or None


def _name(node: Node, reading: Reading) -> str:
    if not (text := _text(node, reading)):
        raise Wrong("must not be empty")
    return text


def _identifier(node: Node, reading: Reading) -> str:
    if isinstance(node.value, int) and not isinstance(node.value, bool):
        return str(node.value)  # LiteLLM takes a number as a model's id too
    return _name(node, reading)


def _fallbacks(node: Node, _: Reading) -> Node:
    if not isinstance(node.value, tuple | dict):
        raise Wrong(f"must be a list, not {describe(node)}", "write it as [{group: [group, group]}]")
    return node


def _targets(node: Node, reading: Reading) -> Node:
    """One name alone is accepted, too, though LiteLLM wants a list."""
    return node if isinstance(node.value, str) else _list(node, reading)


def _boolean(node: Node, _: Reading) -> bool:
    if isinstance(node.value, bool):
        return node.value
    if not isinstance(node.value, str):
        raise Wrong(f"must be true or false, not {describe(node)}")
    word = node.value.strip().lower()
    if not node.variable:
        raise Wrong("must be true or false, not a string", "remove the quotes" if word in _BOOLEANS else "")
    if word not in _BOOLEANS:
        raise Wrong("must be true or false", f"{node.variable} must hold true or false")
    return _BOOLEANS[word]


def _header_text(node: Node, reading: Reading) -> str | None:
    text = _optional_text(node, reading)
    if text and not _HEADER_VALUE.fullmatch(text):
        raise Wrong(
            "holds a line break, a control character or space at an end", "no HTTP header can carry it"
        )
    return text


def _secret(node: Node, reading: Reading) -> Secret | None:
    text = _header_text(node, reading)
    return Secret(text) if text else None


def _master_key(node: Node, reading: Reading) -> Secret:
    """An empty key would leave the door open to who asked for it to be shut."""
    if (secret := _secret(node, reading)) is None:
        raise Wrong("must not be empty", "give it a value, or drop the key to admit everybody")
    return secret


def _list(node: Node, reading: Reading) -> Node:
    _items(node, reading)
    return node


def _mapping(node: Node, _: Reading) -> Node:
    if not isinstance(node.value, dict):
        raise Wrong(f"must be a mapping, not {describe(node)}")
    return node


def _headers(node: Node, reading: Reading) -> Mapping[str, Secret]:
    found = {}
    for name, value in _mapping(node, reading).keys().items():
        if not _HEADER_NAME.fullmatch(name):
            reading.findings.error(value.place, "is no name that an HTTP header can have")
        elif (secret := reading.read(SECRET, value)) is not None:
            found[name] = secret
    return found


def _renames(node: Node, reading: Reading) -> Mapping[str, str]:
    """Return name → name; one name alone is what all are called."""
    if not isinstance(node.value, dict):
        return {"*": _name(node, reading)}
    named = ((name, reading.read(NAME, value)) for name, value in node.keys().items())
    return {name: value for name, value in named if value is not None}


def _items(node: Node, _: Reading) -> tuple[Node, ...]:
    if not isinstance(node.value, tuple):
        raise Wrong(f"must be a list, not {describe(node)}", "write it as [one, two]")
    return node.value


def _texts(node: Node, reading: Reading) -> tuple[str, ...]:
    read = (reading.read(TEXT, item) for item in _items(node, reading))
    return tuple(text for text in read if text)


def _text_or_texts(node: Node, reading: Reading) -> tuple[str, ...]:
    return (node.value,) if isinstance(node.value, str) else _texts(node, reading)


def _header_texts(node: Node, reading: Reading) -> tuple[str, ...]:
    if isinstance(node.value, str):
        return (text,) if (text := _header_text(node, reading)) else ()
    read = (reading.read(HEADER_TEXT, item) for item in _items(node, reading))
    return tuple(text for text in read if text)


def _event_types(node: Node, reading: Reading) -> frozenset[str]:
    """An empty set is no event; ``*`` among them is every event."""
    return frozenset(_text_or_texts(node, reading))


def _url(node: Node, reading: Reading) -> str | None:
    text = _optional_text(node, reading)
    if text and (fault := _url_fault(text)):
        raise Wrong(*fault)
    return text


def _url_fault(text: str) -> tuple[str, str] | None:
    """Return what is wrong with a base URL, and how to mend it, without any of its text."""
    if not text.isprintable() or " " in text or "\\" in text:
        return "is not a URL: it holds a space, a backslash or a control character", ""
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError:
        return "is not a URL", "check its brackets and its port"
    faults = (
        (url.scheme not in _URL_SCHEMES, "must start with https://, http://, wss:// or ws://", ""),
        ("@" in url.netloc, "must not hold a user name or a password", "use api_key or extra_headers"),
        (not host, "names no host", ""),
        (
            "?" in text or "#" in text,
            "must not hold a query or a fragment",
            "leave out all from ? or # on; api_version is a key of its own",
        ),
    )
    return next(((message, hint) for is_so, message, hint in faults if is_so), None)


def _network(node: Node, reading: Reading) -> Network:
    try:
        return ip_network(_text(node, reading))
    except ValueError:
        raise Wrong("is not a network", "write it as 10.0.0.0/8, without bits behind the prefix") from None


def _networks(node: Node, reading: Reading) -> tuple[Network, ...]:
    read = (reading.read(Kind("network", _network), item) for item in _items(node, reading))
    return tuple(network for network in read if network)


def _origin(node: Node, reading: Reading) -> str:
    text = _text(node, reading)
    scheme, _, rest = text.partition("://")
    if not (scheme and rest) or "/" in rest or "*" in rest or not text.isprintable():
        raise Wrong(
            "is not a web origin", "write scheme, host and port alone, such as https://app.example.com"
        )
    return text


def _origins(node: Node, reading: Reading) -> frozenset[str]:
    read = (reading.read(Kind("origin", _origin), item) for item in _items(node, reading))
    return frozenset(origin for origin in read if origin)


def _tls(node: Node, reading: Reading) -> Tls:
    """Only a boolean ``false`` in the file itself gives up the check; text never does."""
    if isinstance(node.value, bool):
        return Tls(verify=node.value)
    text = _text(node, reading)
    known = _BOOLEANS.get(text.strip().lower())
    if known and node.variable:
        return Tls()
    if known is not None:
        raise Wrong(
            "must be a boolean or the path of a CA bundle", "write true or false without quotes in this file"
        )
    path = Path(text)
    if "\0" in text or not reading.is_file(path):
        raise Wrong("names a CA bundle that does not exist", "give the path of a file of PEM certificates")
    return Tls(ca_file=path)


def _protocol(node: Node, reading: Reading) -> str:
    word = _text(node, reading).strip().lower()
    if word not in _PROTOCOLS:
        raise Wrong("must be GA or beta", closest(word, _PROTOCOLS))
    return _PROTOCOLS[word]


def choice(names: Collection[str]) -> Kind[str]:
    """Return the kind that takes one of *names* as they are written."""
    listed = ", ".join(names)

    def read(node: Node, reading: Reading) -> str:
        text = _text(node, reading)
        if text not in names:
            raise Wrong(f"must be one of: {listed}", closest(text, names))
        return text

    return Kind(listed, read)


NAME = Kind("string", _name)
TEXT = Kind("string", _optional_text)
IDENTIFIER = Kind("string or number", _identifier)
HEADER_TEXT = Kind("string", _header_text)
SECRET = Kind("string", _secret)
BOOLEAN = Kind("boolean", _boolean)
FALLBACKS = Kind("list of mappings", _fallbacks)
TARGETS = Kind("list of strings", _targets)
URL = Kind("URL", _url)
MASTER_KEY = Kind("string", _master_key)
LIST = Kind("list", _list)
MAPPING = Kind("mapping", _mapping)
HEADERS = Kind("mapping", _headers)
RENAMES = Kind("string or mapping", _renames)
TEXTS = Kind("list of strings", _texts)
HEADER_TEXTS = Kind("string or list of strings", _header_texts)
EVENT_TYPES = Kind('"*", string or list of strings', _event_types)
NETWORKS = Kind("list of networks", _networks)
ORIGINS = Kind("list of origins", _origins)
TLS = Kind("boolean or path", _tls)
PROTOCOL = Kind("GA or beta", _protocol)
