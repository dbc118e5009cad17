"""Our own parsers, each as a function of any bytes: it returns, or what it promises is not true."""

import json
import math
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from realtime_lb import Deployment, LoggingSettings, ServerSettings
from realtime_lb.accounting.prices import price_of, price_per_minute
from realtime_lb.accounting.usage import UsageSum
from realtime_lb.config import parse_config
from realtime_lb.dialects import Translator
from realtime_lb.dotted import ABSENT, at, moved, put, without
from realtime_lb.errors import ConfigError, InvalidEvent, InvalidRequest
from realtime_lb.events import event_type, parse_event, type_span
from realtime_lb.frames import REASON_LIMIT_BYTES, Close, Frame, Opcode, shorten_reason
from realtime_lb.health import LONGEST_DELAY_S
from realtime_lb.journal import Journal
from realtime_lb.meter import Meter
from realtime_lb.requests import Principal
from realtime_lb.server.reading import affinity_of, key_of, session_request, tags_of
from realtime_lb.simulator import FaultTextError, parse_fault, parse_faults
from realtime_lb.transports.aiohttp_transport import _retry_after_s
from realtime_lb.transports.aiohttp_upgrade import is_handshake, subprotocol_for
from realtime_lb.typing import Dialect

__all__ = ["TARGETS", "Target"]

Target = Callable[[bytes], None]

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SERVER = ServerSettings(allow_query_key=True)


def sniffer(data: bytes) -> None:
    """The type of an event, read without a parse, is the one that a parse finds."""
    kind, span = event_type(data), type_span(data)
    assert (kind is None) is (span is None)
    if span is not None and b"\\" not in data[slice(*span)]:
        assert data[slice(*span)].decode() == kind
    once = _once(data)
    if once is not None and kind is not None:
        assert once.get("type") == kind


def _once(data: bytes) -> dict[str, Any] | None:
    """Return the object that *data* is, if every name in it stands there once."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in found]
        if len(set(names)) < len(names):
            raise ValueError("a name twice")
        return dict(found)

    try:
        value = json.loads(data.decode(), object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def parser(data: bytes) -> None:
    """A parse gives an object that can be written again, or nothing."""
    event = parse_event(data)
    if event is not None:
        json.dumps(event)


def request(data: bytes) -> None:
    """A query and headers are a wish, or an `InvalidRequest`."""
    asked_for, *headed = data.split(b"\n")
    query = asked_for.decode("utf-8", "replace")  # aiohttp refuses others
    lines = [line.decode("utf-8", "surrogateescape") for line in headed]
    headers = CIMultiDict(Host="x")
    for line in lines:
        name, _, value = line.partition(":")
        if name.isascii() and name.replace("-", "").isalnum():
            headers.add(name, value.strip())
    try:
        url = URL.build(path="/openai/realtime", query_string=query, encoded=True)
    except ValueError:  # aiohttp's to refuse
        return
    asked = make_mocked_request("GET", "/openai/realtime")
    asked._headers, asked._rel_url = CIMultiDictProxy(headers), url  # as a socket would bring them
    _offers(asked)
    with suppress(InvalidRequest):
        key_of(asked, SERVER)
        session_request(asked, Principal("x"), SERVER)
    for parse in (affinity_of, tags_of):
        with suppress(InvalidRequest):
            parse(lines)


def _offers(asked: web.Request) -> None:
    assert subprotocol_for(asked) in {None, "realtime"}
    assert is_handshake(asked) in {True, False}


def config(data: bytes) -> None:
    """A document is a configuration, or a `ConfigError` that says where it is not."""
    with suppress(ConfigError):
        parse_config(data.decode("utf-8", "replace"), file="x.yaml", environ={"X": "1"})


def retry_after(data: bytes) -> None:
    """A delay is a finite number within bounds, or none."""
    text = data.decode("utf-8", "surrogateescape")
    for name in ("Retry-After", "retry-after-ms"):
        delay_s = _retry_after_s({name: text}, NOW)
        assert delay_s is None or (math.isfinite(delay_s) and 0 <= delay_s <= LONGEST_DELAY_S)


def faults(data: bytes) -> None:
    """A line of faults is faults, or a `FaultTextError`."""
    for parse in (parse_fault, parse_faults):
        with suppress(FaultTextError):
            parse(data.decode("utf-8", "replace"))


def dotted(data: bytes) -> None:
    """What is put somewhere is there, and what is taken away is not."""
    path, _, text = data.decode("utf-8", "replace").partition("\n")
    event = parse_event(text.encode())
    if event is None:
        return
    before = json.dumps(event)
    assert at(put(event, path, 1), path) == 1
    if at(event, path) is not ABSENT:
        assert at(without(event, path), path) is ABSENT
        assert at(moved(event, path, "x.y"), "x.y") is not ABSENT
    assert json.dumps(event) == before


def prices(data: bytes) -> None:
    """Whatever a deployment is called and says that it costs: a minute has no price, or one."""
    model, _, text = data.decode("utf-8", "replace").partition("\n")
    own = parse_event(text.encode()) or {}
    for provider in ("openai", "azure", "xai", "azure_voice_live"):
        deployment = Deployment(
            id="a", model_group="m", model=model, provider=provider, base_model=model[:9] or None, prices=own
        )
        price_of(deployment)
        costs = price_per_minute(deployment)
        assert costs is None or costs >= 0


def translation(data: bytes) -> None:
    """A client's frame is translated, or an `InvalidEvent`; an upstream's is translated, whatever it is."""
    frame = Frame(Opcode.TEXT, data)
    for client in Dialect:
        for upstream in Dialect:
            translator = Translator(client=client, upstream=upstream, on_loss=lambda *_loss: None)
            for _ in range(2):
                translator.from_upstream(frame)
                with suppress(InvalidEvent):
                    translator.from_client(frame)


def journal(data: bytes) -> None:
    """What is kept of a session stays within its bounds, whatever either side says."""
    for dialect in Dialect:
        kept = Journal(dialect, most_bytes=2_000, most_items=3)
        for line in data.split(b"\n"):
            kind = event_type(line)
            if kind is not None:
                kept.client_said(kind, line)
                kept.client_told(kind, Frame(Opcode.TEXT, line))


def accounting(data: bytes) -> None:
    """Tokens are counted, or are not; the log gets what can be written."""
    told: list[Any] = []
    meter = Meter("s", told.append, LoggingSettings(event_types=None), lambda: 0.0)
    usage = UsageSum()
    for line in data.split(b"\n"):
        frame = Frame(Opcode.TEXT, line)
        meter.see_client(frame)
        meter.see_upstream(frame)
        if (event := parse_event(line)) is not None:
            usage.add(event)
    assert min(usage.total.input_tokens, usage.total.output_tokens) >= 0


def goodbye(data: bytes) -> None:
    """A close that is passed on may be sent, whatever came."""
    said = Close(int.from_bytes(data[:2], "big"), data[2:].decode("utf-8", "surrogateescape"))
    passed_on = said.sendable(unsaid=1011)
    assert 1000 <= passed_on.code <= 4999
    assert passed_on.code not in {1004, 1005, 1006, 1015}
    assert len(shorten_reason(said.reason).encode()) <= REASON_LIMIT_BYTES


TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (
        sniffer,
        parser,
        request,
        config,
        retry_after,
        faults,
        dotted,
        prices,
        translation,
        journal,
        accounting,
        goodbye,
    )
}
