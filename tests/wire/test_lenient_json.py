import pytest

from mcp_sessions.wire.models import FullSession, Session
from mcp_sessions.wire.read import NotRows, parse_page


def read_page(body, session):
    return parse_page(body, session, 100)


@pytest.mark.parametrize("depth", [150, 199, 300, 900])
def test_a_deeply_nested_value_costs_no_row(depth):
    nested = "[" * depth + "]" * depth
    body = f'{{"data":[{{"id":"session_1","title":"good"}},{{"id":"session_2","hints":{nested}}}]}}'
    rows = read_page(body.encode(), FullSession).data
    assert [row.id for row in rows] == ["session_1", "session_2"]
    assert rows[0].title == "good"


def test_a_number_without_end_costs_no_row():
    body = b'{"data":[{"id":"session_1","max_iterations":' + b"9" * 5_000 + b"}]}"
    (read,) = read_page(body, FullSession).data
    assert (read.id, read.max_iterations) == ("session_1", None)


def test_a_lone_surrogate_or_broken_utf8_costs_a_character_and_not_the_page():
    escaped = b'{"data":[{"id":"session_1","title":"half \\ud800 a"},{"id":"session_2"}]}'
    broken = b'\xef\xbb\xbf{"data":[{"id":"session_1","title":"half \xff a"}]}'
    rows = read_page(escaped, Session).data
    assert [row.id for row in rows] == ["session_1", "session_2"]
    assert rows[0].title == "half \ufffd a"
    assert read_page(broken, Session).data[0].title == "half \ufffd a"


def test_an_answer_nested_without_end_is_no_page():
    deep = b'{"id":"b","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with pytest.raises(NotRows, match="JSON nested too deeply"):
        parse_page(b'{"data":[{"id":"a"},' + deep + b"]}", Session, 100)


def test_a_broken_row_is_mended_and_its_neighbours_stay():
    body = (
        b'{"data":[{"id":"a","title":"\\ud800 x"},{"id":"b","title":"\xff"},{"id":"c","usage":NaN},'
        b'{"id":"d","max_iterations":' + b"9" * 5_000 + b'},{"id":"e"}],"total":5}'
    )
    page = parse_page(body, FullSession, 100)
    assert [row.id for row in page.data] == ["a", "b", "c", "d", "e"]
    assert [row.title for row in page.data[:2]] == [
        "\N{REPLACEMENT CHARACTER} x",
        "\N{REPLACEMENT CHARACTER}",
    ]
    assert page.total == 5


def test_one_row_of_broken_text_is_mended_by_itself():
    page = parse_page(b'{"data":[{"id":"a","title":"\xff"},{"id":"b"}],"total":2}', Session, 100)
    assert [row.id for row in page.data] == ["a", "b"]
