import json
import tracemalloc

import msgspec
import pytest

from mcp_sessions.wire.extract import (
    MANY_VALUES,
    MAX_ROW_VALUES,
    TooManyValues,
    check_size,
    extract_page,
    extract_row,
    lightened,
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


COUNTED = {
    "tools": [{}] * (MAX_ROW_VALUES + 1),
    "initial_files": [{"path": "x"}] * (MAX_ROW_VALUES + 1),
    "capabilities": [{}] * (MAX_ROW_VALUES + 1),
    "mcpServers": {f"{n}": {} for n in range(MAX_ROW_VALUES + 1)},
    "tags": ["x"] * (MAX_ROW_VALUES + 1),
    "features": [""] * (MAX_ROW_VALUES + 1),
}


@pytest.mark.parametrize("name", COUNTED)
def test_of_an_answer_with_too_many_values_a_list_of_too_many_is_none_and_the_rest_is_kept(name):
    heavy = {"id": "a", "title": ",", name: COUNTED[name]}
    light = {"id": "b", "tags": ["x"], "tools": [{"name": "t", "schema": [{}] * 3_000}]}
    rows = rows_of(page_of(*[heavy] * 25, light), FullSession)
    assert {row["id"]: row.get(name) for row in rows[:25]} == {"a": None}
    assert rows[0]["title"] == ","
    assert rows[25] == {"id": "b", "tags": ["x"], "tools": [{"name": "t"}]}


def test_a_list_as_long_as_it_may_be_is_kept_however_many_there_are():
    tools = [{"name": "t"}] * MAX_ROW_VALUES
    rows = rows_of(page_of(*[{"id": "a", "tools": tools}] * 25), FullSession)
    assert [len(row["tools"]) for row in rows] == [MAX_ROW_VALUES] * 25


@pytest.mark.parametrize("row", [b"5", b"[" + b"1," * 3_000 + b"1]"])
def test_a_row_that_is_no_object_is_left_as_it_is(row):
    assert lightened(row, FullSession) == row
