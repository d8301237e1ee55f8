"""Shares concurrent reads of the same page, and caches them for a moment if told so."""

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

import anyio
from anyio.abc import TaskGroup

from mcp_sessions.api.page_cache import PageCache
from mcp_sessions.errors import ApiTimeout
from mcp_sessions.telemetry.instruments import spared

T = TypeVar("T")


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
class _Read(Generic[T]):
    """A read in a task of its own, which lives as long as somebody waits for it."""

    scope: anyio.CancelScope
    done: anyio.Event = field(default_factory=anyio.Event)
    waiting: int = 0
    result: T | None = None
    fault: Exception | None = None


class SharedReads:
    """Shares reads among the callers of one credential; it lives in a task group of its owner.

    A read goes on until the latest deadline among those who wait, and stops when all have left.
    """

    def __init__(self, tasks: TaskGroup, cache: PageCache | None = None) -> None:
        self._tasks = tasks
        self._reads: dict[Hashable, _Read[Any]] = {}
        self._cache = cache  # which others use too

    async def share(self, key: Hashable, read: Callable[[], Awaitable[T]], *, fresh: bool) -> T:
        """Return what `read` gives, or what another call of it with the same key does.

        A cached result will not do if it has to be `fresh`.

        Raises:
            Exception: as `read` raises it.
            ApiTimeout: it did not end before the latest deadline.
        """
        if self._cache is not None and not fresh:
            found: T | None = self._cache.get((self, key))
            if found is not None:
                spared("cached")
                return found
        running: _Read[T] | None = self._reads.get(key)
        if running is None:
            running = self._reads[key] = _Read(anyio.CancelScope(deadline=0))
            self._tasks.start_soon(self._run, key, running, read)
        else:
            spared("shared")
        return await self._wait_for(key, running)

    async def _run(
        self, key: Hashable, running: _Read[T], read: Callable[[], Awaitable[T]]
    ) -> None:
        running.fault = ApiTimeout("The API did not answer within the call's deadline.")
        try:
            with running.scope:
                running.result = await read()
                running.fault = None
                if self._cache is not None:
                    self._cache.put((self, key), running.result)
        except Exception as fault:  # noqa: BLE001 - it is raised again where it is waited for
            running.fault = fault
        finally:
            running.done.set()
            self._forget(key, running)

    async def _wait_for(self, key: Hashable, running: _Read[T]) -> T:
        running.waiting += 1
        running.scope.deadline = max(running.scope.deadline, anyio.current_effective_deadline())
        try:
            await running.done.wait()
        finally:
            running.waiting -= 1
            if not running.waiting:
                self._forget(key, running)
                running.scope.cancel()
        if running.fault is not None:
            raise copy(running.fault) from None  # each caller adds a trace of its own
        return cast(T, running.result)

    def _forget(self, key: Hashable, running: _Read[Any]) -> None:
        if self._reads.get(key) is running:
            del self._reads[key]
