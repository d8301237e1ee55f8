"""Filters that the API does not know, decided on each session when it is examined."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from mcp_sessions.arguments import ListSessions
from mcp_sessions.wire.models import Session


@dataclass(frozen=True, slots=True)
class RowFilter:
    """The row filters of one query, with the times that sessions may be created from and until."""

    query: ListSessions
    start: datetime | None
    end: datetime | None

    @classmethod
    def of(cls, query: ListSessions) -> Self:
        """Return the filter of a query, whose times are parsed once."""
        return cls(query, query.created_from(), query.created_until())

    def matches(self, session: Session) -> bool:
        """Tell whether a session matches all filters, as far as its row says."""
        query = self.query
        return (
            (query.status is None or session.status in query.status)
            and (query.tags is None or set(query.tags) <= set(session.tags or ()))
            and self._created_within(session)
            and query.parent_session_id in (None, session.parent_session_id)
            and not (query.top_level_only and session.parent_session_id is not None)
        )

    def _created_within(self, session: Session) -> bool:
        """A session without a time is in no span of time."""
        if self.start is None and self.end is None:
            return True
        created = session.created_at
        return (
            created is not None
            and (self.start is None or created >= self.start)
            and (self.end is None or created < self.end)
        )

    def ends_list(self, session: Session) -> bool:
        """Tell whether no session after this one can match: the list goes from new to old."""
        created = session.created_at
        return self.start is not None and created is not None and created < self.start
