"""What aiohttp's reader of frames is in the midst of, which it tells nobody."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp._websocket.reader_py import READ_HEADER, WebSocketReader

from realtime_lb.transports.aiohttp_pace import handler_of

__all__ = ["is_within_message"]

_NO_MESSAGE = -1
_CONTROL = 8
"""Opcodes from here on are not of messages (RFC 6455, section 5.2)."""


def _places() -> tuple[int, int, int, int]:
    """Return how much a reader holds, and where three parts of it are in what it gives to be pickled."""
    queue: Any = None
    try:
        names = sorted(vars(WebSocketReader(queue, 0, False, False)))  # noqa: FBT003  # aiohttp's
        state, frame_opcode, opcode = map(names.index, ("_state", "_frame_opcode", "_opcode"))
    except (TypeError, ValueError):  # another version of aiohttp
        return 0, 0, 0, 0
    return len(names), state, frame_opcode, opcode


_PARTS, _STATE_AT, _FRAME_OPCODE_AT, _OPCODE_AT = _places()


def is_within_message(transport: asyncio.Transport) -> bool:
    """Say whether part of a message has been read from *transport*, and not all of it.

    The compiled reader has no attributes. To be pickled it would give all that it holds, and that costs as
    much as making a tuple. False where it does not, in another version of aiohttp.
    """
    reader = getattr(handler_of(transport), "_payload_parser", None)
    pickled = getattr(reader, "__reduce_cython__", None)
    held = () if pickled is None else pickled()[-1]
    if not held or len(held) != _PARTS:
        return False
    is_in_frame = held[_STATE_AT] != READ_HEADER and held[_FRAME_OPCODE_AT] < _CONTROL
    return bool(is_in_frame or held[_OPCODE_AT] != _NO_MESSAGE)
