"""What people write as ``api_base``, brought to one form.

A base may be the root of a server, any part of the path down to ``/realtime``, end in slashes, and have the
scheme of the REST API (``https``) or of the websocket (``wss``): vendors, their portals and their SDKs show
all of these.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from yarl import URL

from realtime_lb.deployments import Deployment
from realtime_lb.providers.problems import misconfigured

__all__ = ["azure_root", "read_base", "v1_endpoint", "voice_live_root"]

_WEBSOCKET_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}

_NEVER_IN_A_URL = re.compile(r"[\x00-\x20\x7f\\]")
"""Parsers drop or reinterpret these silently (WHATWG URL, section 4.4), so that what is checked would not be
what is dialled."""

_HOST = re.compile(r"[0-9a-z_-]+(\.[0-9a-z_-]+)*\.?", re.IGNORECASE)

_LIKE_A_NUMBER = re.compile(r"(\d+|0x[0-9a-f]*)\.?", re.IGNORECASE)
"""The last label of a host that resolvers take for an IPv4 address, such as ``2130706433``, ``127.1`` or
``0x7f000001`` (WHATWG URL, section 3.5, "ends in a number")."""

_METADATA = frozenset({"metadata", "metadata.google.internal", "metadata.goog", "fd00:ec2::254"})
"""Where Google's and Amazon's machines fetch their own credentials, beside the link-local addresses."""

_AZURE_DOMAINS = (".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com")
"""Azure: realtime-audio-websockets page and the Foundry endpoint pages."""

_AZURE_TAILS = ("/openai/v1/realtime", "/openai/realtime", "/openai/v1", "/openai")
"""Longest first, since one is the end of none but the start of another."""

_VOICE_LIVE_TAILS = ("/voice-live/realtime", "/voice-live")
"""Voice Live how-to: the path of the websocket. Its SDK takes the address before that."""


def read_base(deployment: Deployment, default: str | None = None) -> URL:
    """Return the deployment's ``api_base`` as a ``ws`` or ``wss`` URL whose path ends in no slash.

    Host, port and path stay. Credentials, a query and a fragment are refused: a key in an address ends up in
    logs, and parameters are the adapter's to set. So are hosts that are not what they look like, and those
    where a cloud's machines find their credentials.

    Args:
        deployment: Whose base to read.
        default: The base of a deployment without one; None means that it must have one.

    Raises:
        ConfigError: The base is missing or is not such a URL.
    """
    text = deployment.api_base or default
    if not text:
        raise misconfigured(deployment, "api_base", "is needed for this provider")
    try:
        return _read(text)
    except _NoBaseError as problem:
        raise misconfigured(deployment, "api_base", *problem.args) from None


class _NoBaseError(ValueError):
    """What is wrong with an ``api_base``, and how to mend it."""


@lru_cache(maxsize=1024)  # each open asks for one of the same few
def _read(text: str) -> URL:
    if _NEVER_IN_A_URL.search(text):
        raise _NoBaseError("holds a space, a backslash or a control character")
    try:
        base = URL(text)
    except ValueError:  # its text would quote the base
        raise _NoBaseError("is not a URL") from None
    if base.scheme not in _WEBSOCKET_SCHEMES or not base.host:
        raise _NoBaseError("is not an http, https, ws or wss URL", "begin it with https://")
    if "@" in base.raw_authority or "@" in text.partition("//")[2].partition("/")[0]:
        raise _NoBaseError("holds credentials", "put the key into api_key")
    if "?" in text or "#" in text:
        raise _NoBaseError(
            "holds a query or a fragment",
            "put the deployment's name into model, the version into api_version and the key into api_key",
        )
    if problem := _problem_of(base.raw_host or ""):
        raise _NoBaseError(problem)
    return _with_path(base, base.raw_path.rstrip("/")).with_scheme(_WEBSOCKET_SCHEMES[base.scheme])


def _problem_of(host: str) -> str:
    """Return what is wrong with *host*, as it would be dialled; empty if nothing is."""
    address = _address(host)
    if address is None and not _HOST.fullmatch(host):
        return "has a host that is no name and no address"
    if address is None and _LIKE_A_NUMBER.fullmatch(host.removesuffix(".").rpartition(".")[2]):
        return "has an address in place of a name that is not written as four numbers"
    if host.lower().removesuffix(".") in _METADATA or (address is not None and address.is_link_local):
        return "is where a cloud's machines fetch their credentials, and no model"
    return ""


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def v1_endpoint(base: URL) -> URL:
    """Return the realtime endpoint of a server that is laid out as OpenAI's.

    ``/realtime`` is added to a path that ends in ``/v1``, ``/v1/realtime`` to any other, and nothing to one
    that ends in ``/realtime``. What comes before is kept, so that a gateway may serve under a prefix.
    """
    path = base.raw_path.rstrip("/")
    if path.endswith("/realtime"):
        return base
    return _with_path(base, f"{path}/realtime" if path.endswith("/v1") else f"{path}/v1/realtime")


def azure_root(deployment: Deployment) -> URL:
    """Return the part of an Azure base that both of its protocols share: all before ``/openai``.

    Raises:
        ConfigError: The base is missing, is not a URL, or is an Azure host with a path that Azure does not
            document for realtime. Other hosts may have a prefix: they are gateways in front of Azure.
    """
    return _before(deployment, _AZURE_TAILS, "https://<resource>.openai.azure.com")


def voice_live_root(deployment: Deployment) -> URL:
    """Return the part of an Azure base before ``/voice-live``. Raises as `azure_root` does."""
    return _before(deployment, _VOICE_LIVE_TAILS, "https://<resource>.services.ai.azure.com")


def _before(deployment: Deployment, tails: tuple[str, ...], example: str) -> URL:
    base = read_base(deployment)
    path = base.raw_path.rstrip("/")
    tail = next((tail for tail in tails if path.endswith(tail)), "")
    prefix = path.removesuffix(tail)
    if prefix and (base.host or "").endswith(_AZURE_DOMAINS):
        raise misconfigured(
            deployment,
            "api_base",
            "has a path where Azure serves no realtime endpoint",
            f"use the resource's address alone, such as {example}",
        )
    return _with_path(base, prefix)


def _with_path(url: URL, raw_path: str) -> URL:
    return url.with_path(raw_path or "/", encoded=True)
