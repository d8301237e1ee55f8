"""Parses an API answer into a page of sessions or one, in the first of three ways that can.

1. All at once: nearly every answer, at half the cost of the second way.
2. Row by row: where a row is not as it should be, it alone is null or loses a field.
3. Leniently: where the text itself is broken (half characters, broken UTF-8, numbers without end),
   which a strict parser refuses with all its rows.
"""

from contextlib import suppress
from functools import cache
from typing import Any, Final

import msgspec
from pydantic import ValidationError

from mcp_sessions.wire.extract import (
    Envelope,
    TooManyValues,
    check_size,
    extract_page,
    extract_row,
    lightened,
)
from mcp_sessions.wire.lenient_json import load_lenient, parse_lenient, readable
from mcp_sessions.wire.models import Page, SessionT

_MAX_LENIENT_BYTES: Final = 8 * 1024 * 1024  # of an answer; it takes several times its memory
_MAX_LENIENT_VALUES: Final = 100_000  # about
_MAX_ODD_ROW_BYTES: Final = 1024 * 1024  # of a row whose fields are not what they should be
_MAX_ODD_ROW_VALUES: Final = 10_000  # about
_NO_LIST: Final = "JSON without a list of sessions under data"
_UNREADABLE: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class NotRows(ValueError):
    """The answer has no rows; its message says what it is instead."""


class CutShort(NotRows):
    """The answer is JSON that broke off."""


class _Named(msgspec.Struct):
    """An object by its id, as it stands."""

    id: msgspec.Raw = msgspec.Raw(b"null")


def parse_page(body: bytes | bytearray, session: type[SessionT], max_rows: int) -> Page[SessionT]:
    """Parse the first `max_rows` rows of an API answer; a row that is no session is None.

    Raises:
        NotRows: it is not JSON, or not an object with a list under `data`.
        TooManyValues: it would take much more memory than its bytes.
    """
    check_size(body)
    with suppress(ValidationError, *_UNREADABLE):
        return _page_model(session).model_validate_json(extract_page(body, max_rows, session))
    try:
        envelope = msgspec.json.decode(body, type=Envelope)
    except msgspec.ValidationError:
        raise NotRows(_NO_LIST) from None
    except _UNREADABLE as fault:
        return _parse_leniently(body, session, max_rows, str(fault))
    rest = {name: _value(getattr(envelope, name)) for name in ("total", "offset", "limit")}
    rows = [_row(bytes(row), session) for row in envelope.data[:max_rows]]
    return _page_model(session).model_validate({"data": rows, **rest})


def parse_session(body: bytes | bytearray, session: type[SessionT]) -> SessionT | None:
    """Parse an API answer that is one session; an object without an id is none.

    Raises:
        NotRows: it is not JSON, not an object, or a session that cannot be read.
    """
    text = bytes(body)
    found = _row(text, session)
    if found is not None:
        return found
    try:
        named = msgspec.json.decode(text, type=_Named)
    except msgspec.ValidationError:
        raise NotRows("JSON without a session") from None
    except RecursionError:
        raise NotRows("JSON nested too deeply") from None
    except _UNREADABLE as fault:
        kind = CutShort if text and "truncated" in str(fault) else NotRows
        raise kind("not JSON") from None
    if bytes(named.id)[:1] == b'"':
        raise NotRows("a session that cannot be read")
    return None


def _parse_leniently(
    body: bytes | bytearray, session: type[SessionT], max_rows: int, refused_as: str
) -> Page[SessionT]:
    if len(body) > _MAX_LENIENT_BYTES or body.count(b",") > _MAX_LENIENT_VALUES:
        raise TooManyValues
    try:
        page = load_lenient(body)
    except RecursionError:
        raise NotRows("JSON nested too deeply") from None
    except ValueError:
        kind = CutShort if body and "truncated" in refused_as else NotRows
        raise kind("not JSON") from None
    if not (isinstance(page, dict) and isinstance(page.get("data"), list)):
        raise NotRows(_NO_LIST)
    del page["data"][max_rows:]
    return _page_model(session).model_validate(readable(page))


@cache
def _page_model(session: type[SessionT]) -> type[Page[SessionT]]:
    """Keep each page's model: pydantic builds it anew once nobody has it any more."""
    return Page[session]  # type: ignore[valid-type]


def _row(row: bytes, session: type[SessionT]) -> SessionT | None:
    with suppress(*_UNREADABLE):
        row = lightened(row, session)
        row = extract_row(row, session)
    if len(row) > _MAX_ODD_ROW_BYTES or row.count(b",") > _MAX_ODD_ROW_VALUES:
        return None
    with suppress(ValidationError):
        return session.model_validate_json(row)
    with suppress(ValidationError):
        return session.model_validate(_value(row))
    return None


def _value(text: Any) -> Any:
    with suppress(ValueError, RecursionError):
        return parse_lenient(bytes(text))
    return None
