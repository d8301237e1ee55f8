from datetime import UTC, datetime, timedelta

import pytest

from mcp_sessions.paging.offset_fallback import (
    as_arrived,
    ended_below,
    from_offset,
    rest_of_ties,
    tied_note,
)
from mcp_sessions.paging.window import window_of
from mcp_sessions.wire.models import Page, Session

NEWEST = datetime(2026, 11, 20, tzinfo=UTC)


def window(groups, offset=40, asked=None):
    """Return a window of sessions as old as their groups say."""
    rows = [
        {"id": f"session_{number}", "created_at": NEWEST - timedelta(seconds=group)}
        for number, group in enumerate(groups)
    ]
    return window_of(Page[Session](data=rows), offset, asked or len(rows))


def ids(entries):
    return [entry.session.id for entry in entries]


def test_entries_as_they_arrived_go_on_by_the_offset_of_each():
    entries = as_arrived(window([1] * 9).entries)
    assert ids(entries) == [f"session_{number}" for number in range(9)]
    assert [entry.position for entry in entries] == list(range(40, 49))
    assert not any(entry.keyed for entry in entries)


@pytest.mark.parametrize(("offset", "left"), [(40, 5), (42, 3), (44, 1)])
def test_a_window_gives_the_entries_from_an_offset_inside_it_on(offset, left):
    entries = from_offset(window([1] * 5), offset)
    assert ids(entries) == [f"session_{number}" for number in range(5)][-left:]


@pytest.mark.parametrize("offset", [39, 45, 1_000])
def test_a_window_of_another_part_of_the_list_gives_nothing(offset):
    assert from_offset(window([1] * 5), offset) is None


@pytest.mark.parametrize("offset", [45, 1_000])
def test_a_window_with_the_end_of_the_list_shows_that_nothing_follows(offset):
    assert from_offset(window([1] * 5, asked=20), offset) == []


def test_the_rest_of_the_ties_comes_as_it_arrived_and_later_groups_by_key():
    entries = rest_of_ties(window([1] * 4 + [2] * 4 + [3]))
    assert ids(entries)[:4] == [f"session_{number}" for number in range(4)]
    assert sorted(ids(entries)[4:]) == [f"session_{number}" for number in range(4, 8)]
    assert [entry.keyed for entry in entries] == [False] * 4 + [True] * 4


def test_ties_that_fill_the_whole_window_all_come_as_they_arrived():
    entries = rest_of_ties(window([1] * 6))
    assert ids(entries) == [f"session_{number}" for number in range(6)]


def test_the_note_says_how_many_ties_an_answer_can_prove():
    assert tied_note(100).startswith("More than 98 sessions share one created_at")


def test_the_note_of_an_end_below_the_total_names_both_figures():
    assert ended_below(600, 40).startswith("The API counts 600 sessions, but none came after the")
    assert "first 40" in ended_below(600, 40)
