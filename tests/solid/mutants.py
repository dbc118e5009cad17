"""Websocket frames and handshakes that are almost right, from a seed."""

import random
from collections.abc import Callable

from attrs import define, evolve, field

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

EVENTS = (
    b'{"type":"session.update","session":{"type":"realtime","instructions":"hi"}}',
    b'{"type":"input_audio_buffer.append","audio":"' + b"UklG" * 200 + b'"}',
    b'{"type":"response.create"}',
    b'{"event_id":"e1","type":"conversation.item.create","item":{"type":"message","content":[7,"\xc3\xa9"]}}',
    b'{"type":"response.done","response":{"id":"r1","status":"failed","status_details":{"error":{}}}}',
    b'{"type":"response.output_audio.delta","response_id":"r1","delta":"' + b"AAAA" * 400 + b'"}',
    b'{"type":"error","error":{"type":"server_error","code":"session_expired","message":"m"}}',
    b"[]",
    b"{}",
    b"",
    b"not json",
)

HUGE = (126, 0xFFFF, 1 << 16, 1 << 24, (1 << 31) - 1, 1 << 31, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)


@define
class Raw:
    """A frame as it goes over the wire, each part of it free to be wrong."""

    opcode: int
    payload: bytes
    fin: bool = True
    reserved: int = 0
    masked: bool = True
    length: int | None = None
    length_bytes: int | None = None

    def wire(self, rng: random.Random) -> bytes:
        length = len(self.payload) if self.length is None else self.length
        size = self.length_bytes
        if size is None:
            size = 0 if length < 126 else 2 if length < 1 << 16 else 8
        short = length & 0x7F if size == 0 else 126 if size == 2 else 127
        head = bytes([self.fin << 7 | self.reserved << 4 | self.opcode, self.masked << 7 | short])
        head += (length % (1 << 8 * size)).to_bytes(size, "big")
        if not self.masked:
            return head + self.payload
        key = rng.randbytes(4)
        pad = (key * (len(self.payload) // 4 + 1))[: len(self.payload)]
        mixed = int.from_bytes(self.payload, "big") ^ int.from_bytes(pad, "big")
        return head + key + mixed.to_bytes(len(self.payload), "big")


@define
class Mutator:
    """Makes what one side of a connection says.

    Attributes:
        rng: Decides all.
        masked: It is a client's.
    """

    rng: random.Random
    masked: bool
    made: int = field(default=0, init=False)

    def talk(self, frames: int) -> bytes:
        """Return so many frames, of which about one in three is wrong, behind one another."""
        return b"".join(self.frame() for _ in range(frames))

    def frame(self) -> bytes:
        self.made += 1
        frame = self._honest()
        if self.rng.random() < 0.7:
            return frame.wire(self.rng)
        if self.rng.random() < 0.5:
            return self.rng.choice(WRONG)(frame, self.rng).wire(self.rng)
        return noise(frame.wire(self.rng), self.rng)

    def _honest(self) -> Raw:
        rng = self.rng
        kind = rng.random()
        if kind < 0.7:
            opcode = rng.choices((TEXT, BINARY), (5, 1))[0]
            return Raw(opcode, rng.choice(EVENTS), masked=self.masked)
        if kind < 0.8:
            return Raw(rng.choice((PING, PONG)), rng.randbytes(rng.randrange(126)), masked=self.masked)
        if kind < 0.98:
            return Raw(
                rng.choice((TEXT, BINARY, CONTINUATION, CONTINUATION)),
                rng.choice(EVENTS),
                fin=rng.random() < 0.5,
                masked=self.masked,
            )
        code = rng.choice((1000, 1001, 1006, 1015, 3000, 4999, 0, 5000)).to_bytes(2, "big")
        return Raw(CLOSE, rng.choice((b"", b"\x03", code, code + b"bye", code + b"\xff")), masked=self.masked)


WRONG: tuple[Callable[[Raw, random.Random], Raw], ...] = (
    lambda raw, rng: evolve(raw, opcode=rng.randrange(16)),
    lambda raw, rng: evolve(raw, reserved=rng.randrange(1, 8)),
    lambda raw, rng: evolve(raw, masked=not raw.masked),
    lambda raw, rng: evolve(raw, fin=not raw.fin),
    lambda raw, rng: evolve(raw, length=rng.choice(HUGE)),
    lambda raw, rng: evolve(raw, length=rng.randrange(len(raw.payload) + 3)),
    lambda raw, rng: evolve(raw, length_bytes=rng.choice((0, 2, 8))),
    lambda raw, rng: evolve(raw, payload=noise(raw.payload, rng)),
    lambda raw, rng: evolve(raw, payload=rng.randbytes(rng.randrange(200))),
)


def noise(text: bytes, rng: random.Random) -> bytes:
    """Return *text* with a few bytes changed, lost, doubled, moved or cut off."""
    data = bytearray(text)
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.randrange(1, 20))
        way = rng.randrange(6)
        if way == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif way == 1:
            data[at:at] = rng.randbytes(rng.randrange(1, 8))
        elif way == 2:
            del data[at:end]
        elif way == 3:
            data[at:at] = data[at:end]
        elif way == 4 and at < len(data):
            data[at] = rng.choice(b"\x00\x09\x0a\x0d\x20\x2c\x3a\x7f\x80\xff")
        elif rng.random() < 0.2:
            del data[at:]
    return bytes(data)


HEAD_LINES = (
    b"Transfer-Encoding: chunked",
    b"Content-Length: 5",
    b"Content-Length: -1",
    b"Content-Length: 99999999999999999999",
    b"Connection: close",
    b"Connection: keep-alive, Upgrade",
    b"Connection: ",
    b"Upgrade: h2c",
    b"Upgrade: websocket, websocket",
    b"Sec-WebSocket-Version: 8",
    b"Sec-WebSocket-Version: \xb9",
    b"Sec-WebSocket-Key: ",
    b"Sec-WebSocket-Key: \xff\xfe",
    b"Sec-WebSocket-Key: short",
    b"Sec-WebSocket-Accept: ",
    b"Sec-WebSocket-Accept: \xff",
    b"Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.x, \xe9",
    b"Sec-WebSocket-Protocol: unheard-of",
    b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=99",
    b"Host: ",
    b"Host: a:b:c",
    b"Host: [::1",
    b"Origin: \x80",
    b"Expect: 100-continue",
    b"Retry-After: 1e999",
    b"retry-after-ms: nan",
    b"Retry-After: Wed, 99 Foo 20261 25:61:61 GMT",
    b"Set-Cookie: a=b; c",
    b"Content-Encoding: gzip",
    b"X-Forwarded-For: ,,::1%25,",
    b" folded",
    b": nameless",
    b"no colon",
    b"X: " + b"y" * 9_000,
)


def head(lines: list[bytes], rng: random.Random) -> bytes:
    """Return the head of a request or an answer, wrong in up to three ways; now and then in none."""
    lines = list(lines)
    for _ in range(rng.randrange(4)):
        way, at = rng.randrange(6), rng.randrange(len(lines))
        if way == 0:
            lines.insert(rng.randrange(1, len(lines) + 1), rng.choice(HEAD_LINES))
        elif way == 1 and len(lines) > 1:
            del lines[at]
        elif way == 2:
            lines[at] = noise(lines[at], rng)
        elif way == 3:
            lines.append(lines[at])
        elif way == 4:
            lines[at] = lines[at].swapcase()
        else:
            lines[at] = lines[at].replace(b" ", rng.choice((b"", b"  ", b"\t", b"\r\n ")), 1)
    end = rng.choices((b"\r\n", b"\n", b"\r", b""), (20, 1, 1, 1))[0]
    return end.join(lines) + end + (b"\r\n" if rng.random() < 0.95 else b"")
