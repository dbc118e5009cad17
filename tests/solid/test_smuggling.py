"""Requests within requests: whatever an upgrade brings with it, one gets an answer and no other is run."""

import asyncio

import pytest
from yarl import URL

from realtime_lb import Secret, ServerSettings
from tests.support import UPGRADE, deployment, gateway, greet_and_echo, upstream

pytestmark = pytest.mark.usefixtures("each_lane")

HIDDEN = b"GET /health/liveliness HTTP/1.1\r\nHost: x\r\n\r\n"
RUN = b"I'm alive!"
"""The answer to the hidden request, if anybody runs it."""

SIZE = len(HIDDEN)
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (SIZE, HIDDEN)
PATH = b"/v1/realtime?model=voice"

PLAIN = {b"Host": b"x", b"Authorization": b"Bearer sk-1"}
PLAIN |= {name.encode(): value.encode() for name, value in UPGRADE.items()}


def asked(
    start: bytes = b"GET " + PATH + b" HTTP/1.1",
    *more: bytes,
    body: bytes = HIDDEN,
    end: bytes = b"\r\n",
    **other: bytes,
) -> bytes:
    """Return an upgrade with *more* lines and *other* values of headers; an empty one leaves a header out."""
    headers = PLAIN | {name.replace("_", "-").encode(): value for name, value in other.items()}
    lines = [start, *(b"%s: %s" % pair for pair in headers.items() if pair[1]), *more, b"", b""]
    return end.join(lines) + body


def length(said: bytes) -> bytes:
    return b"Content-Length: " + said


START = b"GET " + PATH + b" HTTP/1.1"
TE = b"Transfer-Encoding: chunked"
ATTEMPTS = {
    "a body": asked(START, length(b"%d" % SIZE)),
    "no body by its length": asked(START, length(b"0")),
    "a signed length": asked(START, length(b"+%d" % SIZE)),
    "a negative length": asked(START, length(b"-1")),
    "two lengths": asked(START, length(b"0"), length(b"%d" % SIZE)),
    "two lengths in one": asked(START, length(b"0, %d" % SIZE)),
    "a length in hex": asked(START, length(b"0x%x" % SIZE)),
    "chunks": asked(START, TE, body=CHUNKED),
    "no chunks": asked(START, TE, body=b"0\r\n\r\n" + HIDDEN),
    "chunks and a length": asked(START, TE, length(b"%d" % SIZE), body=b"0\r\n\r\n" + HIDDEN),
    "a length and chunks": asked(START, length(b"%d" % len(CHUNKED)), TE, body=CHUNKED),
    "chunks before a colon": asked(START, b"Transfer-Encoding : chunked", body=b"0\r\n\r\n" + HIDDEN),
    "almost chunks": asked(START, b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n" + HIDDEN),
    "chunks, then not": asked(START, b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n" + HIDDEN),
    "chunks on a folded line": asked(START, b"Transfer-Encoding:\r\n chunked", body=b"0\r\n\r\n" + HIDDEN),
    "a body that is to be asked for": asked(START, length(b"%d" % SIZE), b"Expect: 100-continue"),
    "version 999": asked(Sec_WebSocket_Version=b"999"),
    "no version": asked(Sec_WebSocket_Version=b""),
    "no key of the handshake": asked(Sec_WebSocket_Key=b""),
    "a short one": asked(Sec_WebSocket_Key=b"c2hvcnQ="),
    "one that is no base64": asked(Sec_WebSocket_Key=b"!" * 24),
    "two of them": asked(START, b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="),
    "another protocol": asked(Upgrade=b"notupgrade"),
    "HTTP/2 in the clear": asked(Upgrade=b"h2c", HTTP2_Settings=b"AAMAAABkAARAAAAAAAIAAAAA"),
    "no wish to upgrade": asked(Connection=b"keep-alive"),
    "two hosts": asked(START, b"Host: y"),
    "no host": asked(Host=b""),
    "a folded header": asked(START, b"X-A: 1\r\n 2"),
    "a header without a name": asked(START, b": 1"),
    "a zero byte": asked(START, b"X-A: \x00"),
    "a bare CR": asked(START, b"X-A: 1\rX-B: 2"),
    "bare LF": asked(end=b"\n"),
    "HTTP/1.0": asked(b"GET " + PATH + b" HTTP/1.0", Connection=b"keep-alive, upgrade"),
    "HTTP/0.9": asked(b"GET " + PATH),
    "HTTP/9.9": asked(b"GET " + PATH + b" HTTP/9.9"),
    "POST": asked(b"POST " + PATH + b" HTTP/1.1", length(b"0")),
    "HEAD": asked(b"HEAD " + PATH + b" HTTP/1.1"),
    "OPTIONS": asked(b"OPTIONS " + PATH + b" HTTP/1.1"),
    "CONNECT": asked(b"CONNECT x:443 HTTP/1.1"),
    "a wrong key": asked(Authorization=b"Bearer wrong"),
    "no key": asked(Authorization=b""),
    "a web page": asked(Origin=b"https://evil.example", Authorization=b""),
    "no such model": asked(b"GET /v1/realtime?model=none HTTP/1.1"),
    "no such intent": asked(b"GET " + PATH + b"&intent=none HTTP/1.1"),
    "an upstream that is down": asked(b"GET /v1/realtime?model=down HTTP/1.1"),
    "a good handshake": asked(),
}


async def answered(port: int, said: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(said)
        async with asyncio.timeout(10):
            return await reader.read(-1)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("how", ATTEMPTS)
async def test_a_request_behind_an_upgrade_is_never_run(how: str) -> None:
    """The connection is over behind the one answer, whatever that is; the peer did not ask for it."""
    async with (
        upstream(greet_and_echo) as url,
        gateway(
            deployment("a", url),
            deployment("b", "http://127.0.0.1:1/v1", model_group="down"),
            server=ServerSettings(master_key=Secret("sk-1")),
        ) as gate,
    ):
        answer = await answered(URL(gate.url).port or 0, ATTEMPTS[how])
    assert RUN not in answer
    assert answer.replace(b"HTTP/1.1 100 Continue", b"").count(b"HTTP/1.") <= 1
