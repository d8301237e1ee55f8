"""Fair slots: at most N jobs at once, waiters served round-robin by name."""

from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Self

import anyio


@dataclass(slots=True, eq=False)
class Waiter:
    """A task that waits in a queue; `granted` once it was woken for its slot."""

    granted: bool = False
    woken: anyio.Event = field(default_factory=anyio.Event)


class FairQueue:
    """A queue of waiters for each name; iterates over the names, the next to be served first."""

    def __init__(self) -> None:
        self._queues: OrderedDict[str, deque[Waiter]] = OrderedDict()

    def __iter__(self) -> Iterator[str]:
        return iter(self._queues)

    def __len__(self) -> int:
        return len(self._queues)

    def waiting(self, name: str) -> int:
        """Return how many wait under a name."""
        return len(self._queues.get(name, ()))

    def first(self, name: str) -> Waiter:
        """Return who of a name is served next."""
        return self._queues[name][0]

    def join(self, name: str) -> Waiter:
        """Wait behind all others of a name."""
        waiter = Waiter()
        self._queues.setdefault(name, deque()).append(waiter)
        return waiter

    def leave(self, name: str, waiter: Waiter) -> None:
        """Stop waiting before being woken."""
        self._queues[name].remove(waiter)
        if not self._queues[name]:
            del self._queues[name]

    def wake(self, name: str) -> None:
        """Wake the first waiter of a name, which is then served after all others."""
        queue = self._queues.pop(name)
        waiter = queue.popleft()
        if queue:
            self._queues[name] = queue
        waiter.granted = True
        waiter.woken.set()


@dataclass(slots=True)
class Shares:
    """Who holds how many of so many slots.

    If they are `fair`, no name takes more of them than are left free for all others, so that
    whoever comes finds one.
    """

    free: int
    fair: bool
    held: Counter[str] = field(default_factory=Counter)

    def take(self, name: str) -> bool:
        """Take a slot under a name, and tell whether there was one."""
        if not self.free or (self.fair and self.held.get(name, 0) >= self.free):
            return False
        self.free -= 1
        self.held[name] += 1
        return True

    def release(self, name: str) -> None:
        """Free a slot."""
        self.free += 1
        self.held[name] -= 1
        if not self.held[name]:
            del self.held[name]

    def copy(self) -> Self:
        """Return the same shares, to be played with."""
        return replace(self, held=self.held.copy())


class FairSlots:
    """At most `max_slots` jobs at once; waiters of different names are served in turns.

    If it is `fair`, there is a slot for whoever comes, however slow the work of the rest is.
    """

    def __init__(self, max_slots: int, *, fair: bool = False) -> None:
        self._shares = Shares(max_slots, fair)
        self._queue = FairQueue()

    def take(self, name: str) -> bool:
        """Take a slot under a name, and tell whether there was one."""
        return self._shares.take(name)

    def release(self, name: str) -> None:
        """Free a slot, and wake whoever waits for one."""
        self._shares.release(name)
        self._give()

    @asynccontextmanager
    async def slot(self, name: str) -> AsyncIterator[None]:
        """Hold a slot until the block ends, after waiting for it."""
        if name in self._queue or not self.take(name):
            await self._wait(name)
        try:
            yield
        finally:
            self.release(name)

    async def _wait(self, name: str) -> None:
        waiter = self._queue.join(name)
        try:
            await waiter.woken.wait()
        except anyio.get_cancelled_exc_class():
            if waiter.granted:  # the slot came too late for this one
                self.release(name)
            else:
                self._queue.leave(name, waiter)
            raise

    def _give(self) -> None:
        """Give each free slot to the next name that waits and may have one."""
        while (name := next(filter(self.take, self._queue), None)) is not None:
            self._queue.wake(name)
