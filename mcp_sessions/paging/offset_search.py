"""Where to look next for a place in a list that has moved."""

from dataclasses import dataclass


@dataclass(slots=True)
class Bracket:
    """Offsets known to lie before the place and behind it, as of the latest answers.

    Both are hints: the list moves between two answers, and only a window proves itself. An answer
    that contradicts one of them takes it away, and the search goes on from there in small steps.
    """

    most: int  # rows that an answer can have
    newer: int | None = None
    older: int | None = None
    step: int = 0
    reached: bool = False  # the last window had the place, but not all that must be seen with it
    total: int | None = None  # as long as the list looks as if it stood still

    @property
    def near(self) -> int:
        """Return how wide a bracket may be that fits a window, with room for what follows."""
        return self.most * 2 // 3

    def too_far(self, offset: int) -> None:
        """Note that the row at `offset` is not newer than the place, or that there is none."""
        self.older, self.reached = offset, False
        if self.newer is not None and self.newer >= offset:
            self.newer, self.step, self.total = None, 0, None

    def too_near(self, newer: int, *, reached: bool, total: int | None) -> None:
        """Note that the row at `newer` is newer than the place.

        `reached` says that the place came after it in the same window.
        """
        if self.newer is None and self.older is None:
            self.total = total
        self.newer, self.reached = newer, reached
        if self.older is not None and self.older <= newer:
            self.older, self.step, self.total = None, 0, None

    def probe(self, wanted: int) -> tuple[int, int]:
        """Return the offset and limit of the next request: a window, or one row from afar.

        A window has room for `wanted` rows behind the place as far as an answer can hold them.
        """
        if self.newer is None:
            return self._back(wanted)
        if self.reached:
            return self.newer, self.most
        if self.older is None:
            return self._on(self.newer)
        if self.older - self.newer <= self.near:
            return self.newer, self.most
        return (self.newer + self.older) // 2, 1

    def _back(self, wanted: int) -> tuple[int, int]:
        self.step = max(self.most // 3, 2 * self.step)
        offset = max(0, (self.older or 0) - self.step)
        if offset == 0 or self.step <= self.near:
            return offset, min(self.most, self.step + wanted)
        return offset, 1

    def _on(self, newer: int) -> tuple[int, int]:
        """Look right behind the newer row first, then bisect up to where the list should end."""
        if self.step == 0:
            self.step = self.most
            return newer, self.most
        if self.total is not None and self.total > newer + self.most:
            self.older = self.total
            return (newer + self.total) // 2, 1
        self.step *= 2
        return newer + self.step, 1
