"""A budget of bytes for all answers at once: those that are being read, and those cached.

A read says how much it needs as its body comes, since few announce it, and waits where there is no
room. That it holds a part while it waits for more locks nobody out: one largest answer's worth of
the budget is kept in reserve, and who has the reserve never waits again. There is always one that
can be read to its end, whose bytes then are the next one's.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from mcp_sessions.fair_slots import FairQueue, Waiter

UNCOUNTED_BYTES: Final = 512 * 1024
"""Bytes of each read that are not counted, so that no page of usual size ever waits."""
_STEP: Final = 1024 * 1024


class MemoryShare:
    """What one read holds of the budget, until it is released."""

    def __init__(self, budget: "MemoryBudget", name: str) -> None:
        self.name = name
        self.held = 0
        self.has_reserve = False
        self._budget = budget

    async def grow_to(self, size: int) -> None:
        """Hold enough for a body of so many bytes, after waiting for it."""
        if size <= UNCOUNTED_BYTES + self.held or self.has_reserve:
            return
        steps = -(-(size - UNCOUNTED_BYTES) // _STEP)
        await self._budget.grow(self, steps * _STEP - self.held)


class MemoryBudget:
    """Bytes that reads share; those who wait are served in turns by name.

    What is cached gives way to reads. If it is `fair`, no name holds more than is left to others.
    """

    def __init__(self, max_bytes: int, max_read_bytes: int, *, fair: bool = False) -> None:
        self._free = max(0, max_bytes - max_read_bytes)  # beside the reserve
        self._reserve_free = True
        self._fair = fair
        self._held = Counter[str]()
        self._queue = FairQueue()
        self._wants: dict[Waiter, tuple[MemoryShare, int]] = {}
        self.cached_bytes: Callable[[], int] = lambda: 0
        """How much of what is free the cache has; set by it."""
        self.evict: Callable[[int], None] = lambda _: None
        """Make the cache no larger than so many bytes; set by it."""

    @property
    def free_bytes(self) -> int:
        """Return how much the cache may have."""
        return self._free

    @contextmanager
    def share(self, name: str) -> Iterator[MemoryShare]:
        """Return a share for one read under a name, and take it back when the block ends."""
        share = MemoryShare(self, name)
        try:
            yield share
        finally:
            self._release(share)

    async def grow(self, share: MemoryShare, more: int) -> None:
        """Add `more` bytes to a share, or the reserve, in its turn."""
        if not self._queue and self._take(share, more):
            return
        waiter = self._queue.join(share.name)
        self._wants[waiter] = (share, more)
        try:
            self._give()
            await waiter.woken.wait()
        finally:
            del self._wants[waiter]
            if not waiter.granted:
                self._queue.leave(share.name, waiter)

    def _take(self, share: MemoryShare, more: int) -> bool:
        held = self._held[share.name] + more if self._fair else 0
        if more <= self._free and held <= self._free:
            self._free -= more
            self._held[share.name] += more
            share.held += more
            if self.cached_bytes() > self._free:
                self.evict(self._free)
            return True
        if self._reserve_free:
            self._reserve_free, share.has_reserve = False, True
            return True
        return False

    def _release(self, share: MemoryShare) -> None:
        self._reserve_free |= share.has_reserve
        self._free += share.held
        self._held[share.name] -= share.held
        if not self._held[share.name]:
            del self._held[share.name]
        self._give()

    def _give(self) -> None:
        """Give what is free to the next name that waits and may have what it wants."""
        while (name := next(filter(self._take_for, self._queue), None)) is not None:
            self._queue.wake(name)

    def _take_for(self, name: str) -> bool:
        return self._take(*self._wants[self._queue.first(name)])
