"""An upstream proves who it is, or it is not told our key; nothing turns that off by accident."""

import asyncio
import logging
import ssl
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from realtime_lb import DialRequest, LimitSettings, Secret, Tls
from realtime_lb.config import parse_config
from realtime_lb.errors import ConfigError, UpstreamUnreachable
from realtime_lb.transports.aiohttp_transport import AiohttpTransport
from realtime_lb.transports.picows_transport import PicowsTransport

KEY = "Bearer sk-canary-7f3a9c1e5b2d"
ISSUED = datetime.now(UTC)

log = logging.getLogger("figures")

Certify = Callable[[trustme.CA, trustme.CA], trustme.LeafCert]


def right(ours: trustme.CA, _theirs: trustme.CA) -> trustme.LeafCert:
    return ours.issue_cert("localhost")


BAD: dict[str, Certify] = {
    "self-signed": lambda _ours, theirs: theirs.issue_cert("localhost"),
    "wrong name": lambda ours, _theirs: ours.issue_cert("elsewhere.example"),
    "expired": lambda ours, _theirs: ours.issue_cert("localhost", not_after=ISSUED - timedelta(days=1)),
    "not yet valid": lambda ours, _theirs: ours.issue_cert(
        "localhost", not_before=ISSUED + timedelta(days=1), not_after=ISSUED + timedelta(days=2)
    ),
    "an address in place of the name": lambda ours, _theirs: ours.issue_cert("127.0.0.1"),
    "a neighbour's wildcard": lambda ours, _theirs: ours.issue_cert("*.localhost"),
}


@asynccontextmanager
async def listening(
    certificate: trustme.LeafCert, *, oldest: bool = False
) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A TLS server and what it is told; with *oldest* it knows nothing newer than TLS 1.0."""
    told: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told.append(await reader.read(1024))
        writer.close()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    if oldest:
        _only_tls_1_0(context)
    server = await asyncio.start_server(hear, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"wss://localhost:{server.sockets[0].getsockname()[1]}/", told


def _only_tls_1_0(context: ssl.SSLContext) -> None:
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1


@pytest.fixture(params=[AiohttpTransport, PicowsTransport], ids=["aiohttp", "fast"])
def dials(request: pytest.FixtureRequest) -> Any:
    return request.param


async def refused(dials: Any, url: str, tls: Tls) -> str:
    transport = dials(LimitSettings())
    try:
        with pytest.raises(UpstreamUnreachable) as error:
            await transport.connect(
                DialRequest(url=url, headers={"Authorization": Secret(KEY)}, tls=tls), 5.0
            )
    finally:
        await transport.aclose()
    return str(error.value)


@pytest.fixture
def ours(tmp_path: Path) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return authority


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("trusted", ["system", "bundle"])
async def test_who_cannot_prove_its_name_is_not_told_the_key(
    dials: Any, bad: str, trusted: str, ours: trustme.CA, tmp_path: Path
) -> None:
    tls = Tls(ca_file=tmp_path / "ca.pem") if trusted == "bundle" else Tls()
    async with listening(BAD[bad](ours, trustme.CA())) as (url, told):
        why = await refused(dials, url, tls)
    assert "certificate" in why.lower() or "hostname" in why.lower()
    assert told in ([], [b""])


async def test_tls_1_0_is_refused_by_us(dials: Any, ours: trustme.CA, tmp_path: Path) -> None:
    """A client that takes it gets through to that server: it is we who do not."""
    async with listening(right(ours, ours), oldest=True) as (url, told):
        await refused(dials, url, Tls(ca_file=tmp_path / "ca.pem"))
        await refused(dials, url, Tls(verify=False))
        assert told in ([], [b""], [b"", b""])
        lax = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        _only_tls_1_0(lax)
        port = int(url.rpartition(":")[2].strip("/"))
        reader, writer = await asyncio.open_connection("localhost", port, ssl=lax)
        assert writer.get_extra_info("ssl_object").version() == "TLSv1"
        writer.write(b"hello")
        await reader.read()
        writer.close()
        assert told[-1] == b"hello"
    log.info(
        "figure: E13 %d bad certificates and TLS 1.0 refused, by the system's store and by a bundle", len(BAD)
    )


@pytest.mark.parametrize("falsy", [None, 0, "", "false", [], "no"])
def test_only_false_itself_turns_it_off(falsy: Any) -> None:
    """What an unset variable becomes does not."""
    with pytest.raises(TypeError):
        Tls(verify=falsy)
    assert Tls().verify is Tls(ca_file=Path("x")).verify is True


@pytest.mark.parametrize("written", ["", "null", "'false'", "'no'", "0", "[]", "'0'", "''", "~"])
def test_nothing_in_the_file_but_the_boolean_turns_it_off(written: str) -> None:
    """Whatever else is written there, it is refused or leaves it on."""
    text = f"""
model_list:
  - model_name: voice
    litellm_params: {{model: openai/gpt-realtime, api_key: k, ssl_verify: {written or "null"}}}
litellm_settings: {{ssl_verify: {written or "null"}}}
"""
    try:
        (deployment,) = parse_config(text, environ={}, is_file=lambda _: True).settings.deployments
    except ConfigError:
        return
    assert deployment.tls.verify is True


def test_a_deployments_own_word_is_not_overruled_by_the_default() -> None:
    text = """
model_list:
  - model_name: voice
    litellm_params: {model: openai/gpt-realtime, api_key: k, ssl_verify: true}
  - model_name: voice
    litellm_params: {model: openai/gpt-realtime, api_key: k}
litellm_settings: {ssl_verify: false}
"""
    settings = parse_config(text, environ={}).settings
    assert [deployment.tls.verify for deployment in settings.deployments] == [True, False]
