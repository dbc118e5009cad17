"""What aiohttp's reader of frames is in the midst of, which it tells nobody."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp._websocket.reader_py import READ_HEADER, WebSocketReader

__all__ = ["is_within_message"]

_NO_MESSAGE = -1
_CONTROL = 8
"""Opcodes from here on are not of messages (RFC 6455, section 5.2)."""


def _names() -> tuple[str, ...]:
    queue: Any = None
    return tuple(sorted(vars(WebSocketReader(queue, 0, False, False))))  # noqa: FBT003  # aiohttp's


_NAMES = _names()
"""Of what a reader holds, in the order in which the compiled one gives it to be pickled."""


def is_within_message(transport: asyncio.Transport) -> bool:
    """Say whether part of a message has been read from *transport*, and not all of it.

    The compiled reader has no attributes. To be pickled it would give all that it holds, and that costs as
    much as making a tuple. False where it does not, in another version of aiohttp.
    """
    reader = getattr(transport.get_protocol(), "_payload_parser", None)
    pickled = getattr(reader, "__reduce_cython__", None)
    if pickled is None:
        return False
    held = pickled()[-1]
    if len(held) != len(_NAMES):
        return False
    state = dict(zip(_NAMES, held, strict=True))
    is_in_frame = state["_state"] != READ_HEADER and state["_frame_opcode"] < _CONTROL
    return bool(is_in_frame or state["_opcode"] != _NO_MESSAGE)
