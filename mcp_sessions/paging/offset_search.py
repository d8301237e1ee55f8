"""Gallop and bisection: which offset to ask for next, to find a session that has moved."""

from dataclasses import dataclass
from typing import Final

from mcp_sessions.wire.limits import MAX_LIMIT

_MAX_LEAP: Final = 100_000  # rows to bisect at once; a total may be anything


@dataclass(slots=True)
class OffsetSearch:
    """Bounds of the offset that is sought, as of the latest answers.

    Both are hints: the list moves between two answers, and only a window proves itself. An answer
    that contradicts one of them takes it away, and the search goes on from there in small steps.
    """

    max_rows: int  # of one answer
    newer: int | None = None
    older: int | None = None
    step: int = 0
    reached: bool = False  # the last window had what is sought, but not all that proves it
    total: int | None = None  # as long as the list looks as if it stood still
    granted: int = MAX_LIMIT  # rows that an answer has where the API gives fewer than asked for

    @property
    def room(self) -> int:
        """Return how many rows to expect in a window."""
        return min(self.max_rows, self.granted)

    @property
    def max_gap(self) -> int:
        """Return how far apart the bounds may be for one window to span them."""
        return self.room * 2 // 3

    def too_far(self, offset: int) -> None:
        """Note that the row at `offset` is not newer than what is sought, or that there is none."""
        self.older, self.reached = offset, False
        if self.newer is not None and self.newer >= offset:
            self.newer, self.step, self.total = None, 0, None

    def too_near(self, newer: int, *, reached: bool, total: int | None) -> None:
        """Note that the row at `newer` is newer than what is sought.

        `reached` says that what is sought came after it in the same window.
        """
        if self.newer is None and self.older is None:
            self.total = total
        self.newer, self.reached = newer, reached
        if self.older is not None and self.older <= newer:
            self.older, self.step, self.total = None, 0, None

    def probe(self, wanted: int) -> tuple[int, int]:
        """Return the offset and limit of the next request: a window, or one row from afar.

        A window has room for `wanted` rows behind what is sought, as far as an answer can hold
        them.
        """
        if self.newer is None:
            return self._back(wanted)
        if self.reached:
            return self.newer, self.max_rows
        if self.older is None:
            return self._on(self.newer)
        if self.older - self.newer <= self.max_gap:
            return self.newer, self.max_rows
        return (self.newer + self.older) // 2, 1

    def _back(self, wanted: int) -> tuple[int, int]:
        self.step = max(self.room // 3, 2 * self.step)
        offset = max(0, (self.older or 0) - self.step)
        if offset == 0 or self.step <= self.max_gap:
            return offset, min(self.max_rows, self.step + wanted)
        return offset, 1

    def _on(self, newer: int) -> tuple[int, int]:
        """Look right behind the newer row first, then bisect up to where the list should end."""
        if self.step == 0:
            self.step = self.room
            return newer, self.max_rows
        if self.total is not None and self.total > newer + self.room:
            self.older = min(self.total, newer + _MAX_LEAP)
            return (newer + self.older) // 2, 1
        self.step *= 2
        return newer + self.step, 1
