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
list, then a transient error, and the same cursor goes on. How it holds: see `Walk.next_entries`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Generic

from mcp_sessions.api.client import FEWEST_ROWS, SessionsApi
from mcp_sessions.errors import ApiTimeout, ApiUnavailable, ResponseTooLarge
from mcp_sessions.paging.cursor import Place
from mcp_sessions.paging.offset_search import OffsetSearch
from mcp_sessions.paging.sort_key import last_key_of
from mcp_sessions.paging.window import Entry, Window, window_of
from mcp_sessions.wire.limits import MAX_LIMIT
from mcp_sessions.wire.models import SessionT

MAX_PROBES = 24
_BEHIND, _AHEAD = 4, 4
_TIES = (
    "More than {max_ties} sessions share one created_at: some of them may be missing or come twice."
)
_UNDATED = (
    "The API's rows are in no order of time: rows may be missing or come twice if it changes."
)


@dataclass(slots=True)
class Walk(Generic[SessionT]):
    """A walk along the list from a place; `next_entries` until it has ended."""

    api: SessionsApi
    place: Place
    session: type[SessionT]
    ended: bool = False
    total: int | None = None
    note: str | None = None
    tied: int | None = None  # the age of more sessions than a window holds
    max_rows: int = MAX_LIMIT  # of one answer
    asked: int = MAX_LIMIT  # rows that were asked for last
    measured: bool = False  # how far the list has moved since the cursor was written

    async def next_entries(self, wanted: int) -> list[Entry[SessionT]]:
        """Return what comes next for certain, about `wanted` entries, and none only at the end.

        Where an answer is too large or too slow, smaller ones are asked for.

        Raises:
            ApiUnavailable: the list moved away from MAX_PROBES probes.
            SessionsError: as the API's door raises it.
        """
        while True:
            self.max_rows = min(self.max_rows, self.api.max_rows)
            try:
                return await self._stretch(wanted)
            except (ResponseTooLarge, ApiTimeout):
                if self.asked <= FEWEST_ROWS:
                    raise
                self.max_rows = max(FEWEST_ROWS, self.asked // 4)

    async def _stretch(self, wanted: int) -> list[Entry[SessionT]]:
        """Probe until a response proves itself.

        It holds all that follows the place's session if it starts at offset 0 or with a strictly
        newer session, and it is complete up to its last group of equal ages, or to the end of the
        list. The offset is a hint, found again by galloping and bisecting when the list has moved.
        """
        search = OffsetSearch(self.max_rows)
        offset, limit = self._first_guess(wanted)
        for probe in range(MAX_PROBES):
            # What is remembered may contradict what is read now, so it is only a first answer.
            window = await self._read(offset, limit, fresh=probe > 0)
            if not window.dated:
                if offset == self.place.offset or window.ended:
                    return self._by_offset(window, _UNDATED)
                offset = self.place.offset
            elif self.tied is None and not window.starts_before(self.place.after):
                search.too_far(offset)
                offset, limit = search.probe(wanted + _AHEAD)
            elif (entries := self._proven(window)) or window.ended:
                return self._found(window, entries)
            elif limit < self.max_rows or window.last_newer(self.place.after) != offset:
                after, total = self.place.after, window.total
                reached = window.reaches(after)
                search.too_near(window.last_newer(after), reached=reached, total=total)
                offset, limit = search.probe(wanted + _AHEAD)
            elif offset == self.place.offset:
                return self._by_offset(window, self._ties())
            else:  # one group of ties fills a whole window: all that is left is the hint
                self.tied, offset = window.entries[-1].key.age, self.place.offset
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

    def _ties(self) -> str:
        return _TIES.format(max_ties=self.max_rows - 2)

    def _proven(self, window: Window[SessionT]) -> list[Entry[SessionT]]:
        """Return what follows for certain; with nothing of its age left, the place moves on."""
        after = self.place.after
        if after is None and self.place.doubtful and window.entries:
            self.tied = window.entries[0].key.age  # in the midst of a group, as it was left
        entries = window.whole_groups(window.following(after, or_of=self.tied))
        if not entries and after is not None and not window.ended and window.passes(after):
            self.place = replace(self.place, after=last_key_of(after.age))
        return entries

    def _found(
        self, window: Window[SessionT], entries: list[Entry[SessionT]]
    ) -> list[Entry[SessionT]]:
        self.ended = window.ended
        if self.tied is not None:
            self.note = self._ties()
        if self.place.after is not None and not self.measured:
            here = entries[0].position if entries else window.offset + len(window.entries)
            drift = self.place.drift.after(here - self.place.offset)
            self.place = replace(self.place, drift=drift)
        self.measured = True
        tied = [entry for entry in entries if entry.key.age == self.tied]
        return [*_as_arrived(tied), *(entry for entry in entries if entry.key.age != self.tied)]

    def _by_offset(self, window: Window[SessionT], note: str) -> list[Entry[SessionT]]:
        """Fall back on the API's own order and offsets, and say so."""
        self.ended, self.note = window.ended, note
        return _as_arrived(e for e in window.entries if e.arrived >= self.place.offset)

    def passed(self, entry: Entry[SessionT], *, closing: bool) -> None:
        """Go on after `entry`, or after all of its age if it is `closing` its group."""
        self.place = place_after(entry, self.place, closing=closing)


def _as_arrived(entries: Iterable[Entry[SessionT]]) -> list[Entry[SessionT]]:
    """Return the entries in the API's own order, which is all that is known of them."""
    arrived = sorted(entries, key=lambda entry: entry.arrived)
    return [replace(entry, position=entry.arrived, keyed=False) for entry in arrived]


def place_after(entry: Entry[SessionT], place: Place, *, closing: bool = False) -> Place:
    """Return the place after an entry, or after all of its age if it is `closing` its group."""
    key = last_key_of(entry.key.age) if closing else entry.key
    after = key if entry.keyed else None
    doubtful = place.doubtful or not entry.keyed
    return Place(place.query, entry.position + 1, after, place.drift, doubtful)
