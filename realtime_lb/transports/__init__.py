"""How to reach an upstream: one file per outside library."""

from realtime_lb.transports.insides import check_aiohttp

check_aiohttp()
