"""Pages of the list, over an API that has only offsets and shifts under its reader.

The promise:

    No session is returned twice in a walk. Every session that exists and matches the API's filters
    from the walk's first upstream request to its last is returned, provided `created_at` never
    changes, each response is one consistent view ordered by it, and at most 98 sessions share one
    value; beyond that the call says so. Sessions renamed in or out of a search, or backdated, may
    be missed, never repeated. Row filters judge a session when it is examined. A walk begun at an
    offset covers what follows.

What it costs: one request a page; two near a limit of 100, or where the list moved further than
lately or more than a few sessions share a time; and at most MOST_PROBES for each stretch of the
list, then a transient error, and the same cursor goes on. How it holds: see `Walk.turn`.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Generic

import anyio

from mcp_sessions.api.client import FEWEST_ROWS, SessionsApi
from mcp_sessions.arguments import MOST_ROWS
from mcp_sessions.errors import ApiTimeout, ApiUnavailable, ResponseTooLarge, SessionsError
from mcp_sessions.paging.cursor import Place
from mcp_sessions.paging.offset_search import Bracket
from mcp_sessions.paging.row_filters import admits, too_old
from mcp_sessions.paging.sort_key import age_of, end_of
from mcp_sessions.paging.window import Entry, Window, window_of
from mcp_sessions.wire.models import SessionT

MOST_PROBES = 24
_BEHIND, _AHEAD = 4, 4
_TIES = "More than {most} sessions share one created_at: some of them may be missing or come twice."
_UNDATED = (
    "The API's rows are in no order of time: rows may be missing or come twice if it changes."
)

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

    def cut(self, shown: int) -> "SessionPage[SessionT]":
        """Return the page of the first `shown` rows; the list goes on after them."""
        if shown >= len(self.rows):
            return self
        place = self.following or self.place
        if shown:
            place = _place_after(self.rows[shown - 1], place)
        return replace(self, rows=self.rows[:shown], following=place)


@dataclass(slots=True)
class Walk(Generic[SessionT]):
    """A walk along the list from a place; `turn` after `turn` until it has ended."""

    api: SessionsApi
    place: Place
    session: type[SessionT]
    ended: bool = False
    total: int | None = None
    note: str | None = None
    tied: int | None = None  # the age of more sessions than a window holds
    most: int = MOST_ROWS  # rows that an answer can have
    asked: int = MOST_ROWS  # rows that were asked for last
    measured: bool = False  # how far the list has moved since the cursor was written

    async def turn(self, wanted: int) -> list[Entry[SessionT]]:
        """Return what comes next for certain, about `wanted` entries, and none only at the end.

        Where an answer is too large or too slow, smaller ones are asked for.

        Raises:
            ApiUnavailable: the list moved away from MOST_PROBES probes.
            SessionsError: as the API's door raises it.
        """
        while True:
            self.most = min(self.most, self.api.most_rows)
            try:
                return await self._stretch(wanted)
            except (ResponseTooLarge, ApiTimeout):
                if self.asked <= FEWEST_ROWS:
                    raise
                self.most = max(FEWEST_ROWS, self.asked // 4)

    async def _stretch(self, wanted: int) -> list[Entry[SessionT]]:
        """Probe until a response proves itself.

        It holds all that follows the place's session if it starts at offset 0 or with a strictly
        newer session, and it is complete up to its last group of equal ages, or to the end of the
        list. The offset is a hint, found again by galloping and bisecting when the list has moved.
        """
        bracket = Bracket(self.most)
        offset, limit = self._first_guess(wanted)
        for probe in range(MOST_PROBES):
            # What is remembered may contradict what is read now, so it is only a first answer.
            window = await self._read(offset, limit, fresh=probe > 0)
            if not window.dated:
                if offset == self.place.offset or window.ended:
                    return self._by_offset(window, _UNDATED)
                offset = self.place.offset
            elif self.tied is None and not window.starts_before(self.place.after):
                bracket.too_far(offset)
                offset, limit = bracket.probe(wanted + _AHEAD)
            elif (entries := self._proven(window)) or window.ended:
                return self._found(window, entries)
            elif limit < self.most or window.last_newer(self.place.after) != offset:
                after, total = self.place.after, window.total
                reached = window.reaches(after)
                bracket.too_near(window.last_newer(after), reached=reached, total=total)
                offset, limit = bracket.probe(wanted + _AHEAD)
            elif offset == self.place.offset:
                return self._by_offset(window, self._ties())
            else:  # one group of ties fills a whole window: all that is left is the hint
                self.tied, offset = window.entries[-1].key.age, self.place.offset
        raise ApiUnavailable("The list changes faster than it can be read.")

    def _first_guess(self, wanted: int) -> tuple[int, int]:
        """Reach back to a newer session and on past the last one, as far as the list moves."""
        hint, (ahead, behind) = self.place.offset, self.place.drift
        back = 0 if self.place.after is None else min(hint, _BEHIND + behind * 3 // 2)
        if back + wanted + _AHEAD > self.most:  # it takes more than one request anyway
            back = min(back, self.most // 3)
        return hint - back, min(self.most, back + wanted + _AHEAD + ahead * 3 // 2)

    async def _read(self, offset: int, limit: int, *, fresh: bool) -> Window[SessionT]:
        self.asked = limit
        parameters = self.place.query.parameters(offset=offset, limit=limit)
        page = await self.api.page(parameters, self.session, fresh=fresh)
        window = window_of(page, offset, limit)
        self.total = window.total
        return window

    def _ties(self) -> str:
        return _TIES.format(most=self.most - 2)

    def _proven(self, window: Window[SessionT]) -> list[Entry[SessionT]]:
        """Return what follows for certain; with nothing of its age left, the place moves on."""
        after = self.place.after
        if after is None and self.place.doubtful and window.entries:
            self.tied = window.entries[0].key.age  # in the midst of a group, as it was left
        entries = window.certain(window.following(after, or_of=self.tied))
        if not entries and after is not None and not window.ended and window.closes(after):
            self.place = replace(self.place, after=end_of(after.age))
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
        self.place = _place_after(entry, self.place, closing=closing)


@dataclass(slots=True)
class _Reading(Generic[SessionT]):
    """What one call has gathered so far, and whether it may gather more."""

    walk: Walk[SessionT]
    bounds: Bounds
    scope: str | None
    rows: list[Entry[SessionT]] = field(default_factory=list)
    examined: int = 0
    malformed: int = 0
    foreign: int = 0
    seen: set[str] = field(default_factory=set)  # where only offsets tell sessions apart
    done: bool = False  # nothing that follows can match

    def has_room(self) -> bool:
        """Tell whether this call may examine more."""
        full = len(self.rows) == self.walk.place.query.limit
        return not (self.done or full or self.examined >= self.bounds.examined)

    async def turn(self) -> bool:
        """Examine the next stretch; return False if nothing came, but something had before."""
        query, before = self.walk.place.query, self.examined
        wanted = query.limit - len(self.rows)
        if query.filters_rows():  # a match may be far: take longer and longer stretches
            wanted = max(wanted, 2 * self.examined)
        entries: list[Entry[SessionT]] = []
        try:
            with anyio.move_on_at(self.bounds.until) as time:
                entries = await self.walk.turn(wanted)
        except SessionsError as fault:
            if self.examined and fault.retryable:
                return False  # what is in hand need not be asked for again
            raise
        if time.cancelled_caught:
            return False
        for entry, next_one in zip_longest(entries, entries[1:]):
            if not self.has_room():
                return True
            closing = next_one is None or next_one.key.age > entry.key.age
            self._judge(entry, closing=closing)
        self.done = self.done or self.walk.ended
        return self.examined > before

    def _judge(self, entry: Entry[SessionT], *, closing: bool) -> None:
        query, session = self.walk.place.query, entry.session
        repeated = session is not None and self._is_repeated(entry, session.id)
        self.walk.passed(entry, closing=closing)
        if repeated:
            return
        self.examined += 1
        if session is None:
            self.malformed += 1
        elif self._is_foreign(session.agent_id):
            self.foreign += 1
        elif admits(query, session):
            self.rows.append(entry)
        else:
            self.done = self.walk.note is None and too_old(query, session)

    def _is_repeated(self, entry: Entry[SessionT], session_id: str) -> bool:
        """Tell a session that came before: in one answer, or where only offsets are known."""
        if entry.certain:
            return entry.key == self.walk.place.after
        known = session_id in self.seen
        self.seen.add(session_id)
        return known

    def _is_foreign(self, agent_id: str | None) -> bool:
        """Tell another agent's session, which the API should not have sent.

        A row that names no agent passes where an agent was asked for, and not where one is set.
        """
        if self.scope is not None and agent_id != self.scope:
            return True
        return agent_id not in (None, self.walk.place.query.agent_id) and (
            self.walk.place.query.agent_id is not None
        )


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
        SessionsError: as `Walk.turn` raises it.
    """
    reading = _Reading(Walk(api, _started(place), session), bounds, scope)
    while reading.has_room() and await reading.turn():
        if place.query.filters_rows():
            await progress(reading.examined, bounds.examined)
    if not reading.examined and not reading.done:
        raise ApiTimeout("The API did not answer within the call's deadline.")
    walk = reading.walk
    return SessionPage(
        place=place,
        rows=tuple(reading.rows),
        following=None if reading.done else walk.place,
        total=None if reading.foreign or place.query.filters_rows() else walk.total,
        examined=reading.examined,
        malformed=reading.malformed,
        note=walk.note,
    )


def _as_arrived(entries: Iterable[Entry[SessionT]]) -> list[Entry[SessionT]]:
    """Return the entries in the API's own order, which is all that is known of them."""
    arrived = sorted(entries, key=lambda entry: entry.arrived)
    return [replace(entry, position=entry.arrived, certain=False) for entry in arrived]


def _started(place: Place) -> Place:
    """Begin a list that ends before a time at that time."""
    end = place.query.created_until()
    if end is None or place.after is not None or place.offset:
        return place
    return replace(place, after=end_of(age_of(end)))


def _place_after(entry: Entry[SessionT], place: Place, *, closing: bool = False) -> Place:
    key = end_of(entry.key.age) if closing else entry.key
    after = key if entry.certain else None
    doubtful = place.doubtful or not entry.certain
    return Place(place.query, entry.position + 1, after, place.drift, doubtful)
