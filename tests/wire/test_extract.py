import json
import tracemalloc

import pytest

from mcp_sessions.wire.extract import MANY_VALUES, NotRows, TooManyValues, extract, extract_small
from mcp_sessions.wire.models import FullSession, Session

from support.rows import page_of


def rows_of(body, kind=Session, most=100):
    return [json.loads(row) for row in extract(body, most, kind).rows]


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


def test_a_row_of_other_shapes_stays_as_it_is():
    row = {"id": "a", "tools": {"not": "a list"}}
    assert rows_of(page_of(row, 5), FullSession) == [row, 5]


@pytest.mark.parametrize("value", ["0", "[]", "{}", '""', '{"id":"a"}', "[[]]", '{"a":0}'])
def test_an_answer_of_millions_of_values_takes_no_memory_beyond_its_own(value):
    body = bytearray(b'{"data":[' + b",".join([value.encode()] * 3_000_000) + b"]}")
    tracemalloc.start()
    try:
        with pytest.raises(TooManyValues):
            extract(body, 100, Session)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_millions_of_values_in_a_field_that_is_not_read_cost_nothing():
    row = b'{"id":"a","numbers":[' + b",".join([b"0"] * 3_000_000) + b"]}"
    assert rows_of(b'{"data":[' + row + b',{"id":"b"}]}') == [{"id": "a"}, {"id": "b"}]


def test_commas_in_texts_are_no_values():
    row = {"id": "a", "title": "," * 2 * MANY_VALUES}
    assert len(rows_of(page_of(row, row))) == 2


@pytest.mark.parametrize(
    ("body", "early"),
    [
        (b'{"data":[{"id":"a"', True),
        (b'{"data":[', True),
        (b"{", True),
        (b"", False),
        (b"x", False),
    ],
)
def test_what_broke_off_is_told_from_what_is_no_page(body, early):
    with pytest.raises(NotRows) as refused:
        extract(body, 100, Session)
    assert refused.value.early is early


@pytest.mark.parametrize("kind", [Session, FullSession])
def test_a_small_answer_cut_at_once_has_what_row_by_row_gives(kind):
    row = {"id": "a", "title": "x", "secret": "CANARY", "tags": ["x", 5], "tools": [{"name": "t"}]}
    body = json.dumps({"data": [row, None, {"id": "b"}], "total": 3, "offset": None}).encode()
    at_once = json.loads(extract_small(body, 2, kind))
    assert at_once["data"] == rows_of(body, kind, most=2)
    assert (at_once["total"], at_once["offset"], at_once["limit"]) == (3, None, None)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"data":[5]}', b'{"data":5}', b'{"data":[]}'.ljust(600_000)]
)
def test_an_answer_that_needs_a_closer_look_is_not_cut_at_once(body):
    assert extract_small(body, 20, Session) is None
