"""The cache of answers for all credentials, each under its own key, bounded in bytes."""

import sys
import time
from collections.abc import Hashable
from contextlib import suppress
from typing import Any

from cachetools import TTLCache
from pydantic import BaseModel

from mcp_sessions.api.memory_budget import MemoryBudget


class PageCache:
    """Keeps what was read for some seconds, in what reads in flight leave free of the budget."""

    def __init__(self, seconds: float, budget: MemoryBudget) -> None:
        self._budget = budget
        self._pages: TTLCache[Hashable, Any] = TTLCache(
            max(1, budget.free_bytes), seconds, timer=time.monotonic, getsizeof=size_in_memory
        )
        budget.cached_bytes = self._size
        budget.evict = self._shrink

    def get(self, key: Hashable) -> Any:
        """Return what is cached under a key, or None."""
        return self._pages.get(key)

    def put(self, key: Hashable, page: object) -> None:
        """Cache a page, unless it is larger than what there is for all of them."""
        with suppress(ValueError):
            self._pages[key] = page
        self._shrink(self._budget.free_bytes)

    def _size(self) -> int:
        return int(self._pages.currsize)

    def _shrink(self, max_bytes: int) -> None:
        self._pages.expire()
        while self._pages.currsize > max_bytes:
            self._pages.popitem()


def size_in_memory(value: object) -> int:
    """Return about how many bytes an answer takes with all that it holds."""
    size, left = 0, [value]
    while left:
        one = left.pop()
        size += sys.getsizeof(one)
        if isinstance(one, BaseModel):
            size += sys.getsizeof(one.__dict__) + sys.getsizeof(one.model_fields_set)
            left.extend(one.__dict__.values())
        elif isinstance(one, dict):
            left.extend(one.keys())
            left.extend(one.values())
        elif isinstance(one, list | tuple):
            left.extend(one)
    return size
