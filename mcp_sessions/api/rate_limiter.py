"""Rate limiter: at most so many requests in any minute, fair among credentials.

The API counts requests an address, so one limiter stands before it for all who share this process.
Written here because the libraries for it neither take turns among callers nor tell how long one
would have to wait.
"""

import logging
import math
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from mcp_sessions.deadline import end_of_queueing
from mcp_sessions.errors import RateLimited
from mcp_sessions.fair_slots import FairQueue
from mcp_sessions.telemetry.seldom import SeldomLog

logger = logging.getLogger(__name__)

_MAX_PAUSE = 60.0  # seconds; the API's own window, whatever it asks for


class RateLimiter:
    """Gives out slots: each is taken from the request until `period` seconds after its answer.

    The API saw a request at some time before its answer, so no window of its own, fixed or
    sliding, ever holds more than `max_requests`. `pace` has to run in a task of its own.
    """

    def __init__(self, max_requests: int, period: float = 60.0) -> None:
        self._max_requests = max_requests
        self._period = period
        self._free = max_requests
        self._cooling: deque[float] = deque()  # when taken slots are free again
        self._paused = 0.0
        self._queue = FairQueue()
        self._log = SeldomLog(logger)
        self._changed = anyio.Event()

    def pause(self, seconds: float) -> None:
        """Give out no slot for a while, as the API asked."""
        if seconds:
            self._log.warning("pause", "the API asks for a pause of %d s in all requests", seconds)
        self._paused = max(self._paused, anyio.current_time() + min(seconds, _MAX_PAUSE))

    @asynccontextmanager
    async def slot(self, credential: str) -> AsyncIterator[None]:
        """Hold a slot for one request; those of a credential wait in line, credentials take turns.

        Raises:
            RateLimited: the turn would come past the call's deadline.
        """
        await self._take(credential)
        try:
            yield
        finally:
            self._cooling.append(anyio.current_time() + self._period)
            if self._queue:
                self._changed.set()

    async def pace(self) -> None:
        """Give slots to those who wait, as they become free, until cancelled."""
        while True:
            self._changed = anyio.Event()
            self._give()
            with anyio.move_on_at(self._next_time()):
                await self._changed.wait()

    async def _take(self, credential: str) -> None:
        self._reclaim()
        if not self._queue and self._free and self._paused <= anyio.current_time():
            self._free -= 1
            return
        time = self._time_of(credential)
        until = end_of_queueing()
        if not self._free:
            most = self._max_requests
            self._log.warning("wait", "requests wait for the API's limit of %d a minute", most)
        if time > until:
            raise _must_wait(time)
        waiter = self._queue.join(credential)
        self._changed.set()
        try:
            with anyio.move_on_at(until):
                await waiter.woken.wait()
        except anyio.get_cancelled_exc_class():
            if waiter.granted:  # the slot came too late for this one: the next may have it
                self._free += 1
                self._changed.set()
            raise
        finally:
            if not waiter.granted:
                self._queue.leave(credential, waiter)
        if not waiter.granted:  # others came and took their fair turns first
            raise _must_wait(self._time_of(credential))

    def _give(self) -> None:
        """Give every free slot to the next name in the queue."""
        self._reclaim()
        if self._paused > anyio.current_time():
            return
        while self._free and self._queue:
            self._free -= 1
            self._queue.wake(next(iter(self._queue)))

    def _reclaim(self) -> None:
        now = anyio.current_time()
        while self._cooling and self._cooling[0] <= now:
            self._cooling.popleft()
            self._free += 1

    def _next_time(self) -> float:
        """Return when there may be a slot to give."""
        if not self._queue:
            return math.inf
        if self._paused > anyio.current_time():
            return self._paused
        return self._cooling[0] if self._cooling else math.inf

    def _time_of(self, credential: str) -> float:
        """Return when the next to come of a credential would have a slot, if nobody else came."""
        own = self._queue.waiting(credential)
        others = (self._queue.waiting(name) for name in self._queue if name != credential)
        ahead = own + sum(min(waiting, own + 1) for waiting in others) - self._free
        now = anyio.current_time()
        if ahead < 0:
            return max(now, self._paused)
        rounds, slot = divmod(ahead, self._max_requests)
        # A slot in use is free again a period after its answer, which is still to come.
        free = self._cooling[slot] if slot < len(self._cooling) else now + self._period
        return max(free + rounds * self._period, self._paused)


def _must_wait(time: float) -> RateLimited:
    return RateLimited(
        "Too many requests are waiting for the API, which allows only so many a minute.",
        retry_after=max(1, math.ceil(time - anyio.current_time())),
        final=True,
    )
