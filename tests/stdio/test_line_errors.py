import json

import pytest

from mcp_sessions.stdio.line_errors import error_for, error_for_long
from mcp_sessions.stdio.line_splitter import LineSplitter, LongLine

PARAMS = {"name": "list_sessions", "arguments": {"x": "y" * 9_000, "id": 5}}
CALL = {"jsonrpc": "2.0", "method": "tools/call"}


def long(text):
    """Return what is left of a long line."""
    (line,) = LineSplitter(4_096).split(text.encode() + b"\n")
    assert isinstance(line, LongLine)
    return line


def id_for(text):
    error = error_for_long(long(text))
    assert error.error.code == -32600
    assert "longer than 1048576 bytes" in error.error.message
    return error.id


@pytest.mark.parametrize("id_", [7, -7, 0, "a", 'quote " and \\', "ü", "7"])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_a_long_request_is_refused_under_its_id_wherever_that_stands(id_, separators):
    for request in (
        {"jsonrpc": "2.0", "id": id_, "method": "tools/call", "params": PARAMS},  # Python
        {"method": "tools/call", "params": PARAMS, "jsonrpc": "2.0", "id": id_},  # TypeScript
        {"id": id_, **CALL, "params": PARAMS},
        {"params": PARAMS, "id": id_, **CALL},
        {"id": id_, "params": PARAMS, **CALL},
    ):
        for ascii_only in (True, False):
            text = json.dumps(request, separators=separators, ensure_ascii=ascii_only)
            assert id_for(text) == id_
            assert id_for(f"\ufeff{text} \r") == id_


@pytest.mark.parametrize(
    "text",
    [
        "x" * 9_000,
        "\0" * 9_000,
        " " * 9_000,
        '{"id":' + "1" * 9_000,
        json.dumps({**CALL, "params": PARAMS}),  # a notification
        json.dumps({"jsonrpc": "2.0", "id": 7, "result": PARAMS}),  # an answer
        json.dumps({**CALL, "params": {**PARAMS, "id": 7}}),
        json.dumps({**CALL, "params": PARAMS, "note": ', "id": 7}'}),
        json.dumps({**CALL, "params": PARAMS, "id": None}),
        json.dumps({**CALL, "params": PARAMS, "id": "\ud800"}),
        json.dumps({**CALL, "params": PARAMS, "id": "z" * 2_000}),
        json.dumps([{**CALL, "params": PARAMS, "id": 7}]),
    ],
    ids=lambda text: text[-30:].strip("\0 "),
)
def test_a_long_line_that_names_no_id_for_certain_is_refused_under_none(text):
    assert id_for(text) is None


def test_ends_full_of_commas_and_quotes_are_looked_through_at_once():
    for filling in (",", '"', '\\"', ',"id":"', '{"id":1,', ',"id":1', '"id":"\\'):
        assert error_for_long(LongLine(b"{" + filling.encode() * 128, filling.encode() * 128))


@pytest.mark.parametrize(
    ("text", "code", "id_"),
    [
        ("words", -32700, None),
        ('{"id":1,"method":', -32700, None),
        ('{"id":1}', -32600, None),
        ('{"id":1,"method":"ping"}', -32600, 1),
        ('{"id":1.0,"method":"ping"}', -32600, 1),
        ('{"id":1.5,"method":"ping"}', -32600, None),
        ('{"id":true,"method":"ping"}', -32600, None),
    ],
)
def test_what_is_no_message_is_refused_under_its_id_where_it_has_one(text, code, id_):
    error = error_for(text)
    assert (error.error.code, error.id) == (code, id_)
