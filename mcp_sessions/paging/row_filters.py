"""Filters that the API does not know, decided on each session when it is examined.

Which part of the list has to be walked for them, by what is known of every session:

- it was created before it was updated or finished, so that a walk for those updated or finished
  before a time starts there; of those after a time nothing is known, they may be of any age;
- it is younger than its parent, so that a walk for children ends at the time in the parent's id.

Two of these times may be of clocks that differ.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self
from uuid import UUID

from mcp_sessions.argument_types import EVENTS, Event
from mcp_sessions.arguments import ListSessions
from mcp_sessions.results.contained import contains_all, words_of
from mcp_sessions.wire.models import Session

_CLOCKS_DIFFER: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class _Span:
    """A span of time in which a session's event has to lie."""

    event: Event
    start: datetime | None
    end: datetime | None

    def holds(self, session: Session) -> bool:
        """Tell whether the event lies in the span; one without a time does not."""
        time: datetime | None = getattr(session, f"{self.event}_at")
        return (
            time is not None
            and (self.start is None or time >= self.start)
            and (self.end is None or time < self.end)
        )


@dataclass(frozen=True, slots=True)
class RowFilter:
    """The row filters of one query: its times and words are read once.

    Sessions that match are created from `oldest` on and before `newest`, where these are known.
    """

    query: ListSessions
    spans: tuple[_Span, ...]
    words: tuple[str, ...]
    oldest: datetime | None
    newest: datetime | None

    @classmethod
    def of(cls, query: ListSessions) -> Self:
        """Return the filter of a query."""
        spans = [_Span(event, *query.span(event)) for event in EVENTS]
        starts = [query.span("created")[0], _before(_made_at(query.parent_session_id))]
        ends = [_after(span.end) if span.event != "created" else span.end for span in spans]
        return cls(
            query,
            tuple(span for span in spans if span.start or span.end),
            words_of(query.contains) if query.contains is not None else (),
            max(filter(None, starts), default=None),
            min(filter(None, ends), default=None),
        )

    def matches(self, session: Session) -> bool:
        """Tell whether a session matches all filters, as far as its row says."""
        query = self.query
        return (
            (query.status is None or session.status in query.status)
            and (query.tags is None or set(query.tags) <= set(session.tags or ()))
            and all(span.holds(session) for span in self.spans)
            and query.parent_session_id in (None, session.parent_session_id)
            and not (query.top_level_only and session.parent_session_id is not None)
            and (not self.words or contains_all(session, self.words))
        )

    def ends_list(self, session: Session) -> bool:
        """Tell whether no session after this one can match: the list goes from new to old."""
        created = session.created_at
        return self.oldest is not None and created is not None and created < self.oldest


def _made_at(session_id: str | None) -> datetime | None:
    """Return the time in a session's id, which is a UUIDv7, or None of an id that tells none."""
    digits = (session_id or "").removeprefix("session_")
    try:
        uuid = UUID(digits)
        if uuid.version != 7:  # noqa: PLR2004 - the version that begins with a time
            return None
        return datetime.fromtimestamp((uuid.int >> 80) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _before(time: datetime | None) -> datetime | None:
    """Return a time that is before this one, however clocks differ."""
    return time and max(time, datetime.min.replace(tzinfo=UTC) + _CLOCKS_DIFFER) - _CLOCKS_DIFFER


def _after(time: datetime | None) -> datetime | None:
    """Return a time that is after this one, however clocks differ."""
    return time and min(time, datetime.max.replace(tzinfo=UTC) - _CLOCKS_DIFFER) + _CLOCKS_DIFFER
