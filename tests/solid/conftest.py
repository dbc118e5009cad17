"""Two lanes here, too."""

from tests.gateway.conftest import each_lane

__all__ = ["each_lane"]
