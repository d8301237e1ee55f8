"""Rate limiter: at most so many requests in any minute, fair among those who ask.

The API counts requests an address, so one limiter stands before it for all who share this process.
`request_window` counts who holds what; here they wait for it.
Written here because the libraries for it neither take turns among callers nor tell how long one
would have to wait.
"""

import logging
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from mcp_sessions.api.request_window import RequestWindow
from mcp_sessions.deadline import end_of_queueing
from mcp_sessions.errors import RateLimited
from mcp_sessions.fair_slots import FairQueue, Shares
from mcp_sessions.telemetry.seldom import SeldomLog

logger = logging.getLogger(__name__)

_MAX_PAUSE = 60.0  # seconds; the API's own window, whatever it asks for


class RateLimiter:
    """Gives out slots: each is taken from the request until `period` seconds after its answer.

    The API saw a request at some time before its answer, so no window of its own, fixed or
    sliding, ever holds more than `max_requests`. If it is `fair`, nobody holds more slots than are
    left to all others, and who comes now and then finds one though others never stop.
    `pace` has to run in a task of its own.
    """

    def __init__(self, max_requests: int, period: float = 60.0, *, fair: bool = False) -> None:
        self._window = RequestWindow(Shares(max_requests, fair), period)
        self._limit = f"{'a share of ' if fair else ''}the API's limit of {max_requests} a minute"
        self._queue = FairQueue()
        self._log = SeldomLog(logger)
        self._changed = anyio.Event()

    def pause(self, credential: str, seconds: float) -> None:
        """Give a credential no slot for a while, as the API asked.

        While it asks two or more of them, nobody is given one: it may mean the address.
        """
        now = anyio.current_time()
        self._window.rest(credential, now + min(seconds, _MAX_PAUSE), now)
        if seconds:
            whose = "all requests" if self._window.all_rest(now) else "the requests of one key"
            self._log.warning(whose, "the API asks for a pause of %d s in %s", seconds, whose)

    @asynccontextmanager
    async def slot(self, asker: str) -> AsyncIterator[None]:
        """Hold a slot for one request of who asks, as `RequestWindow` names them.

        Requests of one wait in line, and who asks takes turns with the others.

        Raises:
            RateLimited: the turn would come past the call's deadline.
        """
        await self._take(asker)
        try:
            yield
        finally:
            self._window.answered(asker, anyio.current_time())
            if self._queue:
                self._changed.set()

    async def pace(self) -> None:
        """Give slots to those who wait, as they become free, until cancelled."""
        while True:
            self._changed = anyio.Event()
            self._give()
            now = anyio.current_time()
            with anyio.move_on_at(self._window.next_change(now) if self._queue else math.inf):
                await self._changed.wait()

    async def _take(self, asker: str) -> None:
        self._give()  # to those whose slots have become free just now, before the newcomer
        now = anyio.current_time()
        if self._window.take(asker, now):
            return
        if self._window.rests_until(asker) <= now:
            self._log.warning("wait", "requests wait for %s", self._limit)
        time, until = self._time_of(asker), end_of_queueing()
        if time > until:
            raise _must_wait(time)
        waiter = self._queue.join(asker)
        self._changed.set()
        try:
            with anyio.move_on_at(until):
                await waiter.woken.wait()
        except anyio.get_cancelled_exc_class():
            if waiter.granted:  # the slot came too late for this one: the next may have it
                self._window.release(asker)
                self._changed.set()
            raise
        finally:
            if not waiter.granted:
                self._queue.leave(asker, waiter)
        if not waiter.granted:  # others came and took their fair turns first
            raise _must_wait(self._time_of(asker))

    def _give(self) -> None:
        """Give every slot that may be given to the next name in the queue that may have it."""
        now = anyio.current_time()
        self._window.reclaim(now)
        while (name := self._window.take_next(self._queue, now)) is not None:
            self._queue.wake(name)

    def _time_of(self, asker: str) -> float:
        waiting = ((name, self._queue.waiting(name)) for name in self._queue)
        return self._window.time_of(asker, waiting, anyio.current_time())


def _must_wait(time: float) -> RateLimited:
    return RateLimited(
        "Too many requests are waiting for the API, which allows only so many a minute.",
        retry_after=max(1, math.ceil(time - anyio.current_time())),
        final=True,
    )
