from datetime import UTC, datetime, timedelta

import pytest

from mcp_sessions.argument_types import EVENTS
from mcp_sessions.arguments import ListSessions
from mcp_sessions.paging.row_filters import RowFilter
from mcp_sessions.wire.models import Session

SESSION = Session(
    id="session_1",
    status="waitingfortoolresults",
    tags=["a", "b"],
    created_at="2026-11-20T10:00:00Z",
    updated_at="2026-11-21T10:00:00Z",
    finished_at="2026-11-22T10:00:00Z",
    parent_session_id="session_0",
    title="Refund of the Große order",
    preview="Where is my money?",
    output_preview="It is on its way, key sk-proj-CANARY1234567890.",
)
CREATED = datetime(2026, 11, 20, 10, tzinfo=UTC)


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
        ({"updated_after": "2026-11-21T10:00:00Z"}, True),
        ({"updated_after": "2026-11-21T10:00:00.000001Z"}, False),
        ({"updated_before": "2026-11-21T10:00:00Z"}, False),
        ({"updated_before": "2026-11-21T10:00:00.000001Z"}, True),
        ({"finished_after": "2026-11-22T10:00:00Z"}, True),
        ({"finished_after": "2026-11-22T10:00:00.000001Z"}, False),
        ({"finished_before": "2026-11-22T10:00:00Z"}, False),
        ({"finished_after": "2026-11-22", "finished_before": "2026-11-23"}, True),
        ({"created_after": "2026-11-20", "updated_before": "2026-11-21"}, False),
        ({"contains": "refund MONEY way"}, True),
        ({"contains": "refund lost"}, False),
        ({"contains": "grosse"}, True),
        ({"contains": "oney"}, True),
        ({"parent_session_id": "session_0"}, True),
        ({"parent_session_id": "session_9"}, False),
        ({"top_level_only": True}, False),
    ],
)
def test_a_session_is_judged_by_what_its_row_says(filters, admitted):
    assert filter_of(filters).matches(SESSION) is admitted


@pytest.mark.parametrize(
    "filters",
    [
        {f"{event}_{side}": time}
        for event in EVENTS
        for side, time in (("after", "2026-01-01"), ("before", "2027-01-01"))
    ],
    ids=str,
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


@pytest.mark.parametrize("event", ["updated", "finished"])
def test_a_session_updated_or_finished_after_a_time_may_be_of_any_age(event):
    asked = filter_of({f"{event}_after": "2026-11-25"})
    assert asked.oldest is None
    assert not asked.ends_list(SESSION)


@pytest.mark.parametrize("event", ["updated", "finished"])
def test_a_session_updated_or_finished_before_a_time_was_created_before_it(event):
    asked = filter_of({f"{event}_before": "2026-11-20T10:00:00Z"})
    assert asked.newest == CREATED + timedelta(minutes=10)


def test_of_several_times_the_narrowest_bound_the_walk():
    asked = filter_of(
        {
            "created_before": "2026-11-20T10:00:00Z",
            "updated_before": "2026-11-25",
            "created_after": "2026-11-01",
            "parent_session_id": PARENT,
        }
    )
    assert (asked.oldest, asked.newest) == (CREATED - timedelta(minutes=10), CREATED)


PARENT = f"session_{int(CREATED.timestamp() * 1000):012x}7abc8def0123456789ab"


@pytest.mark.parametrize("spelled", [PARENT, PARENT.upper().replace("SESSION", "session")])
@pytest.mark.parametrize(("minutes", "too_old"), [(-11, True), (-9, False), (5, False)])
def test_a_session_older_than_its_parent_by_more_than_clocks_differ_ends_a_walk_for_children(
    spelled, minutes, too_old
):
    older = Session(id="s", created_at=CREATED + timedelta(minutes=minutes))
    assert filter_of({"parent_session_id": spelled}).ends_list(older) is too_old


@pytest.mark.parametrize(
    "parent",
    [
        "session_0",
        "session_" + "f" * 31,
        "session_019ab0f5a2804abc8def0123456789ab",  # a UUIDv4
        "session_ffffffffffff7abc8def0123456789ab",  # in the year 10889
        "session_" + "g" * 32,
        "7",
    ],
)
def test_a_parent_whose_id_tells_no_time_ends_no_walk(parent):
    assert filter_of({"parent_session_id": parent}).oldest is None


@pytest.mark.parametrize("time", ["0001-01-01", "9999-12-31T23:59:59.999999Z"])
def test_times_at_the_ends_of_the_calendar_are_read(time):
    for event in EVENTS:
        for side in ("after", "before"):
            assert not filter_of({f"{event}_{side}": time}).matches(Session(id="s"))


def test_what_is_masked_cannot_be_found_out_by_asking_for_it():
    for word in ("sk-proj-CANARY1234567890", "sk-proj-C", "CANARY", "1234567890"):
        assert not filter_of({"contains": word}).matches(SESSION)
    assert filter_of({"contains": "[masked]"}).matches(SESSION)
