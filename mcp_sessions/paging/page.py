"""Reads one page: entries of a walk, filtered row by row, within the bounds of one call."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import zip_longest
from typing import Final, Generic

import anyio
import anyio.lowlevel

from mcp_sessions.api.client import SessionsApi
from mcp_sessions.errors import ApiTimeout, SessionsError
from mcp_sessions.paging.cursor import Place
from mcp_sessions.paging.offset_fallback import UNTIMED
from mcp_sessions.paging.row_filters import RowFilter
from mcp_sessions.paging.sort_key import age_of, last_key_of
from mcp_sessions.paging.walk import Walk, place_after
from mcp_sessions.paging.window import Entry
from mcp_sessions.paging.window_reader import WindowReader
from mcp_sessions.wire.models import SessionT

_ROWS_AT_A_STRETCH: Final = 8  # whose texts are looked at before other calls get their turn
Progress = Callable[[int, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far one call may go: rows examined, and the clock of the event loop in seconds."""

    examined: int
    until: float


@dataclass(frozen=True, slots=True)
class SessionPage(Generic[SessionT]):
    """The sessions of one page in their order, and what is known of the list."""

    place: Place
    rows: tuple[Entry[SessionT], ...]
    following: Place | None  # None at the end of the list
    total: int | None
    examined: int
    malformed: int
    note: str | None

    @property
    def complete(self) -> bool:
        """Tell whether this page ends the list, and nothing was left out or could not be proven."""
        left_out = self.malformed or self.note or self.place.doubtful
        return self.following is None and not left_out

    @property
    def ends_unproven(self) -> bool:
        """Tell whether this page ends the list, and it is not certain that it is the whole list."""
        return self.following is None and bool(self.note or self.place.doubtful)

    def following_after(self, shown: int) -> Place | None:
        """Return where the list goes on after the first `shown` rows."""
        if shown >= len(self.rows):
            return self.following
        place = self.following or self.place
        if self.note is not None:  # a cursor amid this page has passed what could not be proven
            place = replace(place, doubtful=True)
        return place_after(self.rows[shown - 1], place) if shown else place


@dataclass(slots=True)
class _PageReader(Generic[SessionT]):
    """What one call has gathered so far, and whether it may examine more."""

    walk: Walk[SessionT]
    filter: RowFilter
    bounds: Bounds
    scope: str | None
    rows: list[Entry[SessionT]] = field(default_factory=list)
    examined: int = 0
    malformed: int = 0
    foreign: int = 0
    seen: set[str] = field(default_factory=set)  # ids; an answer may have a session twice
    done: bool = False  # nothing that follows can match

    def has_room(self) -> bool:
        """Tell whether this call may examine more."""
        full = len(self.rows) == self.walk.place.query.limit
        return not (self.done or full or self.examined >= self.bounds.examined)

    async def examine_more(self) -> bool:
        """Examine the next entries; return False where nothing more can be had in this call."""
        query, before = self.walk.place.query, self.examined
        wanted = query.limit - len(self.rows)
        if query.filters_rows():  # a match may be far: take longer and longer stretches
            wanted = max(wanted, 2 * self.examined)
        entries: list[Entry[SessionT]] = []
        try:
            with anyio.move_on_at(self.bounds.until) as time:
                entries = await self.walk.next_entries(wanted)
        except SessionsError as fault:
            if self.examined and fault.retryable:
                return False  # what is in hand need not be asked for again
            raise
        if time.cancelled_caught:
            return False
        for entry, next_one in zip_longest(entries, entries[1:]):
            if not self.has_room():
                return True
            if self.filter.words and self.examined % _ROWS_AT_A_STRETCH == 0:
                await anyio.lowlevel.checkpoint()
            closing = next_one is None or next_one.key.age > entry.key.age
            self.walk.advance(entry, closing=closing)
            self._judge(entry.session, entry)
        self.done = self.done or self.walk.ended
        return self.examined > before

    def _judge(self, session: SessionT | None, entry: Entry[SessionT]) -> None:
        if session is None:
            self.examined += 1
            self.malformed += 1
            return
        if session.id in self.seen:
            return
        self.seen.add(session.id)
        self.examined += 1
        if self._is_foreign(session.agent_id):
            self.foreign += 1
        elif self.filter.matches(session):
            self.rows.append(entry)
        else:
            self.done = self.walk.note is None and self.filter.ends_list(session)

    def _is_foreign(self, agent_id: str | None) -> bool:
        """Tell another agent's session, which the API should not have sent.

        A row that names no agent passes where an agent was asked for, and not where one is set.
        """
        if self.scope is not None and agent_id != self.scope:
            return True
        asked = self.walk.place.query.agent_id
        return asked is not None and agent_id not in (None, asked)


async def read_page(
    api: SessionsApi,
    place: Place,
    session: type[SessionT],
    bounds: Bounds,
    *,
    progress: Progress,
    scope: str | None = None,
) -> SessionPage[SessionT]:
    """Read the page at `place`; `scope` is the only agent whose sessions may be shown.

    A deadline or a passing fault met on the way gives what was found so far, with a place to go on.

    Raises:
        ApiTimeout: not one answer came in time.
        SessionsError: as `Walk.next_entries` raises it.
    """
    windows = WindowReader(api, place.query, session)
    row_filter = RowFilter.of(place.query)
    walk = Walk(windows, _started(place, row_filter.newest))
    reader = _PageReader(walk, row_filter, bounds, scope)
    while reader.has_room() and await reader.examine_more():
        if place.query.filters_rows():
            await progress(reader.examined, bounds.examined)
    if not reader.examined and not reader.done:
        raise ApiTimeout("The API did not answer within the call's deadline.")
    return SessionPage(
        place=place,
        rows=tuple(reader.rows),
        following=None if reader.done else walk.place,
        total=_total(reader, place, windows.total),
        examined=reader.examined,
        malformed=reader.malformed,
        note=walk.note or (UNTIMED if walk.untimed else None),
    )


def _total(reader: _PageReader[SessionT], place: Place, counted: int | None) -> int | None:
    """Return how many match all filters: as the API counted, or as one walk of the whole list did.

    A cursor may begin anywhere, and what could not be read or be proven may match.
    """
    if reader.foreign:
        return None
    if not place.query.filters_rows():
        return counted
    walk = reader.walk
    from_head = place.after is None and not place.offset and not place.doubtful
    proven = reader.done and walk.note is None and not (reader.malformed or walk.untimed)
    return len(reader.rows) if from_head and proven else None


def _started(place: Place, newest: datetime | None) -> Place:
    """Begin a list whose sessions are all created before a time at that time."""
    if newest is None or place.after is not None or place.offset:
        return place
    return replace(place, after=last_key_of(age_of(newest)))
