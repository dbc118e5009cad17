"""Whether a file holds something new.

It is looked at, and nobody is asked to tell: what tells of changes (inotify, kqueue) is of each system its
own, says nothing on network file systems, and loses sight of a file that is replaced through a symbolic link,
as Kubernetes replaces a ConfigMap's. A look a second costs microseconds.
"""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path
from typing import TypeAlias

__all__ = ["Watch"]

_Shape: TypeAlias = tuple[int, int, int, int] | None
"""Device, inode, size and time of the last change; None where there is no file that can be read twice."""


class Watch:
    """What was last known of a file.

    Args:
        file: Which. It counts as known as it is now.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._shape = self._known_shape = self._looked_at()
        self._known = self._content()

    def is_new(self, anyway: bool) -> bool:
        """Look, and say whether there is to be read what is not known; it is known from then on.

        What has changed since the last look is perhaps half written: it counts only when the next look finds
        it as it was. Content that is the same is nothing new, however often it was written.

        Args:
            anyway: Somebody says so: it is to be read.
        """
        before, self._shape = self._shape, self._looked_at()
        if not anyway and (self._shape == self._known_shape or self._shape != before):
            return False
        self._known_shape = self._shape
        before_content, self._known = self._known, self._content()
        return anyway or self._known != before_content

    def _looked_at(self) -> _Shape:
        try:
            found = self._file.stat()
        except OSError:
            return None
        if not stat.S_ISREG(found.st_mode):  # a pipe is read once, and not by us
            return None
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

    def _content(self) -> bytes | None:
        if self._shape is None:
            return None
        try:
            return hashlib.sha256(self._file.read_bytes()).digest()
        except OSError:
            return None
