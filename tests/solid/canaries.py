"""Secrets that are easy to find again, and a net for everything that a gateway says while it handles them."""

import base64
import hashlib
import logging
import os
import pickle
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote

import attrs
import cattrs
import pytest

from realtime_lb.errors import RealtimeError

SLICE = 12
"""Characters: a part of a key that is as long as this helps to guess, or to find, the rest."""

SHOWN = 4 if os.environ.get("SOLID_FULL") else 1
"""Errors that came the same way whose variables are looked at."""

NAMES = (
    "client_key", "wrong_key", "query_key", "subprotocol_key", "upstream_key", "azure_key", "entra_token",
    "fetched_token", "client_secret", "extra_header", "proxy_password",
)  # fmt: skip


def canary(name: str) -> str:
    """A secret that no header forbids, and that changes when it is quoted for a URL."""
    digest = hashlib.sha256(name.encode()).digest()
    return base64.b64encode(digest).decode().replace("=", "~") + "+/" + digest.hex()[:16]


CANARIES = {name: canary(name) for name in NAMES}


def _forms(secret: str) -> list[bytes]:
    """Return *secret* as it is, quoted for a URL, and in Base64 wherever it may begin."""
    forms = [secret.encode(), quote(secret, safe="").encode()]
    for before in range(3):
        coded = base64.b64encode(b"x" * before + secret.encode())
        forms.append(coded[4 : len(coded) // 4 * 4 - 4])
    return forms


def _slices(form: bytes, length: int, step: int) -> Iterator[bytes]:
    return (form[start : start + length] for start in range(0, len(form) - length + 1, step))


def _told(form: bytes, text: bytes) -> int:
    """Return where a slice of *form* is in *text*, or -1.

    Every slice of twelve holds one of the blocks of six, which are fewer to look for.
    """
    slices = frozenset(_slices(form, SLICE, 1))
    for block in _slices(form, SLICE // 2, SLICE // 2):
        at = text.find(block)
        while at >= 0:
            around = text[max(0, at - SLICE) : at + SLICE + SLICE // 2]
            if any(one in around for one in slices):
                return at
            at = text.find(block, at + 1)
    return -1


class Net:
    """Keeps what was said, by sink.

    Attributes:
        caught: Bytes by sink.
    """

    def __init__(self) -> None:
        self.caught: Counter[str] = Counter()
        self._text: dict[str, set[bytes]] = {}
        self._ways: Counter[Any] = Counter()

    def put(self, sink: str, said: object) -> None:
        raw = said if isinstance(said, bytes) else str(said).encode("utf-8", "surrogatepass")
        self.caught[sink] += len(raw)
        self._text.setdefault(sink, set()).add(raw)

    def put_value(self, value: Any) -> None:
        """Keep all the ways in which somebody might show *value*."""
        self.put("repr", repr(value))
        self.put("str", f"{value} {value!s:>10}")
        if attrs.has(type(value)):
            self.put("asdict", attrs.asdict(value))
            self.put("astuple", attrs.astuple(value, recurse=True))
            self.put("cattrs", cattrs.unstructure(value))
        with suppress(TypeError, AttributeError, pickle.PicklingError):
            self.put("pickle", pickle.dumps(value))

    def put_error(self, error: BaseException) -> None:
        """Keep an error as tools show it that print variables, with all that led to it."""
        self.put("errors", f"{error} {error!r} {error.args!r} {getattr(error, '__dict__', '')}")
        seen, chain = set[int](), [error]
        while chain:
            one = chain.pop()
            if id(one) in seen:
                continue
            seen.add(id(one))
            self.put("causes", f"{one!r} {one.args!r}")
            if self._is_known(one):
                continue
            shown = traceback.TracebackException.from_exception(one, capture_locals=True, compact=False)
            for frame in shown.stack:
                if "/tests/" not in frame.filename:
                    self.put("variables", f"{type(one).__name__} of {error!r}: {frame.name} {frame.locals}")
            chain += [led for led in (one.__cause__, one.__context__) if led is not None]

    def _is_known(self, error: BaseException) -> bool:
        """Say whether an error that came the same way has been shown often enough: variables are long."""
        frames = [(frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__)]
        way = (type(error), tuple(frames))
        self._ways[way] += 1
        return self._ways[way] > SHOWN

    def found(self) -> list[tuple[str, str, bytes]]:
        """Sink, secret and context of each slice that was found.

        No secret has a space in any form, so words are looked at, each once: most are said again and again.
        """
        finds = []
        for sink, parts in self._text.items():
            text = b"\n".join({word for part in parts for word in part.split()})
            for name, secret in CANARIES.items():
                for form in _forms(secret):
                    if (at := _told(form, text)) >= 0:
                        finds.append((sink, name, _around(text[at : at + SLICE // 2], parts)))
                        break
        return finds


def _around(told: bytes, parts: set[bytes]) -> bytes:
    part = next(part for part in parts if told in part)
    at = part.find(told)
    return part[max(0, at - 200) : at + 40]


class _Everything(logging.Handler):
    """Takes each record as plain text, with its traceback and that traceback's variables."""

    def __init__(self, net: Net) -> None:
        super().__init__(logging.NOTSET)
        self._net = net

    def emit(self, record: logging.LogRecord) -> None:
        self._net.put("log", f"{record.name} {self.format(record)} {record.__dict__}")
        if record.exc_info and record.exc_info[1] is not None:
            self._net.put_error(record.exc_info[1])


@contextmanager
def cast(net: Net, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Catch every log line of the process, at DEBUG, and every error of the tree that is made."""
    made: list[RealtimeError] = []
    init = RealtimeError.__init__

    def noting(self: RealtimeError, *args: Any, **named: Any) -> None:
        init(self, *args, **named)
        made.append(self)

    monkeypatch.setattr(RealtimeError, "__init__", noting)
    root, handler = logging.getLogger(), _Everything(net)
    before, ours = root.level, logging.getLogger("realtime_lb").level
    root.addHandler(handler)
    root.setLevel(logging.NOTSET)
    logging.getLogger("realtime_lb").setLevel(logging.NOTSET)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        logging.getLogger("realtime_lb").setLevel(ours)
        for error in made:
            net.put_error(error)
