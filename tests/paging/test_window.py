"""Windows of a list that stands still, against the list itself."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mcp_sessions.paging.sort_key import SortKey, age_of, last_key_of, tie_of
from mcp_sessions.paging.window import window_of
from mcp_sessions.wire.models import Page, Session

NEWEST = datetime(2026, 11, 20, tzinfo=UTC)


def session(number, group):
    """Return a session as old as all others of its group."""
    return Session(id=f"session_{number}", created_at=NEWEST - timedelta(seconds=group))


def key_of(session):
    return SortKey(age_of(session.created_at), tie_of(session.id))


def page(*rows, **envelope):
    return Page[Session](data=[row and row.model_dump() for row in rows], **envelope)


@st.composite
def lists(draw):
    """Draw a list, newest first, with groups of equal times in the API's accidental order."""
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=8))
    groups = [group for group, size in enumerate(sizes) for _ in range(size)]
    sessions = [session(number, group) for number, group in enumerate(groups)]
    Random(draw(st.integers(0, 99))).shuffle(sessions)
    return sorted(sessions, key=lambda one: one.created_at, reverse=True)


@st.composite
def windows(draw):
    """Draw a list, a window of it, and the key that a walk comes from."""
    listed = draw(lists())
    offset, asked = draw(st.integers(0, len(listed))), draw(st.integers(1, 12))
    keys = [key_of(one) for one in listed]
    after = draw(st.sampled_from([None, *keys, *(last_key_of(key.age) for key in keys)]))
    return listed, window_of(page(*listed[offset : offset + asked]), offset, asked), after


def ids(entries):
    return [entry.session.id for entry in entries]


@given(windows())
def test_a_window_that_starts_before_a_key_misses_nothing_after_it(drawn):
    listed, window, after = drawn
    if window.starts_before(after):
        missed = [one for one in listed[: window.offset] if after is None or key_of(one) > after]
        assert after is None or missed == []


@given(windows())
def test_whole_groups_after_a_key_are_what_follows_it_in_the_whole_list(drawn):
    listed, window, after = drawn
    assume(window.offset == 0 or (after is not None and window.starts_before(after)))
    follows = [one.id for one in sorted(listed, key=key_of) if after is None or key_of(one) > after]
    proven = ids(window.whole_groups(window.following(after)))
    assert proven == (follows if window.ended else follows[: len(proven)])


@given(windows())
def test_a_window_tells_whether_it_passes_or_reaches_the_age_of_a_key(drawn):
    _, window, after = drawn
    assume(window.entries)
    ages = [entry.key.age for entry in window.entries]
    assert window.reaches(after) == (after is None or any(age >= after.age for age in ages))
    assert after is None or window.ends_behind(after) == any(age > after.age for age in ages)


@given(windows(), st.integers(1, 12))
def test_a_window_from_the_last_newer_entry_on_starts_before_the_key_again(drawn, asked):
    listed, window, after = drawn
    assume(window.entries and window.starts_before(after))
    offset = window.last_newer(after)
    assert window.offset <= offset < window.offset + len(window.entries)
    if offset != window.offset or after is not None:
        again = window_of(page(*listed[offset : offset + asked]), offset, asked)
        assert again.starts_before(after)


@given(windows())
def test_the_last_group_of_a_window_comes_after_the_last_newer_entry(drawn):
    _, window, _ = drawn
    assume(window.entries)
    offset, last = window.last_newer(None), window.entries[-1].key.age
    assert offset == window.offset or offset < min(
        entry.position for entry in window.entries if entry.key.age == last
    )


def test_a_window_that_is_newer_than_the_key_throughout_leads_on_from_its_last_entry():
    window = window_of(page(*(session(number, number) for number in range(9))), 40, 9)
    assert window.last_newer(last_key_of(age_of(NEWEST) + 60_000_000)) == 48


def test_an_empty_window_starts_before_a_key_only_at_the_head_of_the_list():
    key = SortKey(0, b"")
    assert window_of(page(), 0, 20).starts_before(key)
    assert not window_of(page(), 40, 20).starts_before(key)
    assert window_of(page(), 40, 20).starts_before(None)


@given(lists(), st.integers(0, 1000))
def test_entries_are_sorted_by_key_and_remember_where_they_arrived(listed, offset):
    window = window_of(page(*listed), offset, len(listed))
    assert ids(window.entries) == [one.id for one in sorted(listed, key=key_of)]
    assert [entry.position for entry in window.entries] == [offset + n for n in range(len(listed))]
    assert all(listed[entry.arrived - offset].id == entry.session.id for entry in window.entries)


@pytest.mark.parametrize(
    ("rows", "limit", "ended"),
    [
        (20, None, False),
        (19, None, True),
        (0, None, True),
        (10, 10, False),  # the API granted less than was asked for
        (9, 10, True),
        (20, 100, False),
        (20, 0, False),
    ],
)
def test_the_list_ends_where_fewer_rows_come_than_were_granted(rows, limit, ended):
    answer = page(*(session(number, number) for number in range(rows)), limit=limit, total=7)
    window = window_of(answer, 40, 20)
    assert (window.ended, window.total, len(window.entries)) == (ended, 7, rows)


@pytest.mark.parametrize(
    ("rows", "total", "ended", "cut"),
    [
        (20, 60, False, False),
        (19, 60, False, True),
        (19, 59, True, False),
        (19, 50, True, True),  # the rows are more than the total allows
        (19, None, True, True),
        (0, 60, True, False),
        (12, 52, False, True),  # the API has given 12 rows before, where more were asked for
    ],
)
def test_a_short_answer_is_cut_unless_it_reaches_the_total(rows, total, ended, cut):
    answer = page(*(session(number, number) for number in range(rows)), total=total)
    window = window_of(answer, 40, 20, granted=12 if rows == 12 else 100)
    assert (window.ended, window.cut) == (ended, cut)
    assert window.counted == (total is not None and total >= window.end)


def test_an_unreadable_row_counts_towards_the_total():
    window = window_of(page(session(0, 0), None, None, total=43), 40, 20)
    assert (window.ended, window.cut) == (True, False)


def test_the_last_newer_entry_has_a_time_of_its_own():
    untimed = Session(id="session_untimed")
    window = window_of(page(session(0, 0), session(1, 1), untimed), 40, 20)
    assert window.last_newer(key_of(session(9, 9))) == 41
    assert window.last_newer(None) == 40


def test_rows_beyond_those_asked_for_are_left_out():
    window = window_of(page(*(session(number, number) for number in range(9))), 0, 5)
    assert ids(window.entries) == [f"session_{number}" for number in range(5)]
    assert not window.ended


def test_a_row_that_is_malformed_or_has_no_time_stands_beside_its_neighbour():
    untimed = Session(id="session_untimed")
    window = window_of(page(untimed, session(1, 1), None, session(2, 2), untimed), 0, 5)
    ages = [entry.key.age for entry in window.entries]
    first, second = (age_of(session(1, group).created_at) for group in (1, 2))
    assert window.dated
    assert ages == [first] * 3 + [second] * 2
    assert window.entries[0].session is None  # before all others of its age


@pytest.mark.parametrize(
    "rows",
    [[session(1, 2), session(2, 1)], [Session(id="session_1"), Session(id="session_2")], [None]],
    ids=["oldest first", "without times", "malformed alone"],
)
def test_rows_in_no_order_of_time_stay_as_they_came_and_are_not_dated(rows):
    window = window_of(page(*rows), 0, 20)
    assert not window.dated
    assert [entry.arrived for entry in window.entries] == list(range(len(rows)))


def test_an_empty_answer_is_dated():
    assert window_of(page(), 0, 20).dated
