import json
from pathlib import Path

import pytest

from mcp_sessions.embedded import SessionStore, load_sessions, seed_sessions

SAMPLES = Path(__file__).resolve().parents[3] / "shared"
ONE = {"id": "session_1", "created_at": "2026-01-01T00:00:00Z"}
TWO = {"id": "session_2", "created_at": "2026-01-02T00:00:00Z"}


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "sessions.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [
        [ONE, TWO],
        {"data": [ONE, TWO], "total": 2},
        json.dumps([ONE, TWO], indent=2),
        f"{json.dumps(ONE)}\n{json.dumps(TWO)}",
        f"\n{json.dumps(ONE)}\r\n\n{json.dumps(TWO)}\n",
        "\ufeff" + json.dumps([ONE, TWO]),
    ],
)
def test_a_list_an_envelope_and_lines_are_read_alike(written, content):
    assert load_sessions(written(content)) == [ONE, TWO]


def test_a_single_line_is_jsonl_too(written):
    assert load_sessions(written(ONE)) == [ONE]


def test_separators_of_lines_inside_a_title_do_not_end_a_line(written):
    odd = ONE | {"title": "a\u2028b\u0085c"}
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in (odd, TWO))
    assert load_sessions(written(lines)) == [odd, TWO]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[1, 2", "not JSON"),
        ("", "not JSON"),
        ({"data": 5}, "neither a list"),
        (5, "neither a list"),
        ([ONE, 5], "session 1: not an object"),
        ([ONE, {"created_at": "2026-01-01T00:00:00Z"}], "session 1: no id"),
        ([ONE, {"id": "session_2"}], "session 1: no created_at"),
        ([ONE | {"created_at": "soon"}], "session 0: created_at is not"),
        ([ONE | {"created_at": None}], "session 0: created_at is not"),
        ([ONE | {"title": 5}], "session 0: title is not a string"),
        ([ONE, ONE], "session 1: a second session with the id session_1"),
        (f"{json.dumps(ONE)}\n\n{{}}", "line 3: no id"),
        (f"{json.dumps(ONE)}\n{{]", "line 2: not JSON"),
        (f"{json.dumps(ONE)}\n7", "line 2: not an object"),
    ],
)
def test_a_file_that_is_refused_is_named_with_the_line_or_session_at_fault(written, content, words):
    path = written(content)
    with pytest.raises(ValueError, match=words) as raised:
        load_sessions(path)
    assert str(raised.value).startswith(str(path))


def test_a_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "sessions.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="not UTF-8"):
        load_sessions(path)


def test_the_seed_survives_a_file(written, store):
    seed = list(seed_sessions(60))
    loaded = load_sessions(written("\n".join(map(json.dumps, seed))))
    assert loaded == seed
    assert store.create_many(loaded) == 60


@pytest.mark.parametrize("name", ["sample-page-20.json", "sample-page-100.json"])
def test_a_recorded_page_is_served_again(name):
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"no {name} beside the repository")
    sessions = load_sessions(path)
    with SessionStore() as store:
        assert store.create_many(sessions) == len(sessions)
        assert store.page(limit=100)[1] == len(sessions)
