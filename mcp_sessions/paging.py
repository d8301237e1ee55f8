"""Pages of the list, over an API that has only offsets."""

from dataclasses import dataclass
from typing import Generic

from mcp_sessions.api import SessionsApi
from mcp_sessions.cursor import Place
from mcp_sessions.query import MOST_ROWS
from mcp_sessions.wire import Session, SessionT


@dataclass(frozen=True, slots=True)
class SessionPage(Generic[SessionT]):
    """Sessions in the API's order, each with its index, and what is known of the list."""

    place: Place
    rows: tuple[tuple[int, SessionT], ...]
    malformed: int
    total: int | None
    next_offset: int | None  # None at the end of the list

    def cut(self, shown: int) -> "SessionPage[SessionT]":
        """Return the page of the first `shown` rows; the list goes on after them."""
        if shown >= len(self.rows):
            return self
        next_offset = self.rows[shown][0]
        skipped = next_offset - self.place.offset - shown
        return SessionPage(self.place, self.rows[:shown], skipped, self.total, next_offset)

    def next_place(self) -> Place | None:
        """Return where the list goes on, or None at its end."""
        return None if self.next_offset is None else Place(self.place.query, self.next_offset)


async def read_page(
    api: SessionsApi, place: Place, session: type[SessionT]
) -> SessionPage[SessionT]:
    """Read the page at `place`, in one request, or two for a full page at the largest limit.

    One row more than shown is asked for, so that the end is seen and not guessed: `total` is
    another query of the API's and may tell of another moment.

    Raises:
        SessionsError: as the API's door raises it.
    """
    limit = place.query.limit
    asked = min(limit + 1, MOST_ROWS)
    answer = await api.page(place.query.parameters(offset=place.offset, limit=asked), session)
    shown = answer.data[:limit]
    rows = tuple((place.offset + i, row) for i, row in enumerate(shown) if row is not None)
    after = place.offset + len(shown)
    more = len(answer.data) > limit
    if not more and shown and len(shown) >= min(asked, answer.limit or asked):
        more = await _any_row(api, place, after)
    return SessionPage(
        place, rows, len(shown) - len(rows), answer.total, next_offset=after if more else None
    )


async def _any_row(api: SessionsApi, place: Place, offset: int) -> bool:
    """Tell whether the list goes on at `offset`."""
    answer = await api.page(place.query.parameters(offset=offset, limit=1), Session)
    return bool(answer.data)
