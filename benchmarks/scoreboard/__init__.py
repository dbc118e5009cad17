"""The scoreboard: what happens to live sessions on bad days, here and behind other proxies, in one run.

It judges from outside, by what clients and upstreams see. What can be seen from inside only, such as a task
that is left over, is shown by tests of ours, whose figures stand below the table.
"""
