"""Places for what is done at once, and whose turn it is to have one."""

from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio


@dataclass(slots=True, eq=False)
class Waiter:
    """Somebody in a line; `granted` once it was their turn."""

    granted: bool = False
    woken: anyio.Event = field(default_factory=anyio.Event)


class Lines:
    """A line of waiters for each name; they are given in the order of their turns."""

    def __init__(self) -> None:
        self._lines: OrderedDict[str, deque[Waiter]] = OrderedDict()

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def waiting(self, who: str) -> int:
        """Return how many wait in a line."""
        return len(self._lines.get(who, ()))

    def join(self, who: str) -> Waiter:
        """Stand behind all others of a line."""
        waiter = Waiter()
        self._lines.setdefault(who, deque()).append(waiter)
        return waiter

    def leave(self, who: str, waiter: Waiter) -> None:
        """Leave a line before one's turn."""
        self._lines[who].remove(waiter)
        if not self._lines[who]:
            del self._lines[who]

    def wake(self, who: str) -> None:
        """Tell the first of a line that it is their turn; the line goes behind all others."""
        line = self._lines.pop(who)
        waiter = line.popleft()
        if line:
            self._lines[who] = line
        waiter.granted = True
        waiter.woken.set()


class Turns:
    """Gives out `most` places; those who wait for one stand in a line each and take turns.

    If it is `fair`, nobody has more places than are left free for all others, so that whoever comes
    finds one, however slow the work of the rest is.
    """

    def __init__(self, most: int, *, fair: bool = False) -> None:
        self._free = most
        self._fair = fair
        self._held = Counter[str]()
        self._lines = Lines()

    def take(self, who: str) -> bool:
        """Take a place for somebody, and tell whether there was one."""
        if not self._free or (self._fair and self._held[who] >= self._free):
            return False
        self._free -= 1
        self._held[who] += 1
        return True

    def give_back(self, who: str) -> None:
        """Give a place back, to those who wait first of all."""
        self._free += 1
        self._held[who] -= 1
        if not self._held[who]:
            del self._held[who]
        self._give()

    @asynccontextmanager
    async def turn(self, who: str) -> AsyncIterator[None]:
        """Hold a place, once it is somebody's turn."""
        if who in self._lines or not self.take(who):
            await self._wait(who)
        try:
            yield
        finally:
            self.give_back(who)

    async def _wait(self, who: str) -> None:
        waiter = self._lines.join(who)
        try:
            await waiter.woken.wait()
        except anyio.get_cancelled_exc_class():
            if waiter.granted:  # it came too late for this one
                self.give_back(who)
            else:
                self._lines.leave(who, waiter)
            raise

    def _give(self) -> None:
        """Give each free place to the first in the line whose turn it is and that may have one."""
        while (who := next(filter(self.take, self._lines), None)) is not None:
            self._lines.wake(who)
