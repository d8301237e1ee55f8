"""Reads windows of a list, and learns from them what the API grants and whether its total is true.

Where the list ends:

- A full answer never ends it, whatever the total says.
- A short one, with fewer rows than were asked for, ends it only if it also reaches the total. With
  no total, or one that is lower than the rows, what stands behind is asked for.
- An empty one ends it; below the total that is said.
"""

from dataclasses import dataclass, replace
from typing import Generic

from mcp_sessions.api.client import SessionsApi
from mcp_sessions.api.request import MIN_ROWS
from mcp_sessions.arguments import ListSessions
from mcp_sessions.paging.sort_key import SortKey
from mcp_sessions.paging.window import Window, window_of
from mcp_sessions.wire.limits import MAX_LIMIT
from mcp_sessions.wire.models import SessionT


@dataclass(slots=True)
class WindowReader(Generic[SessionT]):
    """Reads windows of one query's list, for one call."""

    api: SessionsApi
    query: ListSessions
    session: type[SessionT]
    max_rows: int = MAX_LIMIT  # of one answer
    granted: int = MAX_LIMIT  # rows that the API gave where more were asked for
    asked: int = MAX_LIMIT  # rows that were asked for last
    reads: int = 0  # since it was last set to 0
    counted: bool = True  # no answer had more rows than its total allows
    total: int | None = None

    @property
    def room(self) -> int:
        """Return how many rows to expect in a window, and enough to prove something."""
        return min(self.max_rows, max(MIN_ROWS, self.granted))

    async def read(self, offset: int, limit: int) -> Window[SessionT]:
        """Return a window, which is `ended` only if nothing has to be asked for to know it.

        Raises:
            SessionsError: as the API client raises it.
        """
        self.asked = limit
        # What is cached may contradict what is read now, so it is only a first answer.
        page = await self.api.page(
            self.query.parameters(offset=offset, limit=limit), self.session, fresh=self.reads > 0
        )
        self.reads += 1
        window = window_of(page, offset, limit, self.granted)
        self.counted = self.counted and (window.total is None or window.counted)
        self.total = window.total if self.counted else None
        rows = len(window.entries)
        if rows > self.granted or (window.cut and window.counted):
            self.granted = rows
        return replace(window, ended=False) if window.cut else window

    async def nothing_behind(
        self, window: Window[SessionT], after: SortKey | None, *, max_reads: int
    ) -> bool:
        """Tell whether no other session after a key stands behind a window, up to an empty answer.

        An answer of rows that are known tells nothing, so the next is asked for; the last of
        `max_reads` has to do.
        """
        known = {entry.session.id for entry in window.entries if entry.session}
        behind = await self.read(window.end, self.max_rows)
        while behind.entries:
            for entry in behind.following(after):
                if entry.session is None or entry.session.id not in known:
                    self.granted = len(window.entries)
                    return False
            if self.reads >= max_reads:
                break
            behind = await self.read(behind.end, self.max_rows)
        if window.total is None or behind.total is None:
            return True
        # Where the list has shrunk, what was behind may now be in the window.
        return not behind.total <= window.end < window.total
