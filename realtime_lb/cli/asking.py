"""Talking to a running gateway's operators' listener: where it is, with which key, what its answer holds."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

import aiohttp
import cattrs
import click
from attrs import frozen

from realtime_lb.cli.configuration import read_configuration
from realtime_lb.cli.failures import CannotBeDone, Unusable, printable
from realtime_lb.settings import ServerSettings
from realtime_lb.typing import JsonObject, Secret

__all__ = ["Gatehouse", "ask", "config_of_gateway", "gatehouse", "json_option", "url_option"]

_PATIENCE_S = 10.0
"""The answer is a matter of milliseconds; what takes this long hangs."""

_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  # told apart, not bound
"""What a server may listen on, and how to reach it from its own machine."""

config_of_gateway = click.option(
    "--config",
    "-c",
    metavar="FILE",
    type=click.Path(path_type=Path),
    envvar="CONFIG_FILE_PATH",
    show_envvar=True,
    help="The gateway's YAML file: where its operators' listener is, and its master_key. Without it, "
    "LITELLM_MASTER_KEY is the key.",
)
url_option = click.option(
    "--url", help="Where the operators' listener is, instead of what the configuration says."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")

Record = TypeVar("Record")
Method: TypeAlias = Literal["GET", "POST"]


@frozen
class Gatehouse:
    """Where to ask.

    Attributes:
        url: The listener's root.
        key: What it wants to see, if anything.
    """

    url: str
    key: Secret | None


def gatehouse(config: Path | None, url: str | None) -> Gatehouse:
    """Return where *config* says that operators are answered; *url* wins.

    Raises:
        Unusable: The file has problems, or nobody listens by its word, or *url* is none.
    """
    if config is None:
        from_environment = os.environ.get("LITELLM_MASTER_KEY")
        server = ServerSettings(master_key=Secret(from_environment) if from_environment else None)
    else:
        server = read_configuration(config).settings.server
    if url is None:
        return Gatehouse(_url_of(server), server.master_key)
    return Gatehouse(_checked(url), server.master_key)


def _checked(url: str) -> str:
    """Return *url* as a root that may be shown. What is refused is not: it may hold a key."""
    if not url.startswith(("http://", "https://")):
        raise Unusable("--url is no address: write it as http://127.0.0.1:4001")
    if "@" in url or "?" in url or "#" in url:
        raise Unusable(
            "--url holds more than an address: write it as http://127.0.0.1:4001; "
            "--config or LITELLM_MASTER_KEY can name the key"
        )
    return url.rstrip("/")


def _url_of(server: ServerSettings) -> str:
    if server.admin_port == 0:
        raise Unusable(
            "this configuration answers no operators: realtime_lb.server.admin_port is 0; "
            "set it, or say with --url where else to ask"
        )
    host = _ANY_ADDRESS.get(server.admin_host, server.admin_host)
    return f"http://{f'[{host}]' if ':' in host else host}:{server.admin_port}"


def ask(
    where: Gatehouse,
    path: str,
    query: Mapping[str, str],
    read: Callable[[JsonObject, cattrs.Converter], Record],
    *,
    method: Method = "GET",
) -> tuple[JsonObject, Record]:
    """Return the answer to a request for *path*: as it came, and as *read* makes records of it.

    Raises:
        CannotBeDone: Nobody answers there, or not as an operators' listener does.
        Unusable: The key is wrong, or what was asked for is not there.
    """
    status, body = asyncio.run(_fetch(where, method, path, query))
    if status == 200 and isinstance(body, dict):
        try:
            return body, read(body, _CONVERTER)
        except (cattrs.BaseValidationError, KeyError, TypeError, ValueError):
            raise CannotBeDone(
                f"{where.url} answers in a way that this version does not know: "
                "use the realtime-lb that the gateway runs"
            ) from None
    raise _refusal(where, status, body)


async def _fetch(where: Gatehouse, method: Method, path: str, query: Mapping[str, str]) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {where.key.reveal()}"} if where.key else {}
    timeout = aiohttp.ClientTimeout(total=_PATIENCE_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            # The key belongs to this address, not to where somebody there may point.
            http.request(
                method, where.url + path, params=query, headers=headers, allow_redirects=False
            ) as response,
        ):
            return response.status, await _json_of(response)
    except aiohttp.InvalidURL:
        raise Unusable("--url is no address: write it as http://127.0.0.1:4001") from None
    except TimeoutError:
        raise CannotBeDone(f"{where.url} does not answer within {_PATIENCE_S:.0f} s") from None
    except (aiohttp.ClientError, OSError) as error:
        raise CannotBeDone(
            f"nobody answers operators at {where.url}: {_reason(error)}; is 'realtime-lb serve' running, and "
            "is this the address that it named at its start? --url gives another; with --workers there is "
            "none"
        ) from None


async def _json_of(response: aiohttp.ClientResponse) -> Any:
    """Return the body, or None where it is no JSON, whatever it is called."""
    try:
        return await response.json(content_type=None)
    except ValueError:
        return None


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "no such host"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return "the connection broke off"


def _refusal(where: Gatehouse, status: int, body: Any) -> click.ClickException:
    told = body.get("error") if isinstance(body, dict) else None
    if not isinstance(told, dict) or not isinstance(told.get("message"), str):
        return CannotBeDone(
            f"{where.url} is not where operators are answered (HTTP {status}): give the address that "
            "'realtime-lb serve' names at its start, with --url"
        )
    if told.get("code") == "missing_model":
        return Unusable("name a MODEL: this gateway has no default_model")
    if status == 401:
        hint = "it is not this gateway's" if where.key else "--config or LITELLM_MASTER_KEY can name it"
        return Unusable(f"{where.url} wants the master key: {hint}")
    return Unusable(printable(told["message"]))


def _number(value: float | None, _: object) -> float:
    """Read what JSON has no word for: infinite, or not a number."""
    return math.nan if value is None else float(value)


_CONVERTER = cattrs.Converter()
_CONVERTER.register_structure_hook(float, _number)
