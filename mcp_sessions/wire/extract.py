"""Cuts rows out of an answer's bytes: no more rows than were asked for, only fields that are read.

What is not read is skipped where it stands, so a row costs its bytes and not its fields, and an
answer made of millions of values makes no million objects.
"""

import itertools
import json
from dataclasses import dataclass
from functools import cache
from types import GenericAlias, NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

import msgspec
from msgspec import UNSET, Raw, UnsetType
from pydantic import BaseModel

from mcp_sessions.wire.lenient_json import parse_lenient_page

MANY_VALUES: Final = 300_000
"""Values in one answer, about, beyond which its rows are counted before they are cut out."""
MOST_ROWS_SENT: Final = 10_000
"""Rows in such an answer; each costs memory even where it is not wanted."""

_SMALL: Final = 512 * 1024  # bytes, of which no values take much memory
_MENDABLE: Final = 8 * 1024 * 1024  # bytes of a broken answer; mending takes several times as much
_ROW_AS_IT_IS: Final = 1024 * 1024  # bytes of a row whose fields are not what they should be
_NULL: Final = Raw(b"null")


class NotRows(ValueError):
    """The body has no rows; `early` says that it only broke off."""

    def __init__(self, words: str, *, early: bool = False) -> None:
        super().__init__(words)
        self.early = early


class TooManyValues(ValueError):
    """The answer would take more memory than its bytes."""


@dataclass(frozen=True, slots=True)
class ExtractedPage:
    """An answer's rows and envelope, each a JSON text; a row that cannot be read is null."""

    rows: list[bytes]
    total: bytes
    offset: bytes
    limit: bytes


class _Envelope(msgspec.Struct):
    data: list[Raw]
    total: Raw = _NULL
    offset: Raw = _NULL
    limit: Raw = _NULL


def extract_small(body: bytes | bytearray, max_rows: int, row: type[BaseModel]) -> bytes | None:
    """Return an answer as JSON with the fields of `row` alone, or None where `extract` has to look.

    Most answers are small and as they should be: this takes half the time.
    """
    if len(body) > _SMALL:
        return None
    try:
        page = msgspec.json.decode(body, type=_page_struct(row))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    del page.data[max_rows:]
    return msgspec.json.encode(page)


def extract(body: bytes | bytearray, max_rows: int, row: type[BaseModel]) -> ExtractedPage:
    """Cut the first `max_rows` rows out of an answer, each with the fields of `row` alone.

    Raises:
        NotRows: the body is not JSON, or not an object with a list under `data`.
        TooManyValues: as it says.
    """
    try:
        if len(body) > MANY_VALUES and body.count(b",") > MANY_VALUES:
            _count_rows(body)
        envelope = msgspec.json.decode(body, type=_Envelope)
    except msgspec.ValidationError:
        raise NotRows("JSON without a list of sessions under data") from None
    except (msgspec.DecodeError, RecursionError) as fault:
        if len(body) > _MENDABLE:
            raise TooManyValues from None
        return _extract_leniently(body, max_rows, early=bool(body) and "truncated" in str(fault))
    decoder = msgspec.json.Decoder(_row_struct(row))
    rows = [_reencoded(bytes(one), decoder) for one in envelope.data[:max_rows]]
    rest = (bytes(one) for one in (envelope.total, envelope.offset, envelope.limit))
    return ExtractedPage(rows, *rest)


def _count_rows(body: bytes | bytearray) -> None:
    """Walk over the rows without keeping one, and stop at the first that is too many or no row."""
    counted = itertools.count(1)

    def count(_: object) -> None:
        if next(counted) > MOST_ROWS_SENT:
            raise ValueError("too many rows")

    row = msgspec.defstruct("CountedRow", [], namespace={"__post_init__": count})
    page = msgspec.defstruct("CountedRows", [("data", GenericAlias(list, row))])
    try:
        msgspec.json.decode(body, type=page)
    except msgspec.ValidationError:
        raise TooManyValues from None


def _reencoded(row: bytes, decoder: msgspec.json.Decoder[Any]) -> bytes:
    try:
        return msgspec.json.encode(decoder.decode(row))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return row if len(row) <= _ROW_AS_IT_IS else b"null"


@cache
def _row_struct(model: type[BaseModel]) -> type[msgspec.Struct]:
    """Return a msgspec struct of a model's fields: nested structs for objects, raw bytes else."""
    fields = [
        (name, _or_absent(_field_type(field.annotation)), UNSET)
        for name, field in model.model_fields.items()
    ]
    spelled = {name: field.alias for name, field in model.model_fields.items() if field.alias}
    return msgspec.defstruct(f"{model.__name__}Struct", fields, omit_defaults=True, rename=spelled)


@cache
def _page_struct(row: type[BaseModel]) -> Any:
    rows = GenericAlias(list, Union[_row_struct(row), None])  # noqa: UP007 - at run time
    envelope = [(name, Raw, _NULL) for name in ("total", "offset", "limit")]
    return msgspec.defstruct(f"{row.__name__}StructPage", [("data", rows), *envelope])


def _or_absent(kept: Any) -> Any:
    """Raw is null too; a struct is not."""
    return Union[kept, UnsetType] if kept is Raw else Union[kept, None, UnsetType]  # noqa: UP007 - at run time


def _field_type(annotation: Any) -> Any:
    """Return Raw for what is kept whole, and a struct where an object is in it."""
    origin, given = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _field_type(given[0])
    if origin in (Union, UnionType):
        return _field_type(next(one for one in given if one is not NoneType))
    if origin in (list, dict):
        inner = _field_type(given[-1])
        if inner is Raw:
            return Raw
        return origin[(*given[:-1], Union[inner, None])]  # noqa: UP007 - at run time
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _row_struct(annotation)
    return Raw


def _extract_leniently(body: bytes | bytearray, max_rows: int, *, early: bool) -> ExtractedPage:
    try:
        page = parse_lenient_page(body, max_rows)
        rows = [_written(row) for row in page["data"]]
    except RecursionError:
        raise NotRows("JSON nested too deeply") from None
    except (ValueError, IndexError):
        raise NotRows("not JSON", early=early) from None
    except (KeyError, TypeError):
        raise NotRows("JSON without a list of sessions under data") from None
    return ExtractedPage(rows, *(_written(page.get(name)) for name in ("total", "offset", "limit")))


def _written(value: Any) -> bytes:
    return json.dumps(value).encode()
