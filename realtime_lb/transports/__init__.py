"""How to reach an upstream: one file per outside library."""
