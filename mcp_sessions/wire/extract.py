"""Cuts out of an answer's bytes what is read of it: no more rows than asked for, no other fields.

What is not read is skipped where it stands, so a row costs its bytes and not its fields, and an
answer made of millions of values makes no million objects.
"""

import itertools
from functools import cache
from types import GenericAlias, NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

import msgspec
from msgspec import UNSET, Raw, UnsetType
from pydantic import BaseModel

MANY_VALUES: Final = 300_000
"""Values in one answer, about, beyond which its rows are counted before they are cut out."""
MAX_ROWS_SENT: Final = 10_000
"""Rows in such an answer; each costs memory even where it is not wanted."""

MAX_ROW_VALUES: Final = 1_000
"""Values of one list of a row; an answer with more in it than a page ever has is held to that."""
MAX_ROW_OBJECTS: Final = 25
"""Objects of such a list that are kept where there are many; a row counts the others."""

_SMALL: Final = 512 * 1024  # bytes, of which no rows take much memory
_FEW_VALUES: Final = 20_000  # values, about, of which no rows take much memory
_FEW_ROW_VALUES: Final = 200  # the same of one row, of which there are 100
_NULL: Final = Raw(b"null")


class TooManyValues(ValueError):
    """The answer would take much more memory than its bytes."""


class Envelope(msgspec.Struct):
    """An answer with its rows as they stand."""

    data: list[Raw]
    total: Raw = _NULL
    offset: Raw = _NULL
    limit: Raw = _NULL


def extract_page(body: bytes | bytearray, max_rows: int, row: type[BaseModel]) -> bytes:
    """Return an answer as JSON with its first `max_rows` rows, and the fields of `row` alone.

    Raises:
        msgspec.DecodeError, RecursionError, UnicodeDecodeError: it is not JSON throughout, or one
            of its rows is not as `row` has it.
    """
    if len(body) <= _SMALL:
        page = msgspec.json.decode(body, type=_page_struct(row))
        del page.data[max_rows:]
        text = msgspec.json.encode(page)
        if text.count(b",") <= _FEW_VALUES:
            return text
    envelope = msgspec.json.decode(body, type=Envelope)
    rows = b",".join(lightened(bytes(one), row) for one in envelope.data[:max_rows])
    envelope.data = msgspec.json.decode(b"[%b]" % rows, type=_rows_type(row))
    return msgspec.json.encode(envelope)


def extract_row(body: bytes, row: type[BaseModel]) -> bytes:
    """Return one row as JSON with the fields of `row` alone; raises as `extract_page` does."""
    return msgspec.json.encode(msgspec.json.decode(body, type=_row_struct(row)))


def lightened(body: bytes, row: type[BaseModel]) -> bytes:
    """Return a row whose lists are short, or hold null where there is more than can be shown.

    A list of more than MAX_ROW_VALUES is null as a whole, and so is every object after the first
    MAX_ROW_OBJECTS. A tool of three bytes would become one of five hundred.

    Raises:
        msgspec.DecodeError, RecursionError, UnicodeDecodeError: it is not JSON throughout.
    """
    if body.count(b",") < _FEW_ROW_VALUES:
        return body
    try:
        fields = msgspec.json.decode(body, type=_raw_struct(row))
    except msgspec.ValidationError:
        return body  # no object, which is no session
    for name in fields.__struct_fields__:
        value = getattr(fields, name)
        if isinstance(value, Raw):
            setattr(fields, name, _shortened(value))
    return msgspec.json.encode(fields)


def _shortened(field: Raw) -> Any:
    value = bytes(field)
    if value[:1] not in (b"[", b"{") or value.count(b",") < MAX_ROW_OBJECTS:
        return field
    if value.count(b",") >= MAX_ROW_VALUES and _has_too_many_values(value):
        return _NULL
    values = msgspec.json.decode(value, type=Union[list[Raw], dict[str, Raw]])  # noqa: UP007 - at run time
    places = list(values) if isinstance(values, dict) else range(len(values))
    for place in places[MAX_ROW_OBJECTS:]:
        if bytes(values[place])[:1] == b"{":
            values[place] = _NULL
    return values


def _has_too_many_values(value: bytes) -> bool:
    counted = _counted_struct(MAX_ROW_VALUES)
    try:  # what has many commas may have them in its objects
        msgspec.json.decode(value, type=Union[list[counted], dict[str, counted]])  # type: ignore[valid-type]  # noqa: UP007 - at run time
    except msgspec.ValidationError:
        return True
    return False


def _counted_struct(most: int) -> Any:
    """Return a struct of nothing, that cannot be decoded more than `most` times."""
    counted = itertools.count(1)

    def count(_: object) -> None:
        if next(counted) > most:
            raise ValueError("too many")

    return msgspec.defstruct("Counted", [], namespace={"__post_init__": count})


def check_size(body: bytes | bytearray) -> None:
    """Refuse an answer of too many rows, stopping at the first that is one too many.

    Raises:
        TooManyValues: it has, or what has so many values is no page.
    """
    if len(body) <= MANY_VALUES or body.count(b",") <= MANY_VALUES:
        return
    row = _counted_struct(MAX_ROWS_SENT)
    page = msgspec.defstruct("CountedRows", [("data", GenericAlias(list, row))])
    try:
        msgspec.json.decode(body, type=page)
    except msgspec.ValidationError:
        raise TooManyValues from None
    except (msgspec.DecodeError, RecursionError):
        return  # for whoever reads it to say


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
def _raw_struct(model: type[BaseModel]) -> type[msgspec.Struct]:
    """Return a msgspec struct of a model's fields, each as it stands."""
    fields = [(name, Union[Raw, UnsetType], UNSET) for name in model.model_fields]  # noqa: UP007 - at run time
    spelled = {name: field.alias for name, field in model.model_fields.items() if field.alias}
    return msgspec.defstruct(f"{model.__name__}Raw", fields, omit_defaults=True, rename=spelled)


@cache
def _page_struct(row: type[BaseModel]) -> Any:
    envelope = [(name, Raw, _NULL) for name in ("total", "offset", "limit")]
    return msgspec.defstruct(f"{row.__name__}StructPage", [("data", _rows_type(row)), *envelope])


def _rows_type(row: type[BaseModel]) -> Any:
    return GenericAlias(list, Union[_row_struct(row), None])  # noqa: UP007 - at run time


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
