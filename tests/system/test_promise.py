"""The promise of the page, over real HTTP, while the list changes and ties never keep an order."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run

from mcp_sessions.arguments import ListSessions
from mcp_sessions.paging import row_filters
from mcp_sessions.paging.cursor import Drift, Place
from mcp_sessions.paging.row_filters import RowFilter
from mcp_sessions.paging.sort_key import SortKey, tie_of
from mcp_sessions.paging.window import Window

from support.moving_list import (
    AGENTS,
    ROW_QUERIES,
    STATUSES,
    WORDS,
    MovingList,
    WatchedWalk,
    upstream,
)
from support.rows import id_of, row

LIMITS = st.sampled_from([3, 7, 20, 50, 97, 98, 99, 100])
QUERIES = st.sampled_from(
    [
        {},
        {"agent_id": AGENTS[0]},
        {"search": WORDS[0]},
        {"agent_id": AGENTS[1], "search": WORDS[1]},
        {"status": [STATUSES[0]]},
        {"agent_id": AGENTS[0], "status": [STATUSES[1], STATUSES[2]]},
        *ROW_QUERIES,
    ]
)
GROUPS = st.lists(st.sampled_from([1, 1, 2, 5, 30, 60, 97, 98]), max_size=5)
MOST_WALKS = 4
FEW = st.integers(0, 30)
PLACES = st.integers(0, 400)
SEEDS = st.integers(0, 2**32)
HEALTH = {"suppress_health_check": list(HealthCheck), "deadline": None}
THOUSANDS = settings(max_examples=200, stateful_step_count=50, derandomize=True, **HEALTH)
UNTIL_IT_FAILS = settings(
    max_examples=200,
    stateful_step_count=50,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    print_blob=False,
    **HEALTH,
)


@pytest.fixture(scope="module")
def api():
    with upstream() as opened:
        yield opened


@pytest.fixture
def moving(api):
    sessions = MovingList(api.served.store)
    yield sessions
    sessions.clear()


class Reader(RuleBasedStateMachine):
    """Turns pages of several walks while it changes the list."""

    def __init__(self, api):
        super().__init__()
        self.api = api
        self.sessions = MovingList(api.served.store)
        self.walks = []

    @initialize(groups=GROUPS, query=QUERIES, limit=LIMITS)
    def begin(self, groups, query, limit):
        self.sessions.create_groups(groups)
        self.begin_a_walk(query, limit)

    @rule(query=QUERIES, limit=LIMITS)
    def begin_a_walk(self, query, limit):
        if len(self.walks) < MOST_WALKS:
            query = ListSessions.read({"limit": limit, **query})
            self.walks.append(WatchedWalk(self.api, self.sessions, query))

    @rule(which=FEW, seed=SEEDS, meddled=st.booleans())
    def turn_a_page(self, which, seed, meddled):
        walk, rng = self.walks[which % len(self.walks)], Random(seed)
        if not walk.ended:
            walk.turn(lambda: meddled and self.sessions.change(rng))

    @rule(count=FEW, apart=st.integers(0, 1))
    def create_on_top(self, count, apart):
        self.sessions.create_on_top(count, apart)

    @rule(second=PLACES)
    def create_anywhere(self, second):
        self.sessions.create(second % (self.sessions.newest + 1))

    @rule(position=PLACES, count=FEW)
    def delete_anywhere(self, position, count):
        self.sessions.delete_from(position, count)

    @rule(count=st.integers(1, 200))
    def delete_the_newest(self, count):
        self.sessions.delete_from(0, count)

    @invariant()
    def no_promise_is_broken(self):
        for walk in self.walks:
            walk.check()

    def teardown(self):
        try:
            for walk in self.walks:
                walk.to_the_end()
                assert not walk.notes
        finally:
            self.sessions.clear()


def test_no_walk_repeats_or_loses_a_session_whatever_happens_between_two_requests(api):
    run(lambda: Reader(api), settings=THOUSANDS)


def test_the_test_of_the_promise_fails_when_a_page_is_not_aligned_again(api, monkeypatch):
    # A mutation: the proof is switched off to see that the test above would notice.
    monkeypatch.setattr(Window, "starts_before", lambda _window, _after: True)
    with pytest.raises((AssertionError, Flaky)):
        run(lambda: Reader(api), settings=UNTIL_IT_FAILS)


def test_the_test_of_the_promise_fails_when_ties_are_ignored(api, monkeypatch):
    # A mutation: the proof is switched off to see that the test above would notice.
    monkeypatch.setattr(Window, "whole_groups", lambda _window, entries: entries)
    with pytest.raises((AssertionError, Flaky)):
        run(lambda: Reader(api), settings=UNTIL_IT_FAILS)


def test_the_test_of_the_promise_fails_when_walks_end_where_clocks_say_so(api, monkeypatch):
    # A mutation: clocks are trusted to the second, to see that the test above would notice.
    monkeypatch.setattr(row_filters, "_CLOCKS_DIFFER", timedelta())
    with pytest.raises((AssertionError, Flaky)):
        run(lambda: Reader(api), settings=UNTIL_IT_FAILS)


def test_the_test_of_the_promise_fails_when_age_ends_a_walk_for_what_was_updated_late(
    api, monkeypatch
):
    # A mutation: an end that does not follow from the order, to see that the test would notice.
    def too_soon(row_filter, session):
        return any(span.start and session.created_at < span.start for span in row_filter.spans)

    monkeypatch.setattr(RowFilter, "ends_list", too_soon)
    with pytest.raises((AssertionError, Flaky)):
        run(lambda: Reader(api), settings=UNTIL_IT_FAILS)


@pytest.mark.parametrize("query", ROW_QUERIES, ids=str)
@pytest.mark.parametrize("limit", [1, 20, 100])
def test_a_walk_by_row_filters_through_a_list_that_never_rests_is_exact(api, moving, query, limit):
    rng = Random(limit)
    moving.create_groups([rng.choice([1, 1, 3, 20]) for _ in range(60)])
    walk = WatchedWalk(api, moving, ListSessions.read({"limit": limit, **query}))
    walk.to_the_end(lambda: moving.change(rng))
    assert not walk.notes


@pytest.mark.parametrize("seed", range(10))
def test_a_long_walk_through_a_list_that_never_rests_is_exact(api, moving, seed):
    rng = Random(seed)
    moving.create_groups([rng.choice([1, 1, 1, 3, 40, 60]) for _ in range(60)])
    limit = rng.choice([1, 4, 20, 100])
    walk = WatchedWalk(api, moving, ListSessions(limit=limit))
    walk.to_the_end(lambda: moving.change(rng))
    assert not walk.notes


@pytest.mark.parametrize("most", [3, 7, 25])
@pytest.mark.parametrize("limit", [1, 20])
def test_a_walk_is_exact_where_answers_can_have_few_rows_only(api, moving, most, limit):
    """So it is where rows are too heavy, or the API too slow, for more of them at once."""
    rng = Random(most + limit)
    moving.create_groups([rng.randint(1, min(3, most - 2)) for _ in range(60)])
    walk = WatchedWalk(api, moving, ListSessions(limit=limit), max_rows=most)
    walk.to_the_end(lambda: rng.random() < 0.2 and moving.delete_from(rng.randrange(60), 1))
    assert not walk.notes


@pytest.mark.parametrize("most", [3, 7, 20])
@pytest.mark.parametrize("limit", [1, 20, 100])
def test_a_moving_list_is_walked_exactly_where_the_api_gives_fewer_rows_than_asked(
    api, moving, most, limit
):
    rng = Random(most + limit)
    moving.create_groups([rng.randint(1, min(3, most - 2)) for _ in range(60)])

    def move():
        if rng.random() < 0.2:
            moving.delete_from(rng.randrange(60), 1)
            moving.create_on_top(1, apart=1)

    walk = WatchedWalk(api, moving, ListSessions(limit=limit), given=most)
    walk.to_the_end(move)
    assert not walk.notes


@pytest.mark.parametrize("limit", [1, 20, 100])
@pytest.mark.parametrize("groups", [[98, 3], [5, 98, 5], [50, 60, 5], [60] * 5, [98] * 4], ids=str)
def test_groups_of_ties_are_walked_exactly(api, moving, groups, limit):
    moving.create_groups(groups)
    walk = WatchedWalk(api, moving, ListSessions(limit=limit))
    walk.to_the_end()
    assert walk.seen == moving.in_order()
    assert not walk.notes


@pytest.mark.parametrize("count", [1, 40, 500])
@pytest.mark.parametrize("limit", [1, 20, 100])
def test_any_number_deleted_before_the_cursor_costs_no_session(api, moving, limit, count):
    moving.create_groups([1] * 700)
    walk = WatchedWalk(api, moving, ListSessions(limit=limit))
    while len(walk.seen) < 100:
        walk.turn()
    moving.delete_from(0, count)
    walk.to_the_end()


@pytest.mark.parametrize("limit", [1, 20, 100])
def test_five_hundred_created_before_the_cursor_come_in_no_page(api, moving, limit):
    moving.create_groups([1] * 300)
    before = moving.in_order()
    walk = WatchedWalk(api, moving, ListSessions(limit=limit))
    walk.turn()
    moving.create_groups([1] * 500)
    walk.to_the_end()
    assert walk.seen == before


def test_a_list_that_was_emptied_ends(api, moving):
    moving.create_groups([1] * 300)
    walk = WatchedWalk(api, moving, ListSessions())
    walk.turn()
    moving.delete_from(0, 300)
    walk.to_the_end()
    assert len(walk.seen) == 20


def test_a_walk_by_status_never_repeats_a_session_in_a_group_of_ties(api, moving):
    moving.create_groups([60] * 5)
    rng = Random(1)
    walk = WatchedWalk(api, moving, ListSessions(status=["paused"], limit=3))
    walk.to_the_end(lambda: moving.change(rng))


def test_more_ties_than_the_promise_covers_end_and_are_said(api, moving):
    api.served.store.create_many(
        row(number, created_at="2026-03-01T00:00:00Z") for number in range(300)
    )
    walk = WatchedWalk(api, moving, ListSessions(limit=20))
    try:
        for _ in range(30):
            if not walk.ended:
                walk.turn()
        assert walk.ended
        assert [note for note in walk.notes if "98 sessions share one created_at" in note]
    finally:
        for number in range(300):
            api.served.store.delete(id_of(number))


def test_a_cursor_into_a_list_without_times_costs_few_requests(api, moving):
    """Such a list can only be read by offset, also from a cursor that reaches far back."""
    for number in range(700):
        api.served.store.create_verbatim(
            f'{{"id": "{id_of(number)}"}}', f"2026-03-01T{number // 60:02}:{number % 60:02}Z"
        )
    place = Place(ListSessions(), 500, SortKey(0, tie_of("session_1")), Drift(0, 120))
    walk = WatchedWalk(api, moving, ListSessions())
    api.served.requests.clear()
    try:
        page = api.portal.call(walk.read, place, lambda: None)
    finally:
        for number in range(700):
            api.served.store.delete(id_of(number))
    assert page.rows
    assert len(api.served.requests) <= 3
