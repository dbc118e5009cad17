"""Events cut down to what a person would read: audio and images become their length."""

from __future__ import annotations

import re

__all__ = ["SHORTEST_RUN", "loggable"]

SHORTEST_RUN = 256
"""Characters. Ids and signatures are shorter; 256 of base64 are 4 ms of OpenAI's 24 kHz PCM."""

_RUN = re.compile(
    # A JSON string, quoted or escaped-quoted, or the data of a data URI. Both begin outside any escape.
    rb'("|;base64,)'
    # Base64 of either alphabet. Some encoders write a slash as \/. Nothing here gives back what it took, and
    # a run holds no quote, so each byte is looked at a fixed number of times.
    rb"(?=[A-Za-z0-9+/_=\\-]{256})((?:[A-Za-z0-9+/_=-]++|\\/)++)"
    # An object's key stays, or two of one length would become one.
    rb'(?!"[ \t\r\n]*+:)'
)


def loggable(payload: bytes) -> bytes:
    r"""Return *payload* with each long base64 string replaced by how many characters it had.

    ``{"audio":"AAAA…"}`` becomes ``{"audio":"[61440 base64 characters]"}``. Nothing is decoded, and JSON
    stays JSON. Takes time linear in the payload's length, whatever is in it.

    Args:
        payload: An event's text. What is not JSON comes back as it came, or shorter.
    """
    return _RUN.sub(_shortened, payload)


def _shortened(match: re.Match[bytes]) -> bytes:
    start, run = match.groups()
    length = len(run) - run.count(b"\\")
    return start + b"[%d base64 characters]" % length if length >= SHORTEST_RUN else match[0]
