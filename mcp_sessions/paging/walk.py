"""A walk along the list, over an API that has only offsets and shifts under its reader.

The promise:

    No session is returned twice in a walk. Every session that exists and matches the API's filters
    from the walk's first upstream request to its last is returned, provided `created_at` never
    changes, each response is one consistent view ordered by it, and at most 98 sessions share one
    value; beyond that the call says so. Sessions renamed in or out of a search, or backdated, may
    be missed, never repeated. Row filters judge a session when it is examined. A walk begun at an
    offset covers what follows.

What it costs: one request a page; two near a limit of 100, or where the list moved further than
lately or more than a few sessions share a time; and at most MAX_PROBES for each stretch of the
list, then a transient error, and the same cursor goes on. How it holds: see `Walk._stretch`.
"""

from dataclasses import dataclass, replace
from typing import Final, Generic

from mcp_sessions.api.client import SessionsApi
from mcp_sessions.api.request import MIN_ROWS, fewer_rows
from mcp_sessions.errors import ApiTimeout, ApiUnavailable, ResponseTooLarge
from mcp_sessions.paging.cursor import Place
from mcp_sessions.paging.offset_fallback import (
    UNDATED,
    as_arrived,
    from_offset,
    rest_of_ties,
    tied_note,
)
from mcp_sessions.paging.offset_search import OffsetSearch
from mcp_sessions.paging.sort_key import last_key_of
from mcp_sessions.paging.window import Entry, Window, window_of
from mcp_sessions.wire.limits import MAX_LIMIT
from mcp_sessions.wire.models import SessionT

MAX_PROBES: Final = 24
_BEHIND, _AHEAD = 4, 4  # rows read before and after what is wanted, to prove it


@dataclass(slots=True)
class Walk(Generic[SessionT]):
    """A walk along the list from a place; `next_entries` until it has ended.

    `note` says what it could not prove, once it had to fall back on offsets.

    The offset is only a hint: the list may have moved. Every answer is one of these:

    1. Undated: its rows are in no order of time. Offsets are all there is.
    2. Too far: it does not begin with a strictly newer session than the last one returned, nor at
       the head of the list, so that sessions between the two may be missing.
    3. Proven: it begins so, and holds something that follows, up to its last whole group of equal
       times, or the end of the list.
    4. Too near: it begins so, and nothing that follows is certain in it.
    5. Tied: it is the largest that can be had and begins as late as it may, and one group of equal
       times fills it. Offsets are all there is, until that group is passed.
    """

    api: SessionsApi
    place: Place
    session: type[SessionT]
    ended: bool = False
    total: int | None = None
    note: str | None = None
    max_rows: int = MAX_LIMIT  # of one answer
    asked: int = MAX_LIMIT  # rows that were asked for last
    drift_known: bool = False  # how far the list has moved since the cursor was written

    async def next_entries(self, wanted: int) -> list[Entry[SessionT]]:
        """Return what comes next for certain, about `wanted` entries, and none only at the end.

        Where an answer is too large or too slow, smaller ones are asked for.

        Raises:
            ApiUnavailable: the list moved away from MAX_PROBES probes.
            SessionsError: as the API client raises it.
        """
        while True:
            self.max_rows = min(self.max_rows, self.api.max_rows)
            try:
                return await self._stretch(wanted)
            except (ResponseTooLarge, ApiTimeout):
                if self.asked <= MIN_ROWS:
                    raise
                self.max_rows = fewer_rows(self.asked)

    async def _stretch(self, wanted: int) -> list[Entry[SessionT]]:
        """Probe until an answer proves itself, and return what it proves: cases 1 to 5 above."""
        search = OffsetSearch(self.max_rows)
        offset, limit = self._first_guess(wanted)
        for probe in range(MAX_PROBES):
            # What is cached may contradict what is read now, so it is only a first answer.
            window = await self._read(offset, limit, fresh=probe > 0)
            after = self.place.after
            if not window.dated:
                if (arrived := from_offset(window, self.place.offset)) is not None:
                    return self._unproven(window, arrived, UNDATED)
                offset, limit = self.place.offset, self.max_rows
            elif after is None and self.place.doubtful and window.entries:
                return self._unproven(window, rest_of_ties(window), self._tied_note())
            elif not window.starts_before(after):
                search.too_far(offset)
                offset, limit = search.probe(wanted + _AHEAD)
            elif (entries := self._proven(window)) or window.ended:
                self._measure_drift(window, entries)
                self.ended = window.ended
                return entries
            elif limit < self.max_rows or window.last_newer(after) != offset:
                reached = window.reaches(after)
                search.too_near(window.last_newer(after), reached=reached, total=window.total)
                offset, limit = search.probe(wanted + _AHEAD)
            elif tied := as_arrived(window.following(after)):
                return self._unproven(window, tied, self._tied_note())
            else:  # all that the answer shows of the group was returned before
                self.note, offset = self._tied_note(), offset + len(window.entries)
                self.place = replace(self.place, offset=offset, after=None, doubtful=True)
        raise ApiUnavailable("The list changes faster than it can be read.")

    def _first_guess(self, wanted: int) -> tuple[int, int]:
        """Reach back to a newer session and on past the last one, as far as the list moves."""
        hint, (ahead, behind) = self.place.offset, self.place.drift
        back = 0 if self.place.after is None else min(hint, _BEHIND + behind * 3 // 2)
        if back + wanted + _AHEAD > self.max_rows:  # it takes more than one request anyway
            back = min(back, self.max_rows // 3)
        return hint - back, min(self.max_rows, back + wanted + _AHEAD + ahead * 3 // 2)

    async def _read(self, offset: int, limit: int, *, fresh: bool) -> Window[SessionT]:
        self.asked = limit
        parameters = self.place.query.parameters(offset=offset, limit=limit)
        page = await self.api.page(parameters, self.session, fresh=fresh)
        window = window_of(page, offset, limit)
        self.total = window.total
        return window

    def _proven(self, window: Window[SessionT]) -> list[Entry[SessionT]]:
        """Return what follows for certain; with nothing of its age left, the place moves on."""
        after = self.place.after
        entries = window.whole_groups(window.following(after))
        if not entries and after is not None and not window.ended and window.ends_behind(after):
            self.place = replace(self.place, after=last_key_of(after.age))
        return entries

    def _unproven(
        self, window: Window[SessionT], entries: list[Entry[SessionT]], note: str
    ) -> list[Entry[SessionT]]:
        self.ended, self.note, self.drift_known = window.ended, note, True
        return entries

    def _tied_note(self) -> str:
        return tied_note(self.max_rows)

    def _measure_drift(self, window: Window[SessionT], entries: list[Entry[SessionT]]) -> None:
        """Note how far the list has moved since the cursor was written, for the next cursor."""
        if self.place.after is not None and not self.drift_known:
            here = entries[0].position if entries else window.offset + len(window.entries)
            drift = self.place.drift.after(here - self.place.offset)
            self.place = replace(self.place, drift=drift)
        self.drift_known = True

    def advance(self, entry: Entry[SessionT], *, closing: bool) -> None:
        """Go on after `entry`, or after all of its age if it is `closing` its group."""
        self.place = place_after(entry, self.place, closing=closing)


def place_after(entry: Entry[SessionT], place: Place, *, closing: bool = False) -> Place:
    """Return the place after an entry, or after all of its age if it is `closing` its group."""
    key = last_key_of(entry.key.age) if closing else entry.key
    after = key if entry.keyed else None
    doubtful = place.doubtful or not entry.keyed
    return Place(place.query, entry.position + 1, after, place.drift, doubtful)
