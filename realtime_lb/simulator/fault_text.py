"""Faults as text, for a command line: ``refuse 429 retry-after=3 first=2``."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable

from attrs import field, frozen

from realtime_lb.simulator.faults import (
    Close,
    Cut,
    Delay,
    ErrorFirst,
    FailResponse,
    Fault,
    Moment,
    Refuse,
    Selector,
    Silence,
    Stage,
)

__all__ = ["GRAMMAR", "FaultTextError", "parse_fault", "parse_faults"]

GRAMMAR = """\
refuse STATUS [retry-after=SECONDS]
stall accept|handshake|first-event|response
delay accept|handshake|first-event|response SECONDS
error-first CODE ["MESSAGE"] [close=CLOSE_CODE]
fail-response CODE ["MESSAGE"]
cut [fin] [after=N] [on=EVENT_TYPE]
close CLOSE_CODE ["REASON"] [after=N] [on=EVENT_TYPE]
silent [after=N] [on=EVENT_TYPE]

after=N: behind the N-th server event; on=EVENT_TYPE: count only events of this type (after=1 unless given).
Any of them may end with selectors: skip=N first=N every=N count=N.
Occasions are counted from 1: connections for accept, responses for response and fail-response,
handshakes for all others.
Several faults are separated by ';' or stand on lines of their own; a line that starts with # is a comment."""

_REASON_LIMIT_BYTES = 123
_OPTION = re.compile(r"([a-z-]+)=(.*)", re.DOTALL)


class FaultTextError(ValueError):
    """A fault's text makes no sense. The message says what is wrong with it and shows the grammar."""

    def __init__(self, text: str, problem: str) -> None:
        super().__init__(f"cannot read the fault {text!r}: {problem}\n\nThe grammar:\n{GRAMMAR}")
        self.problem = problem


class _Wrong(Exception):  # never leaves this file
    """What is wrong, without the text around it."""


def parse_faults(text: str) -> tuple[Fault, ...]:
    """Read several faults, separated by semicolons or on lines of their own.

    Raises:
        FaultTextError: One of them makes no sense.
    """
    pieces = [
        piece for line in text.splitlines() if not line.lstrip().startswith("#") for piece in _split(line)
    ]
    return tuple(parse_fault(piece) for piece in pieces if piece.strip())


def _split(line: str) -> list[str]:
    """Split at semicolons outside of quotes."""
    return re.findall(r"""(?:[^;"']|"[^"]*"?|'[^']*'?)+""", line)


def parse_fault(text: str) -> Fault:
    """Read one fault.

    Raises:
        FaultTextError: It makes no sense.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise FaultTextError(text, str(error).lower()) from None
    try:
        return _read(words)
    except _Wrong as wrong:
        raise FaultTextError(text, str(wrong)) from None


def _read(words: list[str]) -> Fault:
    if not words:
        raise _Wrong("there is nothing in it")
    verb = words[0]
    if verb not in _VERBS:
        raise _Wrong(f"unknown verb {verb!r}; known are {', '.join(_VERBS)}")
    rest = _Words(words[1:])
    selector = rest.selector()
    fault = _VERBS[verb](rest, selector)
    rest.end()
    return fault


@frozen
class _Words:
    """What follows the verb; every reading takes it away, and `end` refuses what nobody read."""

    given: list[str]
    values: list[str] = field(init=False)
    options: dict[str, str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        matches = [(word, _OPTION.fullmatch(word)) for word in self.given]
        object.__setattr__(self, "values", [word for word, match in matches if match is None])
        object.__setattr__(self, "options", {match[1]: match[2] for _, match in matches if match is not None})

    def value(self, name: str) -> str:
        if not self.values:
            raise _Wrong(f"{name} is missing")
        return self.values.pop(0)

    def maybe(self) -> str | None:
        return self.values.pop(0) if self.values else None

    def option(self, name: str, least: int) -> int | None:
        text = self.options.pop(name, None)
        return None if text is None else _whole(f"{name}=", text, least)

    def moment(self) -> Moment:
        event_type = self.options.pop("on", None)
        after = self.option("after", 0)
        if after is None:
            after = 0 if event_type is None else 1
        return Moment(after=after, on=event_type)

    def selector(self) -> Selector:
        return Selector(
            skip=self.option("skip", 0) or 0,
            every=self.option("every", 1) or 1,
            first=self.option("first", 1),
            count=self.option("count", 1),
        )

    def end(self) -> None:
        left = [*self.values, *(f"{name}={text}" for name, text in self.options.items())]
        if left:
            raise _Wrong(f"{left[0]!r} does not belong there")


def _whole(name: str, text: str, least: int, most: float = math.inf) -> int:
    if not re.fullmatch(r"\d{1,9}", text) or not least <= int(text) <= most:
        upper = f" to {most:g}" if most < math.inf else " or more"
        raise _Wrong(f"{name.rstrip('=')} must be a whole number, {least}{upper}, not {text!r}")
    return int(text)


def _seconds(name: str, text: str) -> float:
    if not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text):
        raise _Wrong(f"{name} must be seconds such as 2.5, not {text!r}")
    return float(text)


def _stage(words: _Words) -> Stage:
    text = words.value("the stage")
    if text not in list(Stage):
        raise _Wrong(f"unknown stage {text!r}; known are {', '.join(Stage)}")
    return Stage(text)


def _close_code(text: str) -> int:
    code = _whole("the close code", text, 1000, 4999)
    if code in {1004, 1005, 1006} or 1014 < code < 3000:
        raise _Wrong(f"close code {code} must not be sent (RFC 6455, section 7.4)")
    return code


def _refuse(words: _Words, selector: Selector) -> Fault:
    status = _whole("the status", words.value("the status"), 400, 599)
    text = words.options.pop("retry-after", None)
    retry_after_s = None if text is None else _seconds("retry-after", text)
    return Refuse(status=status, retry_after_s=retry_after_s, selector=selector)


def _stall(words: _Words, selector: Selector) -> Fault:
    return Delay(stage=_stage(words), selector=selector)


def _delay(words: _Words, selector: Selector) -> Fault:
    stage = _stage(words)
    return Delay(stage=stage, delay_s=_seconds("the delay", words.value("the delay")), selector=selector)


def _error_first(words: _Words, selector: Selector) -> Fault:
    code, message = words.value("the error code"), words.maybe()
    close_code = _close_code(words.options.pop("close", "4000"))
    return ErrorFirst(code=code, message=message, close_code=close_code, selector=selector)


def _fail_response(words: _Words, selector: Selector) -> Fault:
    return FailResponse(code=words.value("the error code"), message=words.maybe(), selector=selector)


def _cut(words: _Words, selector: Selector) -> Fault:
    how = words.maybe()
    if how not in {None, "fin"}:
        raise _Wrong(f"{how!r} does not belong there")
    return Cut(fin=how is not None, moment=words.moment(), selector=selector)


def _close(words: _Words, selector: Selector) -> Fault:
    code, reason = _close_code(words.value("the close code")), words.maybe() or ""
    if len(reason.encode()) > _REASON_LIMIT_BYTES:
        raise _Wrong(f"the reason is longer than {_REASON_LIMIT_BYTES} bytes")
    return Close(code=code, reason=reason, moment=words.moment(), selector=selector)


def _silent(words: _Words, selector: Selector) -> Fault:
    return Silence(moment=words.moment(), selector=selector)


_VERBS: dict[str, Callable[[_Words, Selector], Fault]] = {
    "refuse": _refuse,
    "stall": _stall,
    "delay": _delay,
    "error-first": _error_first,
    "fail-response": _fail_response,
    "cut": _cut,
    "close": _close,
    "silent": _silent,
}
