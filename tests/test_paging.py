import anyio
import pytest

from mcp_sessions.api import open_api
from mcp_sessions.cursor import Place
from mcp_sessions.embedded import EmbeddedOptions, SessionStore, seed_sessions, serve
from mcp_sessions.paging import read_page
from mcp_sessions.query import ListSessions
from mcp_sessions.wire import Session

from calls import DEADLINE, settings_for
from raw_api import page_answer, raw_api


def pages(url, place):
    """Read pages from `place` to the end of the list."""

    async def walk():
        read = []
        with anyio.fail_after(DEADLINE):
            async with open_api(settings_for(url)) as api:
                following = place
                while following is not None:
                    read.append(await read_page(api, following, Session))
                    following = read[-1].next_place()
        return read

    return anyio.run(walk)


def ids(*read):
    return [row.id for page in read for _, row in page.rows]


@pytest.fixture(scope="module")
def forty():
    store = SessionStore()
    store.create_many(list(seed_sessions())[:40])
    with serve(store, EmbeddedOptions()) as served:
        yield served


@pytest.mark.parametrize("limit", [1, 3, 7, 19, 20, 39, 40, 41, 99, 100])
def test_a_walk_at_any_limit_gives_every_session_once_in_order(forty, limit):
    forty.requests.clear()
    read = pages(forty.url, Place(ListSessions(limit=limit)))
    (whole,) = pages(forty.url, Place(ListSessions(limit=100)))
    assert ids(*read) == ids(whole)
    assert len(set(ids(whole))) == 40
    assert len(read) == -(-40 // limit)
    assert all(page.total == 40 for page in read)


def test_a_page_costs_one_request(forty):
    forty.requests.clear()
    pages(forty.url, Place(ListSessions(limit=20)))
    assert [dict(seen.query)["limit"] for seen in forty.requests] == ["21", "21"]


def test_a_full_page_at_the_largest_limit_sees_the_end_with_a_second_request():
    store = SessionStore()
    store.create_many(list(seed_sessions())[:100])
    with serve(store) as served:
        (page,) = pages(served.url, Place(ListSessions(limit=100)))
        assert len(page.rows) == 100
        assert [dict(seen.query)["limit"] for seen in served.requests] == ["100", "1"]


@pytest.mark.parametrize("offset", [40, 41, 2**31 - 1])
def test_a_place_past_the_end_is_an_empty_last_page(forty, offset):
    (page,) = pages(forty.url, Place(ListSessions(), offset))
    assert (page.rows, page.next_offset, page.total) == ((), None, 40)


def test_a_walk_from_an_offset_covers_what_follows(forty):
    (whole,) = pages(forty.url, Place(ListSessions(limit=100)))
    assert ids(*pages(forty.url, Place(ListSessions(limit=6), 13))) == ids(whole)[13:]


def test_the_end_is_never_taken_from_the_total():
    rows = [{"id": f"session_{n}"} for n in range(3)]
    with raw_api([page_answer(rows, total=2), page_answer([], total=99)]) as upstream:
        first, last = pages(upstream.url, Place(ListSessions(limit=2)))
    assert ids(first, last) == ["session_0", "session_1"]


def test_malformed_rows_are_counted_and_keep_their_place():
    rows = [{"id": "session_0"}, None, {"id": 5}, {"id": "session_3"}]
    with raw_api([page_answer(rows)]) as upstream:
        (page,) = pages(upstream.url, Place(ListSessions(limit=20), 40))
    assert page.malformed == 2
    assert [index for index, _ in page.rows] == [40, 43]


def test_a_server_with_a_lower_limit_of_its_own_does_not_end_the_list():
    half = [{"id": f"session_{n}"} for n in range(5)]
    rest = [{"id": f"session_{n}"} for n in range(5, 8)]
    answers = [page_answer(half, limit=5), page_answer(rest[:1], limit=1), page_answer(rest)]
    with raw_api(answers) as upstream:
        read = pages(upstream.url, Place(ListSessions(limit=20)))
    assert ids(*read) == [f"session_{n}" for n in range(8)]


def test_more_rows_than_asked_for_are_left_for_the_next_page():
    rows = [{"id": f"session_{n}"} for n in range(50)]
    with raw_api([page_answer(rows), page_answer([])]) as upstream:
        page = pages(upstream.url, Place(ListSessions(limit=10)))[0]
    assert len(page.rows) == 10
    assert page.next_offset == 10


def test_a_cut_page_goes_on_after_the_last_row_shown():
    rows = [{"id": "session_0"}, None, {"id": "session_2"}, None, {"id": "session_4"}]
    with raw_api([page_answer(rows)]) as upstream:
        (page,) = pages(upstream.url, Place(ListSessions(), 10))
    cut = page.cut(2)
    assert ids(cut) == ["session_0", "session_2"]
    assert (cut.next_offset, cut.malformed) == (14, 2)
    assert page.cut(3) is page
