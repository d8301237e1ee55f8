import sys
import tracemalloc

import anyio
import pytest

from mcp_sessions.api.memory_budget import UNCOUNTED_BYTES, MemoryBudget
from mcp_sessions.api.page_cache import PageCache, size_in_memory
from mcp_sessions.wire.models import FullSession, Session
from mcp_sessions.wire.read import parse_page

from support.rows import page_of, row

MIB = 2**20


def test_cached_pages_take_no_more_than_is_free_of_the_budget_and_the_oldest_go():
    cache = PageCache(30, MemoryBudget(5 * MIB, MIB))
    for number in range(100):
        cache.put(number, "x" * (MIB // 2))
    kept = [number for number in range(100) if cache.get(number)]
    assert kept == list(range(93, 100))


def test_a_page_that_is_larger_than_all_the_room_is_not_cached():
    cache = PageCache(30, MemoryBudget(2 * MIB, MIB))
    cache.put("small", "x")
    cache.put("large", "x" * 2 * MIB)
    assert (cache.get("small"), cache.get("large")) == ("x", None)


def test_what_is_cached_gives_way_to_a_read_and_no_more_comes_until_that_has_ended():
    budget = MemoryBudget(5 * MIB, MIB)
    cache = PageCache(30, budget)
    for number in range(4):
        cache.put(number, "x" * (MIB - 100))

    async def read():
        with anyio.fail_after(20), budget.share("a") as share:
            await share.grow_to(3 * MIB + UNCOUNTED_BYTES)
            cache.put("more", "x" * MIB)
            cache.put("less", "x")
            return [key for key in (0, 1, 2, 3, "more", "less") if cache.get(key)]

    kept = anyio.run(read)
    assert "less" in kept
    assert len(kept) <= 2
    cache.put("after", "x" * MIB)
    assert cache.get("after")


def test_what_was_cached_is_forgotten_after_its_seconds():
    cache = PageCache(0.001, MemoryBudget(2 * MIB, MIB))
    cache.put("page", "x")

    async def gone():
        with anyio.fail_after(20):
            while cache.get("page") is not None:
                await anyio.lowlevel.checkpoint()

    anyio.run(gone)


@pytest.mark.parametrize("session", [Session, FullSession])
@pytest.mark.parametrize("text", ["x", "\u00e9", "\u4e2d", "\U0001f600"])
def test_a_page_is_weighed_as_what_it_takes(session, text):
    more = {"title": text * 3_000, "tags": [f"{text}{n}" for n in range(50)], "tools": [{}] * 50}
    body = page_of(*(row(number, **more) for number in range(50)))
    parse_page(body, session, 100)  # what is built once
    tracemalloc.start()
    try:
        page = parse_page(body, session, 100)
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert 0.7 * taken < size_in_memory(page) < 3 * taken


def test_a_value_of_no_kind_that_is_known_weighs_what_python_says():
    assert size_in_memory(5) == sys.getsizeof(5)
