"""What we lean on in aiohttp although it promises it to nobody.

It is looked for once, at the import: another aiohttp is then refused in words, and not found out in a call.
"""

from __future__ import annotations

import importlib
import types
from collections.abc import Iterator

import aiohttp
from aiohttp.base_protocol import BaseProtocol

__all__ = ["check_aiohttp", "holds_back"]

KNOWN = ">=3.14.5,<3.15"
"""As in ``pyproject.toml``."""

LEANT_ON = {
    "aiohttp.connector:TCPConnector": ("_wrap_create_connection",),
    "aiohttp.client_proto:ResponseHandler": (
        *("_buffer_paused", "_data_received_cb", "_reading_paused", "_payload_parser", "upgraded"),
        *("data_received", "eof_received", "set_exception", "set_parser", "pause_writing", "resume_writing"),
    ),
    "aiohttp.client_ws:ClientWebSocketResponse": ("_exception", "_parser", "_writer"),
    "aiohttp.http_parser:HttpRequestParser": ("feed_data", "message_consumed", "set_upgraded"),
    "aiohttp.http_websocket:WebSocketReader": (),
    "aiohttp.http_websocket:WebSocketWriter": ("send_frame",),
    "aiohttp.web_ws:WebSocketResponse": (
        *("_exception", "_parser", "_post_start", "_reader", "_writer", "_ws_protocol"),
    ),
    "aiohttp.web_protocol:RequestHandler": (
        *(
            "_buffer_paused",
            "_close",
            "_current_request",
            "_data_received_cb",
            "_parser",
            "_payload_parser",
            "_reading_paused",
            "_task_handler",
        ),
        *("handle_error", "keep_alive", "set_parser", "start"),
    ),
    "aiohttp.web_runner:AppRunner": ("_make_server",),
    "aiohttp.web_server:Server": ("_kwargs", "_loop", "request_factory", "request_handler"),
    "aiohttp._websocket.reader:WebSocketDataQueue": ("_protocol", "_size", "feed_data", "set_exception"),
    "aiohttp._websocket.reader_py:WebSocketReader": (),
    "aiohttp._websocket.reader_py:READ_HEADER": (),
}
"""Names in modules, and what each of them has."""


def check_aiohttp() -> None:
    """Look for all that is leant on.

    Raises:
        ImportError: The aiohttp that is installed has not all of it.
    """
    if missing := list(_missing()):
        raise ImportError(
            f"realtime_lb does not know aiohttp {aiohttp.__version__}, which has no {', '.join(missing)}; "
            f"pip install 'aiohttp{KNOWN}'",
            name="aiohttp",
        )


def holds_back(protocol: BaseProtocol) -> bool:
    """Say whether a protocol of aiohttp's wants nothing to be read for now; it tells nobody."""
    return protocol._reading_paused or protocol._buffer_paused  # noqa: SLF001


def _missing() -> Iterator[str]:
    for place, names in LEANT_ON.items():
        module, _, name = place.partition(":")
        try:
            owner = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):
            yield name
            continue
        yield from (f"{name}.{each}" for each in names if not _has(owner, each))


def _has(owner: type, name: str) -> bool:
    """Say whether instances of *owner* have *name*, if only because they are given it as they are made."""
    made = (vars(base).get("__init__") for base in owner.__mro__)
    given = {each for init in made if isinstance(init, types.FunctionType) for each in init.__code__.co_names}
    return hasattr(owner, name) or name in given
