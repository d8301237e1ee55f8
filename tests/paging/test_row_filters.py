import pytest

from mcp_sessions.arguments import ListSessions
from mcp_sessions.paging.row_filters import RowFilter
from mcp_sessions.wire.models import Session

SESSION = Session(
    id="session_1",
    status="waitingfortoolresults",
    tags=["a", "b"],
    created_at="2026-11-20T10:00:00Z",
    parent_session_id="session_0",
)


def filter_of(filters):
    return RowFilter.of(ListSessions.read(filters))


@pytest.mark.parametrize(
    ("filters", "admitted"),
    [
        ({}, True),
        ({"status": ["waiting_for_tool_results"]}, True),
        ({"status": ["idle", "paused"]}, False),
        ({"tags": ["b", "a"]}, True),
        ({"tags": ["a", "c"]}, False),
        ({"created_after": "2026-11-20T10:00:00Z"}, True),
        ({"created_after": "2026-11-20T10:00:00.000001Z"}, False),
        ({"created_before": "2026-11-20T10:00:00Z"}, False),
        ({"created_before": "2026-11-20T10:00:00.000001Z"}, True),
        ({"parent_session_id": "session_0"}, True),
        ({"parent_session_id": "session_9"}, False),
        ({"top_level_only": True}, False),
    ],
)
def test_a_session_is_judged_by_what_its_row_says(filters, admitted):
    assert filter_of(filters).matches(SESSION) is admitted


@pytest.mark.parametrize(
    "filters", [{"created_after": "2026-01-01"}, {"created_before": "2027-01-01"}]
)
def test_a_session_without_a_time_is_in_no_span_of_time(filters):
    assert not filter_of(filters).matches(Session(id="s"))


def test_a_session_that_says_nothing_has_no_status_no_tags_and_no_parent():
    bare = Session(id="s")
    assert not filter_of({"status": "idle"}).matches(bare)
    assert not filter_of({"tags": "a"}).matches(bare)
    assert filter_of({"top_level_only": True}).matches(bare)


def test_only_a_start_time_makes_a_session_too_old():
    assert filter_of({"created_after": "2026-11-21"}).ends_list(SESSION)
    assert not filter_of({"created_before": "2026-11-19"}).ends_list(SESSION)
    assert not filter_of({"created_after": "2026-11-21"}).ends_list(Session(id="s"))
