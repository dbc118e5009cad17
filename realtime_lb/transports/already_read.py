"""What a peer said behind its handshake, while aiohttp still read."""

from __future__ import annotations

__all__ = ["AlreadyRead"]


class AlreadyRead:
    """Stands where aiohttp puts its websocket parser, and keeps what that would have got.

    Attributes:
        data: All of it, in order.
    """

    def __init__(self) -> None:
        self.data = b""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Take what was read. Says that there is more to come and nothing left over."""
        self.data += data
        return False, b""

    def feed_eof(self) -> None:
        """Take it that no more comes: whoever owns the socket sees that too."""
