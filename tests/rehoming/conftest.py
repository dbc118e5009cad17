"""The clients' processes here, too."""

from tests.clients.conftest import sdks

__all__ = ["sdks"]
