"""The tables are complete: they know every event and field that the official packages know."""

from collections.abc import Iterable
from typing import Any

import openai.types.beta.realtime as beta_types
import openai.types.realtime as ga_types
import pytest
from openai.types.beta.realtime import response_create_event as beta_order
from openai.types.beta.realtime import session_update_event as beta_session
from openai.types.beta.realtime import transcription_session_update as beta_transcription

from realtime_lb.dialects.event_table import CLIENT_EVENTS, SERVER_EVENTS
from realtime_lb.dialects.field_table import ORDER, RESPONSE, SESSION, TRANSCRIPTION
from realtime_lb.dialects.kind_table import CONTENT, ITEMS
from realtime_lb.dialects.rows import SOURCES, FieldRow
from realtime_lb.typing import Dialect
from tests.clients.violations import models

GA, BETA = Dialect.GA, Dialect.BETA
PACKAGES = {GA: "openai.types.realtime", BETA: "openai.types.beta.realtime"}


@pytest.mark.parametrize(
    ("union", "rows", "dialect", "count"),
    [
        ("realtime_client_event", CLIENT_EVENTS, GA, 11),
        ("realtime_client_event", CLIENT_EVENTS, BETA, 12),
        ("realtime_server_event", SERVER_EVENTS, GA, 46),
        ("realtime_server_event", SERVER_EVENTS, BETA, 34),
    ],
)
def test_every_event_of_the_official_types_has_a_row(union: str, rows: Any, dialect: Any, count: int) -> None:
    official = set(models(PACKAGES[dialect], union))
    assert len(official) == count
    known = {row.name(dialect) for row in rows} - {None}
    assert known - official == ({"transcription_session.created"} if known - official else set())
    assert official <= known


def tops(rows: Iterable[FieldRow], dialect: Dialect) -> set[str]:
    return {path[0] for row in rows if (path := row.path(dialect)) is not None}


@pytest.mark.parametrize(
    ("official", "rows", "dialect"),
    [
        (ga_types.RealtimeSessionCreateRequest, SESSION, GA),
        (ga_types.RealtimeTranscriptionSessionCreateRequest, TRANSCRIPTION, GA),
        (ga_types.RealtimeResponseCreateParams, ORDER, GA),
        (ga_types.RealtimeResponse, RESPONSE, GA),
        (beta_session.Session, SESSION, BETA),
        (beta_types.Session, SESSION, BETA),
        (beta_transcription.Session, TRANSCRIPTION, BETA),
        (beta_order.Response, ORDER, BETA),
        (beta_types.RealtimeResponse, RESPONSE, BETA),
    ],
)
def test_every_field_of_the_official_types_has_a_row(official: Any, rows: Any, dialect: Dialect) -> None:
    assert set(official.model_fields) <= tops(rows, dialect)


def test_every_row_names_its_sources() -> None:
    events, fields = (*CLIENT_EVENTS, *SERVER_EVENTS), (*SESSION, *TRANSCRIPTION, *ORDER, *RESPONSE)
    rows: tuple[Any, ...] = (*events, *fields, *CONTENT, *ITEMS)
    for row in rows:
        assert row.source
        assert set(row.source.split(", ")) <= set(SOURCES), row


def test_every_field_that_one_dialect_lacks_says_what_is_lost() -> None:
    for row in (*SESSION, *TRANSCRIPTION, *ORDER, *RESPONSE):
        one_sided = row.ga is None or row.beta is None
        assert not one_sided or row.loss or row.implied, row
