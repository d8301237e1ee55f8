"""Walks over an API that gives fewer rows than were asked for: exact, or said not to be."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_sessions.arguments import ListSessions
from mcp_sessions.paging.cursor import Place
from mcp_sessions.paging.walk import MAX_PROBES

from support.calls import call_tool, settings_for, text_of
from support.pages import ids, pages
from support.raw_upstream import cuts, upstream
from support.rows import id_of, row

SOME = settings(
    max_examples=50,
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
SIZES = st.sampled_from([0, 1, 2, 19, 20, 21, 60, 101])
LIMITS = st.sampled_from([1, 3, 20, 50, 99, 100])
CLAMPS = st.sampled_from([1, 2, 3, 7, 20, 50])


@pytest.fixture(scope="module")
def api():
    with upstream() as served:
        yield served


def rows_of(size, ties=1):
    return [row(number // ties, id=id_of(number)) for number in range(size)]


def walked(api, rows, behaviour, limit, **more):
    """Return the ids of a whole walk, and whether it was said that some may be missing."""
    api.turn_to(behaviour)
    query = ListSessions(limit=limit, **more)
    read = pages(api.url, Place(query), most=2 * len(rows) + 2)
    assert read[-1].following is None
    assert len(api.asked()) <= (len(rows) + len(read)) * MAX_PROBES
    notes = {page.note for page in read} - {None}
    assert read[-1].complete or notes
    return ids(*read), bool(notes) and not read[-1].complete


def every_id(rows):
    return [one["id"] for one in rows]


@SOME
@given(SIZES, LIMITS, CLAMPS, st.tuples(st.sampled_from([1, 3]), st.booleans()))
def test_a_lower_limit_of_the_apis_own_loses_no_session(api, size, limit, clamp, kind):
    ties, echoed = kind
    rows = rows_of(size, ties)
    told = {"limit": clamp} if echoed else {}
    seen, doubted = walked(api, rows, cuts(rows, lambda _: clamp, **told), limit)
    assert sorted(seen) == sorted(every_id(rows))
    if clamp > ties + 1 or size <= 1:
        assert not doubted


@SOME
@given(
    SIZES,
    LIMITS,
    st.integers(0, 999),
    st.tuples(
        st.sampled_from([0.3, 1]),
        st.sampled_from([0, 1]),
        st.sampled_from([{}, {"total": 10_000_000}]),
        st.sampled_from([{}, {"status": ["idle"]}]),
    ),
)
def test_answers_cut_at_random_lose_no_session_unless_it_is_said(api, size, limit, seed, kind):
    often, least, total, status = kind
    rng, rows = Random(seed), rows_of(size)

    def most(found):
        return rng.randint(min(least, found), found) if rng.random() < often else found

    seen, doubted = walked(api, rows, cuts(rows, most, **total), limit, **status)
    assert doubted or seen == every_id(rows)
    if least:  # an empty answer alone may end the list too soon
        assert set(seen) == set(every_id(rows))


@SOME
@given(size=SIZES, limit=LIMITS, total=st.sampled_from([None, "many", -1, 0]))
def test_a_list_without_a_total_that_can_be_true_is_walked_whole(api, size, limit, total):
    rows = rows_of(size)
    seen, doubted = walked(api, rows, cuts(rows, lambda _: 20, total=total), limit)
    assert seen == every_id(rows)
    assert not doubted


@SOME
@given(size=SIZES, limit=LIMITS, total=st.integers(0, 200))
def test_a_total_that_lies_never_ends_a_list_of_full_answers(api, size, limit, total):
    rows = rows_of(size)
    seen, doubted = walked(api, rows, cuts(rows, lambda found: found, total=total), limit)
    assert seen == every_id(rows)
    assert doubted == (total > size)


def test_600_sessions_are_all_listed_20_at_a_time_by_an_api_that_gives_20_at_most(api):
    rows = rows_of(600)
    seen, doubted = walked(api, rows, cuts(rows, lambda _: 20), 20)
    assert (seen, doubted) == (every_id(rows), False)
    assert len(api.asked()) <= 60


def test_an_empty_answer_below_the_total_ends_the_list_as_not_complete(api):
    rows = rows_of(40)
    api.turn_to(cuts(rows, lambda found: found, total=600))
    result = call_tool(settings_for(api.url), arguments={"limit": 50})
    content = result.structured_content
    assert (content["returned"], content["has_more"]) == (40, False)
    assert content["complete"] is False
    assert "counts 600 sessions" in content["note"]
    assert content["note"] in text_of(result)


def test_an_offset_with_an_empty_answer_below_the_total_is_said_not_to_be_the_end(api):
    api.turn_to(cuts(rows_of(40), lambda found: found, total=600))
    result = call_tool(settings_for(api.url), "get_session_page", {"offset": 100})
    content = result.structured_content
    assert (content["returned"], content["complete"]) == (0, False)
    assert "none came after the first 100" in content["note"]


def test_undated_rows_that_come_cut_are_paged_by_offset_to_the_end(api):
    rows = [{"id": id_of(number)} for number in range(50)]
    seen, doubted = walked(api, rows, cuts(rows, lambda _: 7), 20)
    assert (seen, doubted) == (every_id(rows), True)


def test_a_total_that_rows_have_disproved_is_not_told(api):
    api.turn_to(cuts(rows_of(60), lambda found: found, total=20))
    content = call_tool(settings_for(api.url)).structured_content
    assert content["has_more"]
    assert "total" not in content


@pytest.mark.parametrize("limit", [1, 20, 99])
@pytest.mark.parametrize("size", [0, 1, 19, 20, 21])
def test_a_last_page_that_reaches_the_total_costs_one_request(api, size, limit):
    rows = rows_of(size)
    api.turn_to(cuts(rows, lambda found: found))
    read = pages(api.url, Place(ListSessions(limit=limit)))
    assert ids(*read) == every_id(rows)
    assert len(api.asked()) == len(read) == max(1, -(-size // limit))


def test_where_rows_follow_a_place_far_down_is_found_with_20_rows_at_most(api):
    rows = rows_of(2_000)
    api.turn_to(cuts(rows, lambda _: 20))
    query = ListSessions(created_before=row(1_000)["created_at"], limit=10)
    (page,) = pages(api.url, Place(query), most=1)
    assert ids(page) == every_id(rows[1_001:1_011])
    assert page.note is None
