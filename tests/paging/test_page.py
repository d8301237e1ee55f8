from datetime import timedelta

import anyio
import anyio.lowlevel
import pytest

from mcp_sessions.arguments import ListSessions
from mcp_sessions.embedded import EmbeddedOptions, SessionStore, seed_sessions, serve
from mcp_sessions.paging.cursor import Drift, Place
from mcp_sessions.paging.page import Bounds, read_page
from mcp_sessions.wire.models import Page, Session

from support.pages import FAR, ids, pages, unwatched
from support.raw_upstream import page_answer, scripted
from support.rows import NEWEST, id_of, row


def limits(served):
    return [(dict(seen.query)["offset"], dict(seen.query)["limit"]) for seen in served.requests]


@pytest.fixture(scope="module")
def forty():
    with SessionStore() as store, serve(store, EmbeddedOptions()) as served:
        store.create_many(list(seed_sessions())[:40])
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


def test_a_full_page_at_the_largest_limit_costs_two(empty_api):
    empty_api.store.create_many(row(number) for number in range(300))
    read = pages(empty_api.url, Place(ListSessions(limit=100)))
    assert [len(page.rows) for page in read] == [100, 100, 100]
    assert len(empty_api.requests) <= 6


@pytest.mark.parametrize("offset", [40, 41, 2**31 - 1])
def test_an_offset_past_the_end_gives_an_empty_last_page(forty, offset):
    (page,) = pages(forty.url, Place(ListSessions(), offset))
    assert (page.rows, page.following, page.total) == ((), None, 40)


def test_a_walk_from_an_offset_covers_what_follows(forty):
    (whole,) = pages(forty.url, Place(ListSessions(limit=100)))
    assert ids(*pages(forty.url, Place(ListSessions(limit=6), 13))) == ids(whole)[13:]


def test_the_end_is_never_taken_from_the_total():
    rows = [row(number) for number in range(3)]
    with scripted([page_answer(rows, total=1), page_answer(rows, total=99)]) as upstream:
        (page,) = pages(upstream.url, Place(ListSessions(limit=5)))
    assert len(page.rows) == 3


@pytest.mark.parametrize("change", ["created", "deleted"])
@pytest.mark.parametrize("rows", [1, 10, 200])
def test_a_list_that_moves_between_pages_repeats_and_loses_nothing(empty_api, change, rows):
    empty_api.store.create_many(row(number) for number in range(300, 800))
    (first,) = pages(empty_api.url, Place(ListSessions(limit=100)), most=1)
    first_two = [first, *pages(empty_api.url, first.following, most=2)]
    if change == "created":
        empty_api.store.create_many(row(number) for number in range(rows))
    else:
        for number in range(300, 300 + rows):
            empty_api.store.delete(row(number)["id"])
    rest = pages(empty_api.url, first_two[-1].following)
    assert ids(*first_two, *rest) == [row(number)["id"] for number in range(300, 800)]


def test_a_list_that_goes_on_moving_is_met_with_one_request_a_page(empty_api):
    empty_api.store.create_many(row(number) for number in range(400, 900))
    (page,) = pages(empty_api.url, Place(ListSessions(limit=20)), most=1)
    costs = []
    for start in range(390, 290, -10):
        empty_api.store.create_many(row(number) for number in range(start, start + 10))
        empty_api.requests.clear()
        (page,) = pages(empty_api.url, page.following, most=1)
        costs.append(len(empty_api.requests))
    assert costs[2:] == [1] * 8
    assert page.place.drift == Drift(10, 0)


def test_malformed_rows_are_counted_once_and_cost_no_other(empty_api):
    for number in range(30):
        empty_api.store.create(row(number))
        if number % 3 == 0:
            empty_api.store.create_verbatim('{"id": 5}', row(number)["created_at"])
    read = pages(empty_api.url, Place(ListSessions(limit=7)))
    assert sorted(ids(*read)) == [row(number)["id"] for number in range(30)]
    assert sum(page.malformed for page in read) == 10


def test_a_server_with_a_lower_limit_of_its_own_does_not_end_the_list():
    rows = [row(number) for number in range(8)]
    answers = [page_answer(rows[:5], limit=5), page_answer(rows[3:], limit=50)]
    with scripted(answers) as upstream:
        (page,) = pages(upstream.url, Place(ListSessions(limit=20)))
    assert ids(page) == [one["id"] for one in rows]


def test_rows_in_no_order_of_time_are_paged_by_offset_and_that_is_said():
    rows = [{"id": f"session_{number}"} for number in range(50)]
    with scripted([page_answer(rows[:12]), page_answer(rows[8:])]) as upstream:
        first, second = pages(upstream.url, Place(ListSessions(limit=10)), most=2)
    assert ids(first) == [one["id"] for one in rows[:10]]
    assert first.following == Place(ListSessions(limit=10), 10, doubtful=True)
    assert "no order of time" in first.note
    assert len(second.rows) == 10


def test_more_ties_than_a_window_holds_are_paged_by_offset_and_that_is_said(empty_api):
    empty_api.store.create_many(row(0, id=id_of(n)) for n in range(150))
    empty_api.store.create_many(row(number) for number in range(500, 550))
    read = pages(empty_api.url, Place(ListSessions(limit=30)))
    assert "More than 98 sessions share one created_at" in read[0].note
    assert read[-1].note is None
    assert len(read) < 12
    assert ids(*read)[-50:] == [row(number)["id"] for number in range(500, 550)]


def test_a_cut_page_goes_on_after_the_last_row_shown(forty):
    (whole,) = pages(forty.url, Place(ListSessions(limit=100)))
    assert ids(*pages(forty.url, whole.following_after(7))) == ids(whole)[7:]
    assert whole.following_after(40) is whole.following


def test_a_scope_holds_on_every_row_whatever_the_api_sends():
    rows = [row(0, agent_id="agent_1"), row(1, agent_id="agent_2"), row(2)]
    with scripted([page_answer(rows)]) as upstream:
        (page,) = pages(upstream.url, Place(ListSessions(agent_id="agent_1")), scope="agent_1")
        (asked,) = pages(upstream.url, Place(ListSessions(agent_id="agent_1")))
    assert ids(page) == [rows[0]["id"]]
    assert ids(asked) == [rows[0]["id"], rows[2]["id"]]
    assert page.total is None


PARENT = f"session_{int((NEWEST - timedelta(hours=1)).timestamp() * 1000):012x}7abc8def0123456789ab"


def test_a_walk_for_children_ends_where_they_would_be_older_than_their_parent(empty_api):
    empty_api.store.create_many(row(number) for number in range(900))
    empty_api.store.create(row(30, id=id_of(9_030), parent_session_id=PARENT))
    (page,) = pages(empty_api.url, Place(ListSessions(parent_session_id=PARENT)))
    assert ids(page) == [id_of(9_030)]
    assert page.complete
    assert page.examined == 73  # of an hour and ten minutes, and the one behind them
    unknown = pages(empty_api.url, Place(ListSessions(parent_session_id="session_1")))
    assert sum(page.examined for page in unknown) == 901


@pytest.mark.parametrize("event", ["updated", "finished"])
def test_a_walk_for_what_was_over_before_a_time_begins_at_that_time(empty_api, event):
    time = (NEWEST - timedelta(minutes=800)).strftime("%Y-%m-%dT%H:%M:%SZ")
    sessions = [row(number) for number in range(900)]
    empty_api.store.create_many(one | {"finished_at": one["updated_at"]} for one in sessions)
    (page,) = pages(empty_api.url, Place(ListSessions(**{f"{event}_before": time}, limit=100)))
    assert ids(page) == [id_of(number) for number in range(801, 900)]
    assert page.examined == 109  # with those of ten minutes, by which clocks may differ
    assert page.complete


@pytest.mark.parametrize("event", ["updated", "finished"])
def test_a_session_updated_or_finished_lately_is_found_whatever_its_age(empty_api, event):
    empty_api.store.create_many(row(number) for number in range(300))
    late = row(290, id=id_of(9_290), **{f"{event}_at": "2026-12-01T00:00:00Z"})
    empty_api.store.create(late)
    (page,) = pages(empty_api.url, Place(ListSessions(**{f"{event}_after": "2026-11-30"})))
    assert ids(page) == [late["id"]]
    assert page.complete


class AtHand:
    """An API's client whose answers are there at once, so that only looking at them takes time."""

    max_rows = 100

    def __init__(self, rows):
        self.rows = [Session.model_validate(one) for one in rows]

    async def page(self, parameters, _session, *, fresh):  # noqa: ARG002 - as the client has it
        start = parameters["offset"]
        data = self.rows[start : start + parameters["limit"]]
        return Page[Session](data=data, total=len(self.rows))


def test_a_walk_for_words_gives_other_calls_their_turns():
    turns = 0
    text = "token=CANARY1 " * 300
    api = AtHand(row(number, preview=text, output_preview=text) for number in range(200))

    async def take_turns():
        nonlocal turns
        while True:
            await anyio.lowlevel.checkpoint()
            turns += 1

    async def walk():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(take_turns)
            place = Place(ListSessions(contains="needle"))
            page = await read_page(api, place, Session, Bounds(1_000, FAR), progress=unwatched)
            tasks.cancel_scope.cancel()
            return page

    assert anyio.run(walk).examined == 200
    assert turns >= 20
