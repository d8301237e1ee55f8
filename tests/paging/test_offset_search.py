"""The search for an offset in a list that stands still, and in one that contradicts itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_sessions.paging.offset_search import OffsetSearch
from mcp_sessions.paging.walk import MAX_PROBES

MAX_ROWS = 100


def probes_to(sought, total, offset, *, wanted=20, max_rows=MAX_ROWS, total_told=True):
    """Return the probes until a window holds `sought` and the row before it, from `offset` on."""
    search, limit, made = OffsetSearch(max_rows), 1, []
    while len(made) < MAX_PROBES:
        made.append((offset, limit))
        if offset and offset >= sought:
            search.too_far(offset)
        elif offset + limit > sought:
            return made
        else:
            newer = min(offset + limit, total) - 1
            search.too_near(newer, reached=False, total=total if total_told else None)
        offset, limit = search.probe(wanted)
    raise AssertionError(made)


@pytest.mark.parametrize(("max_rows", "most"), [(20, 10_000), (50, 20_000), (100, 50_000)])
@pytest.mark.parametrize("total_told", [True, False])
@given(st.data())
def test_a_row_that_moved_far_is_found_within_the_probes_of_a_walk(
    max_rows, most, total_told, data
):
    sought = data.draw(st.integers(0, 1_000_000))
    total = sought + data.draw(st.integers(1, 1_000_000))
    guess = max(0, sought + data.draw(st.integers(-most, most)))
    told = {"max_rows": max_rows, "total_told": total_told}
    for offset, limit in probes_to(sought, total, guess, **told):
        assert offset >= 0
        assert 1 <= limit <= max_rows


def test_a_row_that_moved_by_less_than_a_window_is_found_at_the_second_probe():
    for moved in (1, 10, 30):
        assert len(probes_to(500 - moved, 1_000, 500)) == 2
        assert len(probes_to(500 + moved, 1_000, 500)) == 2


def test_windows_are_asked_for_only_near_by_and_single_rows_from_afar():
    made = probes_to(100_000, 1_000_000, 140_000)
    assert sum(limit > 1 for _, limit in made) <= 3


def test_a_window_has_room_for_what_is_wanted_behind_the_row_that_is_sought():
    search = OffsetSearch(MAX_ROWS)
    search.too_far(500)
    offset, limit = search.probe(24)
    assert offset < 500
    assert offset + limit == 500 + 24


def test_a_window_that_reached_the_row_is_asked_for_in_full_from_the_newer_row_on():
    search = OffsetSearch(MAX_ROWS)
    search.too_far(5_000)
    search.too_near(500, reached=True, total=9_000)
    assert search.probe(24) == (500, MAX_ROWS)


def test_a_total_that_lies_is_not_bisected_beyond_what_a_list_can_have():
    search = OffsetSearch(MAX_ROWS)
    for newer in (99, 198):
        search.too_near(newer, reached=False, total=2**62)
        offset, limit = search.probe(24)
    assert (offset, limit) == (198 + 50_000, 1)


def test_bounds_are_nearer_to_each_other_where_answers_have_few_rows():
    search = OffsetSearch(MAX_ROWS)
    search.too_far(540)
    search.too_near(500, reached=False, total=9_000)
    assert search.probe(24) == (500, MAX_ROWS)
    search.granted = 20
    assert search.probe(24) == (520, 1)


ANSWERS = st.tuples(st.booleans(), st.integers(0, 10_000), st.booleans())


@given(st.lists(ANSWERS, min_size=1, max_size=MAX_PROBES), st.integers(1, 110))
def test_answers_that_contradict_each_other_never_lead_to_an_impossible_request(answers, wanted):
    search = OffsetSearch(MAX_ROWS)
    for far, at, reached in answers:
        if far:
            search.too_far(at)
        else:
            search.too_near(at, reached=reached, total=5_000)
        offset, limit = search.probe(wanted)
        assert offset >= 0
        assert 1 <= limit <= MAX_ROWS
        assert search.newer is None or search.older is None or search.newer < search.older
