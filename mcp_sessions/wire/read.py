"""Parses an API answer into a page of sessions."""

from contextlib import suppress
from functools import cache

from pydantic import ValidationError

from mcp_sessions.wire.extract import extract, extract_small
from mcp_sessions.wire.lenient_json import parse_lenient
from mcp_sessions.wire.models import Page, SessionT


def parse_page(body: bytes | bytearray, session: type[SessionT], max_rows: int) -> Page[SessionT]:
    """Parse the first `max_rows` rows of an API answer.

    Raises:
        NotRows: the body is not JSON, or not an object with a list under `data`.
        TooManyValues: the answer would take much more memory than its bytes.
    """
    page = _page_model(session)
    if (small := extract_small(body, max_rows, session)) is not None:
        with suppress(ValidationError):
            return page.model_validate_json(small)
    cut = extract(body, max_rows, session)
    rows = b",".join(cut.rows)
    try:
        return page.model_validate_json(
            b'{"data":[%b],"total":%b,"offset":%b,"limit":%b}'
            % (rows, cut.total, cut.offset, cut.limit)
        )
    except ValidationError:  # one row that only a slower parser reads
        envelope = {
            name: parse_lenient(getattr(cut, name)) for name in ("total", "offset", "limit")
        }
        read = [_row(row, session) for row in cut.rows]
        return page.model_validate({"data": read, **envelope})


@cache
def _page_model(session: type[SessionT]) -> type[Page[SessionT]]:
    """Keep each page's model: pydantic builds it anew once nobody has it any more."""
    return Page[session]  # type: ignore[valid-type]


def _row(row: bytes, session: type[SessionT]) -> SessionT | None:
    try:
        return session.model_validate_json(row)
    except ValidationError:
        with suppress(ValidationError):
            return session.model_validate(parse_lenient(row))
    return None
