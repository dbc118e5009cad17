"""Which deployments a request's tags leave."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from realtime_lb.deployments import Deployment

__all__ = ["DEFAULT_TAG", "tagged"]

DEFAULT_TAG = "default"
"""Marks the deployments for requests without tags, and for tags that nobody has."""


def tagged(
    deployments: Sequence[Deployment], tags: Sequence[str], *, match_any: bool = True
) -> tuple[Deployment, ...]:
    """Return those of *deployments* that a request with *tags* may use, in their order; perhaps none.

    The rules of LiteLLM 1.109.1 (``litellm/router_strategy/tag_based_routing.py``):

    - Tags: the deployments that have one of them (or all, with *match_any* False). Where there are none,
      those tagged `DEFAULT_TAG`, unless one of the tags is known to the group: then nobody.
    - No tags: the deployments tagged `DEFAULT_TAG`, or all where there is none.
    - ``!tag`` excludes who has it; ``&tag`` leaves only who has it. A request with nothing else starts from
      the whole group if it has a ``&tag``, otherwise as a request without tags does.

    LiteLLM's ``tag_regex``, ``allow_fail_open`` and ``tag_routing_prefix`` are not looked at.

    Args:
        deployments: The whole group, whatever their health: a tag whose only deployment is down is a tag
            that is known, and must not end up at another's.
        tags: What the request carries.
        match_any: One common tag is enough.
    """
    wish = _wish(tags)
    allowed = tuple(d for d in deployments if wish.allows(d))
    if wish.wanted:
        return _wanted(deployments, allowed, wish.wanted, match_any=match_any)
    if wish.required:
        return allowed
    return tuple(d for d in _default_or_all(deployments) if wish.allows(d))


@frozen
class _Wish:
    wanted: frozenset[str]
    required: frozenset[str]
    excluded: frozenset[str]

    def allows(self, deployment: Deployment) -> bool:
        return self.required.issubset(deployment.tags) and self.excluded.isdisjoint(deployment.tags)


def _wish(tags: Sequence[str]) -> _Wish:
    return _Wish(
        wanted=frozenset(tag for tag in tags if not tag.startswith(("!", "&"))),
        required=frozenset(tag[1:] for tag in tags if tag.startswith("&") and len(tag) > 1),
        excluded=frozenset(tag[1:] for tag in tags if tag.startswith("!") and len(tag) > 1),
    )


def _wanted(
    deployments: Sequence[Deployment],
    allowed: tuple[Deployment, ...],
    wanted: frozenset[str],
    *,
    match_any: bool,
) -> tuple[Deployment, ...]:
    if found := tuple(d for d in allowed if _holds(wanted, d, match_any=match_any)):
        return found
    if any(not wanted.isdisjoint(d.tags) for d in deployments):
        return ()
    return tuple(d for d in allowed if DEFAULT_TAG in d.tags)


def _holds(wanted: frozenset[str], deployment: Deployment, *, match_any: bool) -> bool:
    return not wanted.isdisjoint(deployment.tags) if match_any else wanted.issubset(deployment.tags)


def _default_or_all(deployments: Sequence[Deployment]) -> tuple[Deployment, ...]:
    return tuple(d for d in deployments if DEFAULT_TAG in d.tags) or tuple(deployments)
