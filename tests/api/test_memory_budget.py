import anyio
import pytest

from mcp_sessions.api.memory_budget import UNCOUNTED_BYTES, MemoryBudget

pytestmark = pytest.mark.anyio

DEADLINE = 20
MIB = 2**20


def large(mib):
    """Return the size of a body for which so many MiB are taken."""
    return mib * MIB + UNCOUNTED_BYTES


class Reader:
    """A read that grows to sizes, one after the other, when told, and then ends when told."""

    def __init__(self, budget, tasks, name="a"):
        self.at = 0
        self.scope = anyio.CancelScope()
        self._wanted = []
        self._told = anyio.Event()
        tasks.start_soon(self._read, budget, name)

    async def _read(self, budget, name):
        with budget.share(name) as share, self.scope:
            while True:
                await self._told.wait()
                self._told = anyio.Event()
                if not self._wanted:
                    return
                size = self._wanted.pop()
                await share.grow_to(size)
                self.at = size

    async def grow(self, size):
        """Ask for so much, and tell whether it was had at once."""
        self._wanted.append(size)
        self._told.set()
        await anyio.wait_all_tasks_blocked()
        return self.at == size

    async def end(self):
        self._told.set()
        await anyio.wait_all_tasks_blocked()

    async def leave(self):
        self.scope.cancel()
        await anyio.wait_all_tasks_blocked()


@pytest.fixture
async def tasks():
    with anyio.fail_after(DEADLINE):
        async with anyio.create_task_group() as group:
            yield group
            group.cancel_scope.cancel()


async def test_a_usual_answer_never_waits_however_many_large_ones_do(tasks):
    budget = MemoryBudget(2 * MIB, MIB)
    await Reader(budget, tasks).grow(large(1))
    await Reader(budget, tasks).grow(large(1))
    assert not await Reader(budget, tasks).grow(large(1))
    assert await Reader(budget, tasks).grow(UNCOUNTED_BYTES)


async def test_reads_that_each_hold_a_part_and_want_more_all_end(tasks):
    budget = MemoryBudget(12 * MIB, 4 * MIB)
    readers = [Reader(budget, tasks) for _ in range(8)]
    assert all([await one.grow(large(1)) for one in readers])  # nothing but the reserve is left
    for one in readers:
        await one.grow(large(4))
    while readers:
        ready = [one for one in readers if one.at == large(4)]
        assert ready, "nobody can be read to its end"
        for one in ready:
            readers.remove(one)
            await one.end()


async def test_who_has_the_reserve_waits_for_nothing_more(tasks):
    budget = MemoryBudget(4 * MIB, 4 * MIB)
    first, second = Reader(budget, tasks), Reader(budget, tasks)
    assert [await first.grow(large(size)) for size in (1, 2, 4)] == [True] * 3
    assert not await second.grow(large(1))
    await first.end()
    assert second.at == large(1)


@pytest.mark.parametrize("way", ["end", "leave"])
async def test_whoever_goes_makes_room_for_the_next_and_one_that_waited_in_vain_for_nobody(
    tasks, way
):
    budget = MemoryBudget(MIB, MIB)
    first, gone, next_one = (Reader(budget, tasks) for _ in range(3))
    assert await first.grow(large(1))
    assert not await gone.grow(large(1))
    assert not await next_one.grow(large(1))
    await gone.leave()
    assert next_one.at == 0
    await getattr(first, way)()
    assert next_one.at == large(1)


async def test_a_turn_that_comes_to_one_that_leaves_in_that_moment_goes_to_the_next(tasks):
    budget = MemoryBudget(MIB, MIB)
    first, gone, next_one = (Reader(budget, tasks) for _ in range(3))
    for reader in (first, gone, next_one):
        await reader.grow(large(1))
    first.scope.cancel()
    await anyio.lowlevel.checkpoint()
    gone.scope.cancel()
    await anyio.wait_all_tasks_blocked()
    assert next_one.at == large(1)


async def test_names_take_turns(tasks):
    budget = MemoryBudget(MIB, MIB)
    first = Reader(budget, tasks)
    await first.grow(large(1))
    greedy = [Reader(budget, tasks) for _ in range(3)]
    for reader in greedy:
        await reader.grow(large(1))
    other = Reader(budget, tasks, "b")
    await other.grow(large(1))
    await first.end()
    await greedy[0].end()
    assert other.at == large(1)


async def test_no_name_holds_more_than_is_left_to_the_others(tasks):
    budget = MemoryBudget(9 * MIB, MIB, fair=True)
    greedy = [Reader(budget, tasks) for _ in range(5)]
    assert all([await reader.grow(large(1)) for reader in greedy])  # a half, and the reserve
    assert not await greedy[0].grow(large(2))
    other = Reader(budget, tasks, "b")
    await other.grow(large(1))
    await greedy[1].end()
    assert other.at == large(1)
