from datetime import UTC, datetime

import anyio
import pytest

from mcp_sessions.api.client import open_api
from mcp_sessions.arguments import ListSessions
from mcp_sessions.embedded import EmbeddedOptions, SessionStore, seed_sessions, serve
from mcp_sessions.errors import ApiTimeout, ApiUnavailable
from mcp_sessions.paging.cursor import Drift, Place
from mcp_sessions.paging.page import Bounds, read_page
from mcp_sessions.paging.sort_key import SortKey, age_of
from mcp_sessions.paging.walk import MAX_PROBES
from mcp_sessions.wire.models import Session

from calls import DEADLINE, settings_for
from raw_api import page_answer, raw_api

FAR = 10**9  # seconds; no deadline


async def silent(_examined, _bound):
    """Take the progress of a walk that nobody watches."""


def pages(url, place, *, examined=1_000, until=FAR, most=100, scope=None):
    """Read pages from `place` to the end of the list."""

    async def walk():
        read = []
        with anyio.fail_after(DEADLINE):
            async with open_api(settings_for(url)) as api:
                bounds = Bounds(examined, anyio.current_time() + until)
                following = place
                while following is not None and len(read) < most:
                    page = await read_page(
                        api, following, Session, bounds, progress=silent, scope=scope
                    )
                    read.append(page)
                    following = page.following
        return read

    return anyio.run(walk)


def ids(*read):
    return [entry.session.id for page in read for entry in page.rows]


def limits(served):
    return [(dict(seen.query)["offset"], dict(seen.query)["limit"]) for seen in served.requests]


def row(number, **more):
    """Return a session that is older the greater its number is."""
    created = f"2026-11-20T{23 - number // 60:02}:{59 - number % 60:02}:00Z"
    return {"id": f"session_{number:032x}", "created_at": created} | more


@pytest.fixture(scope="module")
def forty():
    with SessionStore() as store, serve(store, EmbeddedOptions()) as served:
        store.create_many(list(seed_sessions())[:40])
        yield served


@pytest.fixture
def fresh():
    with SessionStore() as store, serve(store, EmbeddedOptions()) as served:
        yield served


@pytest.mark.parametrize("limit", [1, 3, 7, 19, 20, 39, 40, 41, 95, 96, 97, 98, 99, 100])
def test_a_walk_at_any_limit_gives_every_session_once_in_order(forty, limit):
    read = pages(forty.url, Place(ListSessions(limit=limit)))
    (whole,) = pages(forty.url, Place(ListSessions(limit=100)))
    assert ids(*read) == ids(whole)
    assert len(set(ids(whole))) == 40
    assert len(read) == -(-40 // limit)
    assert all(page.total == 40 for page in read)


def test_a_page_of_a_list_that_does_not_move_costs_one_request(forty):
    forty.requests.clear()
    pages(forty.url, Place(ListSessions(limit=20)))
    assert limits(forty) == [("0", "24"), ("16", "28")]


def test_a_full_page_at_the_largest_limit_costs_two(fresh):
    fresh.store.create_many(row(number) for number in range(300))
    read = pages(fresh.url, Place(ListSessions(limit=100)))
    assert [len(page.rows) for page in read] == [100, 100, 100]
    assert len(fresh.requests) <= 6


@pytest.mark.parametrize("offset", [40, 41, 2**31 - 1])
def test_a_place_past_the_end_is_an_empty_last_page(forty, offset):
    (page,) = pages(forty.url, Place(ListSessions(), offset))
    assert (page.rows, page.following, page.total) == ((), None, 40)


def test_a_walk_from_an_offset_covers_what_follows(forty):
    (whole,) = pages(forty.url, Place(ListSessions(limit=100)))
    assert ids(*pages(forty.url, Place(ListSessions(limit=6), 13))) == ids(whole)[13:]


def test_the_end_is_never_taken_from_the_total():
    rows = [row(number) for number in range(3)]
    with raw_api([page_answer(rows, total=1), page_answer(rows, total=99)]) as upstream:
        (page,) = pages(upstream.url, Place(ListSessions(limit=5)))
    assert len(page.rows) == 3


@pytest.mark.parametrize("change", ["created", "deleted"])
@pytest.mark.parametrize("rows", [1, 10, 200])
def test_a_list_that_moves_between_pages_repeats_and_loses_nothing(fresh, change, rows):
    fresh.store.create_many(row(number) for number in range(300, 800))
    (first,) = pages(fresh.url, Place(ListSessions(limit=100)), most=1)
    first_two = [first, *pages(fresh.url, first.following, most=2)]
    if change == "created":
        fresh.store.create_many(row(number) for number in range(rows))
    else:
        for number in range(300, 300 + rows):
            fresh.store.delete(row(number)["id"])
    rest = pages(fresh.url, first_two[-1].following)
    assert ids(*first_two, *rest) == [row(number)["id"] for number in range(300, 800)]


def test_a_list_that_goes_on_moving_is_met_with_one_request_a_page(fresh):
    fresh.store.create_many(row(number) for number in range(400, 900))
    (page,) = pages(fresh.url, Place(ListSessions(limit=20)), most=1)
    costs = []
    for start in range(390, 290, -10):
        fresh.store.create_many(row(number) for number in range(start, start + 10))
        fresh.requests.clear()
        (page,) = pages(fresh.url, page.following, most=1)
        costs.append(len(fresh.requests))
    assert costs[2:] == [1] * 8
    assert page.place.drift == Drift(10, 0)


def test_malformed_rows_are_counted_once_and_cost_no_other(fresh):
    for number in range(30):
        fresh.store.create(row(number))
        if number % 3 == 0:
            fresh.store.create_verbatim('{"id": 5}', row(number)["created_at"])
    read = pages(fresh.url, Place(ListSessions(limit=7)))
    assert sorted(ids(*read)) == [row(number)["id"] for number in range(30)]
    assert sum(page.malformed for page in read) == 10


def test_a_server_with_a_lower_limit_of_its_own_does_not_end_the_list():
    rows = [row(number) for number in range(8)]
    answers = [page_answer(rows[:5], limit=5), page_answer(rows[3:], limit=50)]
    with raw_api(answers) as upstream:
        (page,) = pages(upstream.url, Place(ListSessions(limit=20)))
    assert ids(page) == [one["id"] for one in rows]


def test_rows_in_no_order_of_time_are_paged_by_offset_and_that_is_said():
    rows = [{"id": f"session_{number}"} for number in range(50)]
    with raw_api([page_answer(rows[:12]), page_answer(rows[8:])]) as upstream:
        first, second = pages(upstream.url, Place(ListSessions(limit=10)), most=2)
    assert ids(first) == [one["id"] for one in rows[:10]]
    assert first.following == Place(ListSessions(limit=10), 10, doubtful=True)
    assert "no order of time" in first.note
    assert len(second.rows) == 10


def test_more_ties_than_a_window_holds_are_paged_by_offset_and_that_is_said(fresh):
    fresh.store.create_many(row(0) | {"id": f"session_{n:032x}"} for n in range(150))
    fresh.store.create_many(row(number) for number in range(500, 550))
    read = pages(fresh.url, Place(ListSessions(limit=30)))
    assert "More than 98 sessions share one created_at" in read[0].note
    assert read[-1].note is None
    assert len(read) < 12
    assert ids(*read)[-50:] == [row(number)["id"] for number in range(500, 550)]


def test_a_list_that_is_never_where_it_was_is_a_transient_failure():
    """Every answer denies the last one, as no honest list does."""
    newer, older = (
        page_answer([row(0)] * 100, total=9_000),
        page_answer([row(900)] * 100, total=9_000),
    )
    place = Place(
        ListSessions(), 500, after=SortKey(age_of(datetime(2026, 11, 20, 12, tzinfo=UTC)), b"x")
    )
    answers = [older if number % 2 else newer for number in range(MAX_PROBES)]
    with raw_api(answers) as upstream:
        with pytest.raises(ApiUnavailable, match="changes faster than it can be read"):
            pages(upstream.url, place)
        assert len(upstream.requests) == MAX_PROBES


def test_a_cut_page_goes_on_after_the_last_row_shown(forty):
    (whole,) = pages(forty.url, Place(ListSessions(limit=100)))
    cut = whole.cut(7)
    assert ids(cut) + ids(*pages(forty.url, cut.following)) == ids(whole)
    assert whole.cut(40) is whole


def test_a_walk_stops_at_its_bound_and_goes_on_exactly_there(fresh):
    fresh.store.create_many(row(n, status="paused" if n == 250 else "idle") for n in range(300))
    query = ListSessions(status=["paused"])
    read = pages(fresh.url, Place(query), examined=100)
    assert [page.examined for page in read] == [100, 100, 100]
    assert [len(page.rows) for page in read] == [0, 0, 1]
    assert read[-1].following is None


def test_a_walk_with_a_start_time_stops_as_soon_as_it_is_passed(fresh):
    fresh.store.create_many(row(number) for number in range(300))
    query = ListSessions(created_after=row(9)["created_at"])
    (page,) = pages(fresh.url, Place(query))
    assert len(page.rows) == 10
    assert len(fresh.requests) == 1


def test_a_walk_with_an_end_time_begins_at_that_time(fresh):
    fresh.store.create_many(row(number) for number in range(1_200))
    query = ListSessions(created_before=row(1_000)["created_at"], limit=10)
    (page,) = pages(fresh.url, Place(query), most=1)
    assert ids(page) == [row(number)["id"] for number in range(1_001, 1_011)]
    assert len(fresh.requests) <= 12


def test_a_deadline_met_on_the_way_gives_what_was_found_and_a_place_to_go_on():
    rows = [row(number) for number in range(200)]
    query = ListSessions(status=["paused"])
    answers = [page_answer([one | {"status": "paused"} for one in rows[:10]] + rows[10:24]), None]
    with raw_api(answers) as upstream:
        (page,) = pages(upstream.url, Place(query), until=0.5, most=1)
    assert len(page.rows) == 10
    assert page.examined == 23
    assert page.following is not None


def test_a_deadline_met_before_the_first_answer_is_a_failure():
    with raw_api([None]) as upstream, pytest.raises(ApiTimeout):
        pages(upstream.url, Place(ListSessions()), until=0.2)


def test_a_scope_holds_on_every_row_whatever_the_api_sends():
    rows = [row(0, agent_id="agent_1"), row(1, agent_id="agent_2"), row(2)]
    with raw_api([page_answer(rows)]) as upstream:
        (page,) = pages(upstream.url, Place(ListSessions(agent_id="agent_1")), scope="agent_1")
        (asked,) = pages(upstream.url, Place(ListSessions(agent_id="agent_1")))
    assert ids(page) == [rows[0]["id"]]
    assert ids(asked) == [rows[0]["id"], rows[2]["id"]]
    assert page.total is None
