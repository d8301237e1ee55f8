"""Filters that the API does not know, decided on each session when it is examined."""

from mcp_sessions.arguments import ListSessions
from mcp_sessions.wire.models import Session


def matches(query: ListSessions, session: Session) -> bool:
    """Tell whether a session matches the filters of `query`."""
    return (
        (query.status is None or _status(session) in query.status)
        and (query.tags is None or set(query.tags) <= set(session.tags or ()))
        and _created_within(query, session)
        and query.parent_session_id in (None, session.parent_session_id)
        and not (query.top_level_only and session.parent_session_id is not None)
    )


def _status(session: Session) -> str | None:
    spelled = session.status
    return "waiting_for_tool_results" if spelled == "waitingfortoolresults" else spelled


def _created_within(query: ListSessions, session: Session) -> bool:
    """A session without a time is in no span of time."""
    start, end = query.created_from(), query.created_until()
    if start is None and end is None:
        return True
    created = session.created_at
    return (
        created is not None
        and (start is None or created >= start)
        and (end is None or created < end)
    )


def ends_list(query: ListSessions, session: Session) -> bool:
    """Tell whether no session after this one can match: the list goes from new to old."""
    start = query.created_from()
    return start is not None and session.created_at is not None and session.created_at < start
