"""A walk along the list, over an API that has only offsets and shifts under its reader.

The promise:

    No session is returned twice in a walk. Every session that exists and matches the API's filters
    from the walk's first upstream request to its last is returned, provided `created_at` never
    changes, each response is one consistent view ordered by it, and at most 98 sessions share one
    value; beyond that the call says so. Sessions renamed in or out of a search, or backdated, may
    be missed, never repeated. Row filters judge a session when it is examined. A walk begun at an
    offset covers what follows.

What it costs: one request a page; two near a limit of 100, or where the list moved further than
lately or more than a few sessions share a time; more where the API gives fewer rows than asked for;
and at most MAX_PROBES for each stretch of the list, then a transient error, and the same cursor
goes on. How it holds: see `Walk`.
"""

from dataclasses import dataclass, replace
from typing import Final, Generic

from mcp_sessions.api.request import MIN_ROWS, fewer_rows
from mcp_sessions.errors import ApiTimeout, ApiUnavailable, ResponseTooLarge
from mcp_sessions.paging.cursor import Place
from mcp_sessions.paging.offset_fallback import (
    BY_OFFSET,
    CUT,
    UNDATED,
    as_arrived,
    ended_below,
    from_offset,
    rest_of_ties,
    tied_note,
)
from mcp_sessions.paging.offset_search import OffsetSearch
from mcp_sessions.paging.sort_key import last_key_of
from mcp_sessions.paging.window import Entry, Window
from mcp_sessions.paging.window_reader import WindowReader
from mcp_sessions.wire.models import SessionT

MAX_PROBES: Final = 24
_MAX_CUT_PROBES: Final = MAX_PROBES // 2  # until answers with too few rows are taken as they are
_BEHIND, _AHEAD = 4, 4  # rows read before and after what is wanted, to prove it


@dataclass(slots=True)
class Walk(Generic[SessionT]):
    """A walk along the list from a place; `next_entries` until it has ended.

    `note` says what it could not prove, or that the list ended below the API's total.

    The offset is only a hint: the list may have moved. Every answer is one of these:

    1. Undated: its rows are in no order of time. Offsets are all there is, unless it is a single
       row from afar, which tells nothing.
    2. Too far: it does not begin with a strictly newer session than the last one returned, nor at
       the head of the list, so that sessions between the two may be missing.
    3. Proven: it begins so, and holds something that follows, up to its last whole group of equal
       times, or the end of the list.
    4. Too near: it begins so, and nothing that follows is certain in it.
    5. Cut: too near, though it begins as late as it may, with fewer rows than were asked for and
       no total that they reach. What stands behind it is asked for, once: if nothing does, the list
       ends; else it is looked at again, and then passed by offset like ties.
    6. Tied: it is the largest that can be had and begins as late as it may, and one group of equal
       times fills it. Offsets are all there is, until that group is passed.
    """

    reader: WindowReader[SessionT]
    place: Place
    ended: bool = False
    note: str | None = None
    untimed: bool = False  # an answer had sessions without a time among others
    drift_known: bool = False  # how far the list has moved since the cursor was written

    async def next_entries(self, wanted: int) -> list[Entry[SessionT]]:
        """Return what comes next for certain, about `wanted` entries, and none only at the end.

        Where an answer is too large or too slow, smaller ones are asked for.

        Raises:
            ApiUnavailable: the list moved away from MAX_PROBES probes.
            SessionsError: as the API client raises it.
        """
        while True:
            self.reader.max_rows = min(self.reader.max_rows, self.reader.api.max_rows)
            try:
                return await self._stretch(wanted)
            except (ResponseTooLarge, ApiTimeout):
                if self.reader.asked <= MIN_ROWS:
                    raise
                self.reader.max_rows = fewer_rows(self.reader.asked)

    async def _stretch(self, wanted: int) -> list[Entry[SessionT]]:
        """Probe until an answer proves itself, and return what it proves."""
        search, looked_behind = OffsetSearch(self.reader.max_rows), False
        offset, limit = self._first_guess(wanted)
        self.reader.reads = 0
        while self.reader.reads < MAX_PROBES:
            window = await self.reader.read(offset, limit)
            if not looked_behind and self._may_end(window, limit):
                looked_behind = True
                if await self._nothing_behind(window):
                    window = replace(window, ended=True)
                elif not self._proven(window):
                    continue  # another look may show more
            if (entries := self._told(window, limit)) is not None:
                return entries
            search.granted = self.reader.room
            offset, limit = self._next_probe(search, window, limit, wanted + _AHEAD)
        raise ApiUnavailable("The list changes faster than it can be read.")

    def _told(self, window: Window[SessionT], limit: int) -> list[Entry[SessionT]] | None:
        """Return what comes next by an answer for `limit` rows, or None if it does not tell."""
        if not window.dated:
            arrived = from_offset(window, self.place.offset) if limit > 1 else None
            return None if arrived is None else self._unproven(window, arrived, UNDATED)
        if self._goes_by_offset() and window.entries:
            return self._unproven(window, rest_of_ties(window), self._unproven_note(window))
        if not window.starts_before(self.place.after):
            return None
        if self._proven(window) or window.ended:
            return self._certain(window)
        tied = as_arrived(window.following(self.place.after))
        if self._can_show_more(window, limit) or not tied:
            return None
        return self._unproven(window, tied, self._unproven_note(window))

    def _next_probe(
        self, search: OffsetSearch, window: Window[SessionT], limit: int, wanted: int
    ) -> tuple[int, int]:
        """Return what to ask for after an answer for `limit` rows that did not tell."""
        after = self.place.after
        if not window.dated:  # a row from afar without a time: look at those after it too
            return (window.offset if limit == 1 else self.place.offset), self.reader.max_rows
        if not window.starts_before(after):
            search.too_far(window.offset)
        elif self._can_show_more(window, limit):
            newer = window.last_newer(after)
            search.too_near(newer, reached=window.reaches(after), total=window.total)
            if newer == window.offset and limit == self.reader.max_rows:
                return newer + 1, limit
        else:  # all that the answer shows of the group was returned before
            self.note = self._unproven_note(window)
            self.place = replace(self.place, offset=window.end, after=None, doubtful=True)
            return window.end, limit
        return search.probe(wanted)

    def _first_guess(self, wanted: int) -> tuple[int, int]:
        """Reach back to a newer session and on past the last one, as far as the list moves."""
        hint, (ahead, behind) = self.place.offset, self.place.drift
        back = 0 if self.place.after is None else min(hint, _BEHIND + behind * 3 // 2)
        if back + wanted + _AHEAD > self.reader.room:  # it takes more than one request anyway
            back = min(back, self.reader.room // 3)
        return hint - back, min(self.reader.max_rows, back + wanted + _AHEAD + ahead * 3 // 2)

    def _can_show_more(self, window: Window[SessionT], limit: int) -> bool:
        """Tell whether an answer that begins later, or has more rows, may prove what follows."""
        after = self.place.after
        better = limit < self.reader.max_rows or window.last_newer(after) != window.offset
        if not window.cut:
            return better
        return not window.reaches(after) or (better and self.reader.reads < _MAX_CUT_PROBES)

    def _may_end(self, window: Window[SessionT], limit: int) -> bool:
        """Tell whether what stands behind a cut answer has to be asked for to know if it is all.

        It need not be where the answer shows what follows, and that the list goes on.
        """
        after = self.place.after
        seen = window.dated and window.starts_before(after) and not self._goes_by_offset()
        spent = self.reader.reads >= MAX_PROBES
        if spent or not (window.cut and seen and window.reaches(after)):
            return False
        if not window.counted:
            return window.total is not None or len(window.entries) < self.reader.granted
        certain = window.whole_groups(window.following(after))
        return not certain and not self._can_show_more(window, limit)

    def _goes_by_offset(self) -> bool:
        return self.place.after is None and self.place.doubtful

    async def _nothing_behind(self, window: Window[SessionT]) -> bool:
        nothing = await self.reader.nothing_behind(window, self.place.after, max_reads=MAX_PROBES)
        if nothing and self.reader.reads >= MAX_PROBES:
            self.note = CUT
        return nothing

    def _certain(self, window: Window[SessionT]) -> list[Entry[SessionT]]:
        """Return what a window proves, which is all that follows where the list ends."""
        entries = self._proven(window)
        self._measure_drift(window, entries)
        self.untimed |= any(entry.session and not entry.timed for entry in window.entries)
        self._end(window)
        return entries

    def _end(self, window: Window[SessionT]) -> None:
        """Note whether the list has ended, and whether it did below the API's total."""
        self.ended, total = window.ended, self.reader.total
        if window.ended and total is not None and window.end < total:
            below = ended_below(total, window.end)
            self.note = below if self.note is None else f"{self.note} {below}"

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
        self.note, self.drift_known = note, True
        self._end(window)
        return entries

    def _unproven_note(self, window: Window[SessionT]) -> str:
        if window.cut or self.note == CUT or self.reader.room < self.reader.max_rows:
            return CUT
        if window.largest_group >= self.reader.max_rows - 1:
            return tied_note(self.reader.max_rows)
        return self.note or BY_OFFSET  # another page has seen why

    def _measure_drift(self, window: Window[SessionT], entries: list[Entry[SessionT]]) -> None:
        """Note how far the list has moved since the cursor was written, for the next cursor."""
        if self.place.after is not None and not self.drift_known:
            here = entries[0].position if entries else window.end
            drift = self.place.drift.after(here - self.place.offset)
            self.place = replace(self.place, drift=drift)
        self.drift_known = True

    def advance(self, entry: Entry[SessionT], *, closing: bool) -> None:
        """Go on after `entry`, or after all of its age if it is `closing` its group."""
        self.place = place_after(entry, self.place, closing=closing)
        if self.untimed:  # the walk is no longer one that leaves nothing out
            self.place = replace(self.place, doubtful=True)


def place_after(entry: Entry[SessionT], place: Place, *, closing: bool = False) -> Place:
    """Return the place after an entry, or after all of its age if it is `closing` its group."""
    key = last_key_of(entry.key.age) if closing else entry.key
    after = key if entry.keyed else None
    doubtful = place.doubtful or not entry.keyed
    return Place(place.query, entry.position + 1, after, place.drift, doubtful)
