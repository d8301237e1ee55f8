"""Reads that several callers want at once, made once; and, if told so, remembered for a moment."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

import anyio
from anyio.abc import TaskGroup
from cachetools import TTLCache

from mcp_sessions.errors import ApiTimeout
from mcp_sessions.telemetry.instruments import spared

T = TypeVar("T")

_MOST_REMEMBERED = 64  # pages, of which only what is shown is kept


@asynccontextmanager
async def background() -> AsyncIterator[TaskGroup]:
    """Own tasks that never fail by themselves, until the block ends and cancels them.

    What the block raises comes out as it is, not in a group.
    """
    failed: Exception | None = None
    async with anyio.create_task_group() as tasks:
        try:
            yield tasks
        except Exception as fault:  # noqa: BLE001 - it is raised below
            failed = fault
        finally:
            tasks.cancel_scope.cancel()
    if failed is not None:
        raise failed


@dataclass(slots=True)
class _Flight(Generic[T]):
    """A read in a task of its own, which lives as long as somebody waits for it."""

    scope: anyio.CancelScope
    landed: anyio.Event = field(default_factory=anyio.Event)
    waiting: int = 0
    result: T | None = None
    fault: Exception | None = None


class Flights:
    """Shares reads among the callers of one credential; it lives in a task group of its owner.

    A read goes on until the latest deadline among those who wait, and stops when all have left.
    """

    def __init__(self, tasks: TaskGroup, remember: float) -> None:
        self._tasks = tasks
        self._flights: dict[Hashable, _Flight[Any]] = {}
        self._landed: TTLCache[Hashable, Any] | None = None
        if remember:
            self._landed = TTLCache(_MOST_REMEMBERED, remember, timer=time.monotonic)

    async def share(self, key: Hashable, read: Callable[[], Awaitable[T]], *, fresh: bool) -> T:
        """Return what `read` gives, or what another call of it with the same key does.

        A remembered result will not do if it has to be `fresh`.

        Raises:
            Exception: as `read` raises it.
            ApiTimeout: it did not end before the latest deadline.
        """
        if self._landed is not None and not fresh:
            found: T | None = self._landed.get(key)
            if found is not None:
                spared("cached")
                return found
        flight: _Flight[T] | None = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(anyio.CancelScope(deadline=0))
            self._tasks.start_soon(self._fly, key, flight, read)
        else:
            spared("shared")
        return await self._wait_for(key, flight)

    async def _fly(
        self, key: Hashable, flight: _Flight[T], read: Callable[[], Awaitable[T]]
    ) -> None:
        flight.fault = ApiTimeout("The API did not answer within the call's deadline.")
        try:
            with flight.scope:
                flight.result = await read()
                flight.fault = None
                if self._landed is not None:
                    self._landed[key] = flight.result
        except Exception as fault:  # noqa: BLE001 - it is raised again where it is waited for
            flight.fault = fault
        finally:
            flight.landed.set()
            self._forget(key, flight)

    async def _wait_for(self, key: Hashable, flight: _Flight[T]) -> T:
        flight.waiting += 1
        flight.scope.deadline = max(flight.scope.deadline, anyio.current_effective_deadline())
        try:
            await flight.landed.wait()
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                self._forget(key, flight)
                flight.scope.cancel()
        if flight.fault is not None:
            raise copy(flight.fault) from None  # each caller adds a trace of its own
        return cast(T, flight.result)

    def _forget(self, key: Hashable, flight: _Flight[Any]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
