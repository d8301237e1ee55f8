import json
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_sessions.wire.extract import TooManyValues
from mcp_sessions.wire.models import FullSession, Session
from mcp_sessions.wire.read import CutShort, NotRows, parse_page, parse_session

from support.rows import page_of

WRONG = [None, 5, -1, True, "x", "", [], {}, [5], {"a": 1}, 1e400, 10**30, "\x00"]


def read_page(body, session):
    return parse_page(body, session, 100)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"<html><title>502</title>", "not JSON"),
        (b"x", "not JSON"),
        (b'{"data":[],"x":' + b"[" * 200_000, "JSON nested too deeply"),
        (b"[" * 200_000, "JSON without a list of sessions under data"),
        (b'"' + b"9" * 10_000, "not JSON"),
        (b"[]", "JSON without a list of sessions under data"),
        (b"null", "JSON without a list of sessions under data"),
        (b"{}", "JSON without a list of sessions under data"),
        (b'{"data":null}', "JSON without a list of sessions under data"),
        (b'{"data":{"id":"CANARY"}}', "JSON without a list of sessions under data"),
    ],
)
def test_an_answer_that_is_no_page_is_refused_without_quoting_it(body, reason):
    with pytest.raises(NotRows) as refused:
        read_page(body, Session)
    assert str(refused.value) == reason
    assert refused.value.__suppress_context__


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"data":[{"id":"a"', CutShort),
        (b'{"data":[', CutShort),
        (b"{", CutShort),
        (b"", NotRows),
        (b"x", NotRows),
    ],
)
def test_a_page_that_was_cut_off_is_told_from_what_is_no_page(body, told):
    with pytest.raises(NotRows) as refused:
        read_page(body, Session)
    assert type(refused.value) is told


@pytest.mark.parametrize("value", WRONG)
def test_an_envelope_number_of_the_wrong_type_is_none_or_harmless(value):
    page = read_page(page_of(total=value, limit=value, offset=value), Session)
    assert page.data == []


@given(st.binary())
def test_any_bytes_are_a_page_or_not_a_page(body):
    with suppress(NotRows):
        read_page(body, FullSession)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(
    st.lists(
        st.dictionaries(st.sampled_from([*FullSession.model_fields, "mcpServers"]), json_values)
    )
)
def test_any_rows_are_read_one_by_one(rows):
    assert len(read_page(page_of(*rows), FullSession).data) == len(rows)


def test_a_row_that_a_small_answer_spoils_leaves_the_others():
    body = page_of({"id": "a"}, 5, {"id": "b", "usage": []})
    assert [row and row.id for row in parse_page(body, Session, 20).data] == ["a", None, "b"]


@pytest.mark.parametrize("odd", ["{}", "[]", "0", '{"id":"a","tools":[{},{},{},{}]}'])
def test_a_broken_answer_of_millions_of_values_is_refused_before_it_is_built(odd):
    rows = ",".join(['{"id":NaN}', *[odd] * (4_000_000 // len(odd))])
    body = f'{{"data":[{rows}]}}'.encode()
    tracemalloc.start()
    try:
        with pytest.raises(TooManyValues):
            read_page(body, FullSession)
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


def test_rows_beyond_those_asked_for_take_no_memory():
    heavy = json.dumps({"id": "a", "tools": [{}] * 200})
    body = f'{{"data":[{",".join([heavy] * 9_000)}]}}'.encode()
    tracemalloc.start()
    try:
        assert len(parse_page(body, FullSession, 20).data) == 20
        assert tracemalloc.get_traced_memory()[1] < 3 * len(body)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "more",
    [
        {"tools": [{}] * 13_000},
        {"tools": [{}] * 13_000, "usage": []},
        {"initial_files": [{}] * 13_000},
        {"mcpServers": {str(n): {} for n in range(5_000)}},
        {"tags": [f"{n:05}" for n in range(10_000)]},
        {"title": "x" * 100_000, "tags": ["\U0001f600" + "x" * 100_000]},
    ],
    ids="+".join,
)
def test_a_page_keeps_no_more_than_a_page_may_be_worth_whatever_its_rows_hold(more):
    body = page_of(*({"id": f"a{n}", **more} for n in range(60)))
    parse_page(page_of({"id": "a", "usage": []}), FullSession, 100)
    tracemalloc.start()
    try:
        page = read_page(body, FullSession)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [row.id for row in page.data] == [f"a{n}" for n in range(60)]
    assert kept < 3_000_000
    assert peak < kept + 4 * len(body) + 1_000_000


@pytest.mark.parametrize(
    "more",
    [
        {"tools": [{}] * 999},
        {"initial_files": [{"content": ""}] * 999},
        {"capabilities": [{}] * 999, "usage": []},
        {"mcpServers": {str(n): {} for n in range(999)}},
    ],
    ids="+".join,
)
def test_lists_of_as_many_objects_as_may_be_take_no_memory_for_those_that_are_not_shown(more):
    body = page_of(*({"id": f"a{n}", **more} for n in range(60)))
    parse_page(page_of({"id": "a", "usage": []}), FullSession, 100)
    tracemalloc.start()
    try:
        page = read_page(body, FullSession)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert all(row.model_dump(by_alias=True)[next(iter(more))] for row in page.data)
    assert kept < 3_000_000
    assert peak < 10_000_000


def one(**fields):
    return json.dumps({"id": "session_1", **fields}).encode()


@pytest.mark.parametrize("session", [Session, FullSession])
@pytest.mark.parametrize("wrong", WRONG)
def test_a_single_session_loses_a_field_that_is_not_as_it_should_be_and_no_other(session, wrong):
    body = one(title="kept", tags=wrong, usage=wrong, tools=wrong, created_at=wrong, owner=wrong)
    read = parse_session(body, session)
    assert (read.id, read.title) == ("session_1", "kept")


def test_a_single_session_is_read_like_the_row_of_a_page():
    row = {**json.loads(one()), "title": "é", "unknown": {"deep": [1]}, "tags": ["a", None]}
    (of_page,) = read_page(page_of(row), FullSession).data
    assert parse_session(json.dumps(row).encode(), FullSession) == of_page


def test_half_characters_cost_a_single_session_a_character():
    assert parse_session(b'{"id":"session_1","title":"a\\ud800b"}', Session).title == "a\ufffdb"


@pytest.mark.parametrize(
    "body", [b"{}", b'{"id":null}', b'{"id":5}', b'{"total":5,"by_activity":[]}', b'{"id":["a"]}']
)
def test_an_object_without_an_id_is_no_session(body):
    assert parse_session(body, Session) is None


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (b"", NotRows, "not JSON"),
        (b"<html>", NotRows, "not JSON"),
        (b'{"id":"session_1"', CutShort, "not JSON"),
        (b"[]", NotRows, "JSON without a session"),
        (b"null", NotRows, "JSON without a session"),
        (b'"CANARY"', NotRows, "JSON without a session"),
        (b'{"id":"CANARY key"}', NotRows, "a session that cannot be read"),
        (b'{"x":' + b"[" * 200_000, NotRows, "JSON nested too deeply"),
    ],
)
def test_what_is_no_single_session_is_refused_without_quoting_it(body, kind, reason):
    with pytest.raises(NotRows) as refused:
        parse_session(body, Session)
    assert (type(refused.value), str(refused.value)) == (kind, reason)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_a_single_session_of_many_values_takes_no_more_memory_than_a_few_times_its_bytes():
    body = b'{"id":"session_1","tools":[%b]}' % b",".join([b'{"a":{}}'] * 1_000_000)
    tracemalloc.start()
    read = parse_session(body, FullSession)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read.id == "session_1"
    assert peak < 5 * len(body)
