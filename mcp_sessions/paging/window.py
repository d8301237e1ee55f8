"""One answer of the API as a stretch of the list, in the total order of `sort_key`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

from mcp_sessions.paging.sort_key import SortKey, age_of, tie_of
from mcp_sessions.wire.limits import MAX_LIMIT
from mcp_sessions.wire.models import Page, Session, SessionT

_UNREADABLE = b""  # sorts before every hash, so a malformed row is passed with the row before it


@dataclass(frozen=True, slots=True)
class Entry(Generic[SessionT]):
    """A row: where it stands in the answer's order, and its session unless it is malformed.

    `position` and `arrived` are its indices in the list: sorted by key, and as the API sent it.
    `keyed` says that a walk may go on after its key; otherwise only after where it arrived.
    """

    position: int
    key: SortKey
    session: SessionT | None
    arrived: int
    keyed: bool = True

    @property
    def timed(self) -> bool:
        """Tell whether the row has a time of its own."""
        return self.session is not None and self.session.created_at is not None


@dataclass(frozen=True, slots=True)
class Window(Generic[SessionT]):
    """Rows from `offset` on, sorted by key.

    `ended` says that the list ends here, as far as this answer tells; `short` that it has fewer
    rows than were asked for. `dated` is False where the rows are in no order of time, and then keys
    mean nothing and the order is the API's.
    """

    offset: int
    entries: tuple[Entry[SessionT], ...]
    ended: bool
    short: bool
    dated: bool
    total: int | None

    @property
    def end(self) -> int:
        """Return the offset behind the last row."""
        return self.offset + len(self.entries)

    @property
    def cut(self) -> bool:
        """Tell whether rows are fewer than asked for, and no total says that the list ends."""
        at_total = self.ended and self.end == self.total
        return self.short and bool(self.entries) and not at_total

    @property
    def counted(self) -> bool:
        """Tell whether the answer has a total that can be true."""
        return self.total is not None and (self.end <= self.total or not self.entries)

    @property
    def largest_group(self) -> int:
        """Return how many rows share one time, at most."""
        return max(Counter(entry.key.age for entry in self.entries).values(), default=0)

    def starts_before(self, after: SortKey | None) -> bool:
        """Tell whether no session that comes after `after` stands before this window."""
        if after is None or self.offset == 0:
            return True
        if not self.entries:
            return False
        first = self.entries[0].key.age
        return first < after.age or (after.is_last_of_age and first == after.age)

    def ends_behind(self, after: SortKey) -> bool:
        """Tell whether the window ends with a session older than `after`."""
        return self.entries[-1].key.age > after.age

    def reaches(self, after: SortKey | None) -> bool:
        """Tell whether the window ends with a session as old as `after`, or older."""
        return after is None or self.entries[-1].key.age >= after.age

    def following(self, after: SortKey | None) -> list[Entry[SessionT]]:
        """Return the entries that come after `after`."""
        return [entry for entry in self.entries if after is None or entry.key > after]

    def whole_groups(self, entries: list[Entry[SessionT]]) -> list[Entry[SessionT]]:
        """Leave out the last group of equal ages, some of which may stand beyond this window."""
        if self.ended or not self.entries:
            return entries
        last = self.entries[-1].key.age
        return [entry for entry in entries if entry.key.age < last]

    def last_newer(self, after: SortKey | None) -> int:
        """Return the offset of the last entry to start again from, which is ahead of `after`.

        It is also newer than the last group of equal ages here, which may go on beyond. It has a
        time of its own: one without would stand beside another row in a window that begins with it.
        """
        last = self.entries[-1].key.age
        if after is not None and last < after.age:
            last += 1
        elif after is not None and last > after.age:
            last = after.age + 1 if after.is_last_of_age else after.age
        newer = [entry.arrived for entry in self.entries if entry.key.age < last and entry.timed]
        return max(newer, default=self.offset)


def window_of(
    page: Page[SessionT], offset: int, asked: int, granted: int = MAX_LIMIT
) -> Window[SessionT]:
    """Sort the rows of an answer to a request for `asked` rows from `offset`.

    A row without a time stands beside the one before it, or else the one after it.

    The list ends at an answer without rows, or with too few that reach the total. Too few are fewer
    than were asked for, than the answer says that it could have had, and than `granted`, what the
    API was last seen to give where it gave fewer than asked.
    """
    rows = page.data[:asked]
    ages = _ages(rows)
    if ages is None:
        keys = [SortKey(0, _UNREADABLE)] * len(rows)
    else:
        keys = [_key(row, age) for row, age in zip(rows, ages, strict=True)]
    order = sorted(range(len(rows)), key=keys.__getitem__)
    entries = tuple(
        Entry(offset + index, keys[i], rows[i], offset + i) for index, i in enumerate(order)
    )
    full = min(asked, granted, page.limit or asked)
    reached = page.total is None or offset + len(rows) >= page.total
    return Window(
        offset,
        entries,
        ended=not rows or (len(rows) < full and reached),
        short=len(rows) < asked,
        dated=ages is not None,
        total=page.total,
    )


def _key(row: Session | None, age: int) -> SortKey:
    return SortKey(age, _UNREADABLE if row is None else tie_of(row.id))


def _ages(rows: Sequence[Session | None]) -> list[int] | None:
    """Return every row's age, or None where the answer is in no order of time."""
    told = [age_of(row.created_at) if row and row.created_at else None for row in rows]
    known = [age for age in told if age is not None]
    if known != sorted(known) or (rows and not known):
        return None
    ages: list[int] = []
    for age in told:
        if age is None:
            age = ages[-1] if ages else known[0]  # noqa: PLW2901 - filled in
        ages.append(age)
    return ages
