"""A load rig that measures a websocket proxy from outside: its CPU, memory, latency and opens.

One process, pinned to one core, holds the clients and the upstream; the proxy is a process of its own on
another core. ``benchmarks/README.md`` says how to run it and what its figures mean.
"""
