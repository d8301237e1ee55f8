"""Walks of the list: how far they go, what they find, and how they stop."""

from datetime import UTC, datetime
from random import Random

import anyio
import pytest

from mcp_sessions.arguments import ListSessions
from mcp_sessions.embedded import SessionStore, serve
from mcp_sessions.errors import ApiTimeout, ApiUnavailable
from mcp_sessions.paging.cursor import Place
from mcp_sessions.paging.page import Bounds, read_page
from mcp_sessions.paging.sort_key import SortKey, age_of
from mcp_sessions.paging.walk import MAX_PROBES
from mcp_sessions.wire.models import Page, Session

from support.calls import call_tool, settings_for, text_of
from support.pages import ids, pages
from support.raw_upstream import cuts, page_answer, scripted, upstream
from support.rows import id_of, row


def test_a_list_that_is_never_where_it_was_is_a_transient_failure():
    """Every answer denies the last one, as no honest list does."""
    newer, older = (
        page_answer([row(0)] * 100, total=9_000),
        page_answer([row(900)] * 100, total=9_000),
    )
    place = Place(
        ListSessions(), 500, after=SortKey(age_of(datetime(2026, 11, 20, 6, tzinfo=UTC)), b"x")
    )
    answers = [older if number % 2 else newer for number in range(MAX_PROBES)]
    with scripted(answers) as upstream:
        with pytest.raises(ApiUnavailable, match="changes faster than it can be read"):
            pages(upstream.url, place)
        assert len(upstream.requests) == MAX_PROBES


def test_a_walk_stops_at_its_bound_and_goes_on_exactly_there(empty_api):
    empty_api.store.create_many(row(n, status="paused" if n == 250 else "idle") for n in range(300))
    query = ListSessions(status=["paused"])
    read = pages(empty_api.url, Place(query), examined=100)
    assert [page.examined for page in read] == [100, 100, 100]
    assert [len(page.rows) for page in read] == [0, 0, 1]
    assert read[-1].following is None


def test_a_walk_with_a_start_time_stops_as_soon_as_it_is_passed(empty_api):
    empty_api.store.create_many(row(number) for number in range(300))
    query = ListSessions(created_after=row(9)["created_at"])
    (page,) = pages(empty_api.url, Place(query))
    assert len(page.rows) == 10
    assert len(empty_api.requests) == 1


def test_a_walk_with_an_end_time_begins_at_that_time(empty_api):
    empty_api.store.create_many(row(number) for number in range(1_200))
    query = ListSessions(created_before=row(1_000)["created_at"], limit=10)
    (page,) = pages(empty_api.url, Place(query), most=1)
    assert ids(page) == [row(number)["id"] for number in range(1_001, 1_011)]
    assert len(empty_api.requests) <= 12


def test_a_deadline_met_on_the_way_gives_what_was_found_and_a_place_to_go_on():
    rows = [row(number) for number in range(200)]
    query = ListSessions(status=["paused"])
    answers = [page_answer([one | {"status": "paused"} for one in rows[:10]] + rows[10:24]), None]
    with scripted(answers) as upstream:
        (page,) = pages(upstream.url, Place(query), until=0.5, most=1)
    assert len(page.rows) == 10
    assert page.examined == 23
    assert page.following is not None


def test_a_deadline_met_before_the_first_answer_is_a_failure():
    with scripted([None]) as upstream, pytest.raises(ApiTimeout):
        pages(upstream.url, Place(ListSessions()), until=0.2)


@pytest.fixture(scope="module")
def rare():
    """Serve 2,500 sessions: one paused near the start and one near the end."""
    with SessionStore() as store, serve(store) as served:
        store.create_many(
            row(number, status="paused" if number in (5, 2_400) else "idle")
            for number in range(2_500)
        )
        yield served


def paused(result):
    return [row["id"] for row in result.structured_content["sessions"]]


def test_a_walk_stopped_by_its_bound_goes_on_to_the_end_by_cursor(rare):
    settings = settings_for(rare.url)
    result = call_tool(settings, arguments={"status": "paused"})
    first = result.structured_content
    assert paused(result) == [row(5)["id"]]
    assert (first["examined"], first["complete"], first["has_more"]) == (1_000, False, True)
    assert "total" not in first
    assert "offset" not in first
    assert text_of(result).startswith("1 matching session shown, 1000 examined so far,")
    result = call_tool(settings, "get_session_page", {"cursor": first["next_cursor"]})
    assert paused(result) == []
    assert result.structured_content["filters"] == {"status": ["paused"]}
    cursor = {"cursor": result.structured_content["next_cursor"]}
    last = call_tool(settings, "get_session_page", cursor)
    assert paused(last) == [row(2_400)["id"]]
    assert last.structured_content["examined"] == 500
    assert last.structured_content["complete"] is True
    assert text_of(last).endswith("End of the list.")


def test_a_walk_that_found_enough_stops_there_and_is_not_complete(rare):
    rare.requests.clear()
    result = call_tool(settings_for(rare.url), arguments={"status": "paused", "limit": 1})
    content = result.structured_content
    assert (content["examined"], content["complete"], content["has_more"]) == (6, False, True)
    assert len(rare.requests) <= 3


def test_a_walk_for_what_is_not_there_says_that_it_saw_everything(rare):
    settings = settings_for(rare.url, max_examined=5_000)
    content = call_tool(settings, arguments={"tags": "nowhere"}).structured_content
    assert (content["returned"], content["examined"], content["complete"]) == (0, 2_500, True)


def test_a_walk_among_rows_without_a_time_never_sticks():
    rng = Random(40)
    rows = [row(number) for number in range(300)]
    for one in rows:
        if rng.random() < 0.4:
            del one["created_at"]
    with upstream() as served:
        served.turn_to(cuts(rows, lambda found: found))
        assert sorted(ids(*pages(served.url, Place(ListSessions(limit=1)), most=400))) == [
            id_of(number) for number in range(300)
        ]


@pytest.mark.parametrize("end", range(200, 1_900, 200))
def test_an_end_time_is_found_among_rows_of_which_half_have_no_time(end):
    rows = [row(number) for number in range(2_000)]
    for one in rows:
        if one["id"] != id_of(end) and Random(one["id"]).random() < 0.5:
            del one["created_at"]
    with upstream() as served:
        served.turn_to(cuts(rows, lambda found: found))
        query = ListSessions(created_before=row(end)["created_at"], limit=5)
        (page,) = pages(served.url, Place(query), most=1)
    assert ids(page) == [one["id"] for one in rows[end + 1 :] if "created_at" in one][:5]


def test_a_malformed_row_leaves_a_walk_incomplete():
    rows = [row(0, status="paused"), {"id": None}]
    with scripted([page_answer(rows)]) as upstream:
        content = call_tool(settings_for(upstream.url), arguments={"status": "paused"})
    content = content.structured_content
    assert (content["has_more"], content["complete"], content["unreadable"]) == (False, False, 1)


def test_a_list_that_shrinks_while_a_walk_is_amid_unproven_ties_is_never_called_complete():
    """The answers get too heavy to show both ends of a group, and its offset is beyond the end."""
    newer = [row(number) for number in range(320)]
    tied = [row(400, id=id_of(number)) for number in range(90)]
    older = [row(number) for number in range(500, 700)]
    api = _Fake([*newer, *tied, *older])
    place = Place(ListSessions.read({"limit": 100, "status": "idle"}))
    seen, notes = [], set()
    for number in range(12):
        page = anyio.run(api.read, place)
        seen += [entry.session.id for entry in page.rows]
        notes.add(page.note)
        if page.following is None:
            break
        place = page.following
        if number == 3:
            api.max_rows, api.rows = 7, api.rows[300:]
    assert {one["id"] for one in [*tied, *older]} <= set(seen) or not page.complete
    assert notes - {None}


def test_a_cursor_amid_a_page_that_could_not_be_proven_never_leads_to_a_complete_page():
    tied = [row(0, id=id_of(number), status="paused") for number in range(150)]
    api = _Fake([*tied, *(row(number) for number in range(500, 560))])
    page = anyio.run(api.read, Place(ListSessions.read({"status": "idle", "limit": 100})))
    assert page.note
    rest = anyio.run(api.read, page.following_after(30))
    assert (rest.following, rest.complete) == (None, False)


@pytest.mark.parametrize("limit", [1, 2])
def test_ties_that_are_too_many_for_small_answers_are_not_said_to_be_too_many_for_large_ones(limit):
    api = _Fake([row(number // 20, id=id_of(number)) for number in range(60)], most=20)
    place, notes = Place(ListSessions(limit=limit)), set()
    for _ in range(80):
        page = anyio.run(api.read, place)
        notes.add(page.note)
        if page.following is None:
            break
        place = page.following
    assert page.following is None
    assert notes - {None}
    assert not [note for note in notes - {None} if "share one created_at" in note]


def test_a_list_in_which_sessions_have_no_time_is_never_called_complete():
    """They stand beside other rows, which the next answer may have in another order."""
    rows = [row(number // 3, id=id_of(number)) for number in range(30)]
    del rows[11]["created_at"]
    api = _Fake(rows)
    place, read = Place(ListSessions(limit=4)), []
    while place is not None:
        read.append(anyio.run(api.read, place))
        place = read[-1].following
        api.rows[9:12] = reversed(api.rows[9:12])
    assert "have no created_at" in next(page.note for page in read if page.note)
    assert not read[-1].complete


def test_a_walk_with_a_start_time_stops_where_it_is_passed_though_a_session_has_no_time():
    api = _Fake([row(number) for number in range(600)])
    del api.rows[3]["created_at"]
    page = anyio.run(api.read, Place(ListSessions(created_after=row(9)["created_at"])))
    assert (page.following, page.examined) == (None, 11)


class _Fake:
    """A list in memory, whose ties come in the order of their hashes."""

    max_rows = 100

    def __init__(self, rows, most=100):
        self.rows, self.most = rows, most

    async def page(self, asked, session, **_):
        start = asked["offset"]
        rows = self.rows[start : start + min(asked["limit"], self.most)]
        return Page[session].model_validate({"data": rows, "total": len(self.rows)})

    async def read(self, place):
        with anyio.fail_after(20):
            bounds = Bounds(1_000, anyio.current_time() + 20)
            return await read_page(self, place, Session, bounds, progress=_unwatched)


async def _unwatched(*_):
    pass
