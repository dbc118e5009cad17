"""``realtime-lb`` and ``python -m realtime_lb``."""

from __future__ import annotations

import sys

from realtime_lb.errors import MissingExtra

__all__ = ["main"]

_PACKAGES_OF_THE_EXTRA = frozenset({"click", "rich"})


def main() -> None:
    """Run the command line; without the packages of its extra, say how to get them and exit with 2."""
    try:
        from realtime_lb.cli import cli
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in _PACKAGES_OF_THE_EXTRA:
            raise
        sys.stderr.write(f"realtime-lb: {MissingExtra('cli', 'The command line')}\n")
        raise SystemExit(2) from None
    cli(prog_name="realtime-lb")


if __name__ == "__main__":
    main()
