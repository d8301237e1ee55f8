import json
import tracemalloc

import msgspec
import pytest

from mcp_sessions.wire.extract import (
    MANY_VALUES,
    TooManyValues,
    check_size,
    extract_page,
    extract_row,
)
from mcp_sessions.wire.models import FullSession, Session

from support.rows import page_of


def rows_of(body, kind=Session, most=100):
    check_size(body)
    return json.loads(extract_page(body, most, kind))["data"]


def test_a_row_keeps_what_is_read_and_loses_all_else():
    row = {"id": "a", "title": "x", "secret": "CANARY", "usage": {"input_tokens": 5, "y": 6}}
    assert rows_of(page_of(row)) == [{"id": "a", "title": "x", "usage": {"input_tokens": 5}}]


def test_heavy_fields_keep_what_their_shape_needs():
    row = {
        "id": "a",
        "tools": [{"name": "t", "parameters": {"secret": "CANARY"}}, None],
        "mcpServers": {"m": {"type": "http", "headers": {"k": "CANARY"}}},
        "capabilities": [{"ref": "c", "config": {"k": "CANARY"}}],
        "tags": ["x", 5],
    }
    assert rows_of(page_of(row), FullSession) == [
        {
            "id": "a",
            "tools": [{"name": "t"}, None],
            "mcpServers": {"m": {"type": "http"}},
            "capabilities": [{"ref": "c"}],
            "tags": ["x", 5],
        }
    ]


def test_no_more_rows_are_cut_out_than_were_asked_for():
    assert len(rows_of(page_of(*[{"id": "a"}] * 500), most=20)) == 20


@pytest.mark.parametrize("row", [b'{"id":"a","tools":{"not":"a list"}}', b"5", b"[]", b"{"])
def test_a_row_of_another_shape_is_not_cut_out(row):
    with pytest.raises(msgspec.DecodeError):
        extract_row(row, FullSession)
    with pytest.raises(msgspec.DecodeError):
        extract_page(b'{"data":[' + row + b"]}", 20, FullSession)


@pytest.mark.parametrize("value", ["0", "[]", "{}", '""', '{"id":"a"}', "[[]]", '{"a":0}'])
def test_an_answer_of_millions_of_values_takes_no_memory_beyond_its_own(value):
    body = bytearray(b'{"data":[' + b",".join([value.encode()] * 3_000_000) + b"]}")
    tracemalloc.start()
    try:
        with pytest.raises(TooManyValues):
            check_size(body)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_millions_of_values_in_a_field_that_is_not_read_cost_nothing():
    row = b'{"id":"a","numbers":[' + b",".join([b"0"] * 3_000_000) + b"]}"
    assert rows_of(b'{"data":[' + row + b',{"id":"b"}]}') == [{"id": "a"}, {"id": "b"}]


def test_commas_inside_texts_do_not_count_as_values():
    row = {"id": "a", "title": "," * 2 * MANY_VALUES}
    assert len(rows_of(page_of(row, row))) == 2


@pytest.mark.parametrize("kind", [Session, FullSession])
def test_a_page_cut_at_once_has_what_its_rows_cut_one_by_one_have(kind):
    row = {"id": "a", "title": "x", "secret": "CANARY", "tags": ["x", 5], "tools": [{"name": "t"}]}
    body = json.dumps({"data": [row, None, {"id": "b"}], "total": 3, "offset": None}).encode()
    page = json.loads(extract_page(body, 2, kind))
    assert page["data"] == [json.loads(extract_row(json.dumps(row).encode(), kind)), None]
    assert (page["total"], page["offset"], page["limit"]) == (3, None, None)
