"""Events without the audio: short, still JSON, and quick whatever a client sends."""

import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime_lb.accounting.loggable import SHORTEST_RUN, loggable

AUDIO = base64.b64encode(bytes(range(256)) * 4).decode()
LENGTH = len(AUDIO)
MARK = f"[{LENGTH} base64 characters]"


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        ({"type": "x", "delta": AUDIO}, {"type": "x", "delta": MARK}),
        ({"audio": AUDIO, "type": "x"}, {"audio": MARK, "type": "x"}),
        ({"a": [AUDIO, "short", AUDIO]}, {"a": [MARK, "short", MARK]}),
        (
            {"image_url": f"data:image/png;base64,{AUDIO}"},
            {"image_url": f"data:image/png;base64,{MARK}"},
        ),
        ({"a": AUDIO.replace("+", "-").replace("/", "_")}, {"a": MARK}),
        ({"arguments": json.dumps({"img": AUDIO})}, {"arguments": json.dumps({"img": MARK})}),
    ],
)
def test_audio_and_images_become_their_length(event: object, shown: object) -> None:
    assert json.loads(loggable(json.dumps(event).encode())) == shown


def test_a_slash_that_was_escaped_is_part_of_the_run() -> None:
    """PHP's encoder writes \\/ and JavaScript's may; the length counts what it stands for."""
    payload = json.dumps({"audio": AUDIO}).replace("/", "\\/").encode()
    assert b"\\/" in payload
    assert json.loads(loggable(payload)) == {"audio": MARK}


@pytest.mark.parametrize(
    "event",
    [
        {"text": "A long sentence of words, which has spaces. " * 20},
        {"text": "A" * (SHORTEST_RUN - 1)},
        {"text": "AAAA\n" * 200},
        {"text": "é☎" * 200},
        {"text": '\\"' * 300},
        {AUDIO: 1},
        {"n": int("1" * 300)},
        {"empty": "", "zero": 0},
    ],
)
def test_everything_else_stays_as_it_is(event: object) -> None:
    payload = json.dumps(event).encode()
    assert loggable(payload) == payload


def test_the_shortest_run_is_where_it_begins() -> None:
    payload = json.dumps({"a": "A" * SHORTEST_RUN}).encode()
    assert loggable(payload) == b'{"a": "[256 base64 characters]"}'


PIECES = st.sampled_from(
    ["A" * 300, AUDIO, '"', "\\", "/", "\n", "é", " ", ";base64,", "u0041", "x", "1" * 300, "\x00", "=" * 300]
)
KEYS = st.sampled_from(["A" * 300, "A" * 301, AUDIO, "x", "é", ""])
VALUES = st.recursive(
    st.lists(PIECES, max_size=6).map("".join) | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner),
    max_leaves=6,
)


def skeleton(value: object) -> object:
    """What must not change: everything but texts."""
    if isinstance(value, dict):
        return {key: skeleton(one) for key, one in value.items()}
    return [skeleton(one) for one in value] if isinstance(value, list) else isinstance(value, str) or value


@given(VALUES, st.booleans(), st.booleans())
def test_json_stays_json_with_the_same_keys(value: object, ascii_only: bool, slashes: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    payload = (text.replace("/", "\\/") if slashes and "\\" not in text else text).encode()
    assert skeleton(json.loads(loggable(payload))) == skeleton(value)


@given(st.binary(max_size=400), st.integers(0, 3))
def test_no_bytes_make_it_fail_or_grow_them_much(noise: bytes, runs: int) -> None:
    payload = noise.join([AUDIO.encode()] * runs) + noise
    assert len(loggable(payload)) <= len(payload)


SIZE = 5_000_000


@pytest.mark.parametrize(
    "unit",
    [
        b"A",
        b'"',
        b'"' + b"A" * 255,
        b'"' + b"A" * 300 + b'" ',
        b'"' + b"A" * 300 + b" ",
        b'"' + b"A" * 254 + b"\\",
        b"\\",
        b"\\/",
        b'"\\/\\/',
        b'\\"',
        b";base64,",
        b" ",
        b'"' + b"A" * 255 + b'"' + b" " * 300,
    ],
)
def test_five_megabytes_of_anything_take_a_moment(unit: bytes) -> None:
    """A client chooses these bytes, and the event loop waits for them."""
    payload = b'{"a":"' + unit * (SIZE // len(unit))
    began_s = time.perf_counter()
    loggable(payload)
    assert time.perf_counter() - began_s < 2.0  # about 0.1 s on a laptop; quadratic time would be hours
