"""The query of a realtime URL: which of a model, a call or an intent the session is opened on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote, urlencode

from yarl import URL

from realtime_lb.errors import InvalidRequest
from realtime_lb.requests import SessionRequest

__all__ = ["TRANSCRIPTION", "session_query", "wants_transcription", "with_query"]

TRANSCRIPTION = "transcription"


def session_query(model: str, request: SessionRequest) -> dict[str, str]:
    """Return exactly one of ``call_id``, ``intent=transcription`` and ``model``.

    OpenAI: the connect reference; a transcription session that names a model is answered with
    ``invalid_model``. Azure's v1 endpoint takes the same three (openai-node builds them so).

    Raises:
        InvalidRequest: The request asks for both a call and a transcription, or for an unknown intent.
    """
    transcription = wants_transcription(request)
    if request.call_id is not None:
        if transcription:
            raise InvalidRequest("A session is opened on a call or for transcription, not both")
        return {"call_id": request.call_id}
    return {"intent": TRANSCRIPTION} if transcription else {"model": model}


def wants_transcription(request: SessionRequest) -> bool:
    """Say whether *request* is for a session without responses.

    Raises:
        InvalidRequest: Its intent is neither ``transcription`` nor ``realtime``, which are all that OpenAI's
            connect reference knows.
    """
    if request.intent not in {None, "realtime", TRANSCRIPTION}:
        raise InvalidRequest(
            "The intent is not known", code="invalid_intent", hint="use 'realtime' or 'transcription'"
        )
    return request.intent == TRANSCRIPTION


def with_query(endpoint: URL, parameters: Mapping[str, str]) -> str:
    """Return *endpoint* with *parameters*, everything but letters, digits and ``_.-~`` percent-encoded.

    So no value can add a parameter, end the query or move the address, whatever a client puts into a name.

    Raises:
        InvalidRequest: A value holds half a surrogate pair, which has no UTF-8 form.
    """
    try:
        return f"{endpoint}?{_encoded(tuple(parameters.items()))}"
    except UnicodeEncodeError:
        raise InvalidRequest("A name in the request is not valid Unicode") from None


@lru_cache(maxsize=256)  # nearly every open asks for one of the same few
def _encoded(parameters: tuple[tuple[str, str], ...]) -> str:
    return urlencode(parameters, safe="", quote_via=quote)
