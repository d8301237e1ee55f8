import json
import sqlite3
import threading
from collections import Counter

import pytest

from mcp_sessions.embedded import SessionStore

AGENT = "agent_" + "a" * 32
OTHER = "agent_" + "b" * 32


def filled(store, count, **fields):
    """Stores so many sessions a second apart and returns their ids, the newest first."""
    made = [
        store.create({"created_at": f"2026-01-01T00:{n // 60:02}:{n % 60:02}Z", **fields})
        for n in range(count)
    ]
    return made[::-1]


def ids(page):
    rows, _ = page
    return [row.id for row in rows]


def titles(store, search, **asked):
    rows, total = store.page(search=search, **asked)
    found = [json.loads("{" + row.body + "}")["title"] for row in rows]
    assert len(found) == total
    return sorted(found)


def test_pages_are_newest_first_and_cover_everything_once(store):
    made = filled(store, 25)
    pages = [store.page(offset=offset, limit=10) for offset in (0, 10, 20)]
    assert [id_ for page in pages for id_ in ids(page)] == made
    assert {total for _, total in pages} == {25}


def test_microseconds_decide_the_order_whatever_the_offset_is_written_in(store):
    early = store.create({"created_at": "2026-01-01T10:00:00.000001+02:00"})
    late = store.create({"created_at": "2026-01-01T08:00:00.000002Z"})
    assert ids(store.page()) == [late, early]


def test_an_offset_past_the_end_has_no_rows_and_the_real_total(store):
    filled(store, 3)
    assert store.page(offset=2**31 - 1) == ([], 3)
    assert store.page(limit=0) == ([], 3)


def test_an_agent_has_its_own_pages_and_total(store):
    mine = filled(store, 5, agent_id=AGENT)
    filled(store, 7, agent_id=OTHER)
    filled(store, 2)
    assert ids(store.page(AGENT, offset=1, limit=3)) == mine[1:4]
    assert [store.page(agent)[1] for agent in (AGENT, OTHER, "agent_c", None)] == [5, 7, 0, 14]


def test_totals_follow_creation_and_deletion(store):
    first, *_ = filled(store, 3, agent_id=AGENT)
    assert store.delete(first)
    assert not store.delete(first)
    assert (store.page()[1], store.page(AGENT)[1]) == (2, 2)


def test_a_search_wants_every_word_somewhere_in_the_title_whatever_its_case(store):
    for title in ("Plan the Q3 launch", "q3 plan", "Launch", None, ""):
        store.create({"title": title, "preview": "launch plan"})
    assert titles(store, " LAUNCH \t q3 ") == ["Plan the Q3 launch"]
    assert titles(store, "lan") == ["Plan the Q3 launch", "q3 plan"]


def test_a_search_knows_case_beyond_ascii(store):
    store.create({"title": "ОТЧЁТ по Straße"})
    assert len(titles(store, "отчёт STRASSE")) == 1


@pytest.mark.parametrize("wild", ["%", "_", "*", "?", "[", "]", "[a-z]", "\\", "'", '"', "\0"])
def test_wildcards_are_ordinary_characters(store, wild):
    store.create({"title": "an ordinary title"})
    store.create({"title": f"with {wild} in it"})
    assert titles(store, wild) == [f"with {wild} in it"]


def test_the_ninth_word_and_the_rest_are_ignored(store):
    store.create({"title": "a b c d e f g h"})
    assert titles(store, "a b c d e f g h") == titles(store, "a b c d e f g h nothing")


def test_a_search_for_no_words_finds_all(store):
    filled(store, 3)
    assert store.page(search=" \t ")[1] == 3


def test_a_search_is_paged_within_an_agent(store):
    mine = filled(store, 5, agent_id=AGENT, title="same words")
    filled(store, 5, agent_id=OTHER, title="same words")
    assert store.page(AGENT, "words same", offset=3, limit=5)[1] == 5
    assert ids(store.page(AGENT, "words same", offset=3, limit=5)) == mine[3:]


@pytest.mark.parametrize("search", [None, "tie"])
def test_shuffled_ties_change_places_only_among_themselves(store, search):
    for moment in (1, 2, 3):
        for _ in range(6):
            store.create({"created_at": f"2026-01-0{moment}T00:00:00Z", "title": "tie"})
    orders = [store.page(search=search, limit=100, shuffle_ties=True) for _ in range(20)]
    assert len({tuple(ids(order)) for order in orders}) > 1
    for rows, _ in orders:
        moments = [json.loads("{" + row.body + "}")["created_at"] for row in rows]
        assert moments == sorted(moments, reverse=True)
        assert Counter(moments).most_common() == [(moment, 6) for moment in moments[::6]]


def test_a_shuffled_page_cuts_a_tie_anywhere(store):
    made = {store.create({"created_at": "2026-01-01T00:00:00Z"}) for _ in range(6)}
    seen = {id_ for _ in range(60) for id_ in ids(store.page(limit=2, shuffle_ties=True))}
    assert seen == made


def test_an_id_that_exists_and_a_broken_session_are_refused_whole(store):
    store.create({"id": "session_1"})
    with pytest.raises(ValueError, match="exists already"):
        store.create_many([{"id": "session_2"}, {"id": "session_1"}])
    with pytest.raises(ValueError, match="title is not a string"):
        store.create_many([{"id": "session_3"}, {"title": 5}])
    assert store.page()[1] == 1


def test_a_verbatim_row_keeps_its_text_and_its_place(store):
    filled(store, 1)
    store.create_verbatim('{"title":5}', "2026-02-01T00:00:00Z")
    rows, total = store.page()
    assert (rows[0].body, rows[0].status, total) == ('{"title":5}', None, 2)


def test_a_file_keeps_its_sessions_and_totals(tmp_path):
    path = tmp_path / "sessions.db"
    with SessionStore(path) as store:
        made = filled(store, 4, agent_id=AGENT, title="kept")
    with SessionStore(path) as store:
        assert ids(store.page(AGENT, "kept")) == made
        assert store.page(AGENT)[1] == 4


def test_two_stores_may_share_a_file(tmp_path):
    path = tmp_path / "sessions.db"
    with SessionStore(path) as one, SessionStore(path) as other:
        made = filled(one, 3)
        assert ids(other.page()) == made
        other.delete(made[0])
        assert one.page()[1] == 2


def test_readers_and_writers_share_the_store_without_a_torn_page(store):
    filled(store, 50)
    broken = []

    def write():
        for _ in range(100):
            store.delete(store.create({"created_at": "2026-01-02T00:00:00Z", "title": "new"}))

    def read():
        for _ in range(100):
            rows, _ = store.page(limit=10)
            if len({row.id for row in rows}) != 10:
                broken.append(rows)

    threads = [threading.Thread(target=work, daemon=True) for work in (write, read, write, read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert broken == []
    assert store.page()[1] == 50


def test_a_closed_store_says_so(store):
    store.close()
    with pytest.raises(sqlite3.ProgrammingError):
        store.page()
