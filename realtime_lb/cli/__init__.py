"""The command line (extra ``cli``): the gateway as a process, and tools to ask it, to check and to try it.

Every command exits with 0 when it did what it should, with 1 when that could not be done (a port in use, a
deployment that does not answer), and with 2 when what it was given cannot be used (options, configuration,
missing packages). What goes wrong is one message on standard error: what, where, and how to mend it.
"""

from realtime_lb.cli.group import cli

__all__ = ["cli"]
