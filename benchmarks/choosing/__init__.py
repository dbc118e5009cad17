"""How well deployments are chosen: strategies side by side, in simulated hours and on real sockets.

The router is the real one. Simulated are the upstreams, the callers and time itself: an hour of a thousand
sessions passes in a second, and the same seed gives the same hour.
"""
