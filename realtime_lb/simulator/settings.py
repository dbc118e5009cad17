"""What a session was told to do, whatever the dialect that it was told in."""

from __future__ import annotations

import enum
from typing import Any

from attrs import frozen

from realtime_lb.simulator.audio import AudioFormat
from realtime_lb.simulator.items import Item
from realtime_lb.typing import JsonObject

__all__ = ["ResponseOrder", "SessionKind", "SessionSettings", "Transcription", "TurnDetection"]


class SessionKind(enum.StrEnum):
    """What a session is for; fixed when it is opened."""

    REALTIME = "realtime"
    TRANSCRIPTION = "transcription"


@frozen(kw_only=True)
class TurnDetection:
    """How the end of the user's turn is found.

    Attributes:
        threshold: How sure of speech the detector must be, 0 to 1.
        prefix_padding_ms: Audio from before the speech that belongs to it.
        silence_duration_ms: Silence that ends a turn.
        create_response: Answer when the turn ends.
        interrupt_response: Cancel the running answer when speech starts.
    """

    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 200
    create_response: bool = True
    interrupt_response: bool = True


@frozen(kw_only=True)
class Transcription:
    """How the user's audio is written down.

    Attributes:
        model: The transcription model, or Azure's deployment of one.
        logprobs: Report the probability of each token.
    """

    model: str
    logprobs: bool = False


@frozen(kw_only=True)
class SessionSettings:
    """The settings in force.

    Attributes:
        speaks: Answers are audio with a transcript; otherwise text.
        voice: Name or id of the voice.
        input_format: What the client sends.
        output_format: What it gets.
        turn_detection: None means that the client commits by itself.
        transcription: None means no transcripts.
        instructions: The system prompt.
        tools: The functions that the model may call, as given.
        tool_choice: ``auto``, ``none``, ``required`` or an object that names one tool.
        max_output_tokens: Limit of one response; None is no limit.
    """

    speaks: bool
    voice: str
    input_format: AudioFormat
    output_format: AudioFormat
    turn_detection: TurnDetection | None
    transcription: Transcription | None
    instructions: str
    tools: tuple[JsonObject, ...]
    tool_choice: str | JsonObject
    max_output_tokens: int | None


@frozen(kw_only=True)
class ResponseOrder:
    """One response to make.

    Attributes:
        settings: The session's, with what the ``response.create`` overrode.
        out_of_band: Write nothing to the conversation (``conversation: "none"``).
        metadata: Echoed, never read.
        context: What to answer to; None means the conversation.
        extras: Further settings that the response object echoes, such as beta's ``temperature``.
    """

    settings: SessionSettings
    out_of_band: bool = False
    metadata: JsonObject | None = None
    context: tuple[Item, ...] | None = None
    extras: tuple[tuple[str, Any], ...] = ()
