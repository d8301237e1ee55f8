import anyio
import pytest

from mcp_sessions.api.memory_budget import MemoryBudget
from mcp_sessions.api.page_cache import PageCache
from mcp_sessions.api.shared_reads import SharedReads, background
from mcp_sessions.errors import ApiTimeout, ApiUnavailable

DEADLINE = 20


class HeldRead:
    """A read that waits until it is let go, and gives its number."""

    def __init__(self):
        self.begun = self.cancelled = 0
        self.go = anyio.Event()

    async def __call__(self):
        self.begun += 1
        number = self.begun
        try:
            await self.go.wait()
        except anyio.get_cancelled_exc_class():
            self.cancelled += 1
            raise
        return number


def with_shared_reads(play, cache_seconds=0.0):
    async def run():
        with anyio.fail_after(DEADLINE):
            async with background() as tasks:
                cache = PageCache(cache_seconds, MemoryBudget(10**6, 0)) if cache_seconds else None
                return await play(SharedReads(tasks, cache), HeldRead())

    return anyio.run(run)


async def settled():
    for _ in range(5):
        await anyio.lowlevel.checkpoint()


def test_the_same_read_is_made_once_and_another_by_itself():
    async def play(reads, read):
        got = []

        async def want(key):
            got.append(await reads.share(key, read, fresh=True))

        async with anyio.create_task_group() as tasks:
            for _ in range(64):
                tasks.start_soon(want, "same")
            tasks.start_soon(want, "other")
            await settled()
            read.go.set()
        return got, read.begun

    got, begun = with_shared_reads(play)
    assert begun == 2
    assert len(got) == 65


def test_without_a_cache_a_read_that_has_ended_is_made_again():
    async def play(reads, read):
        read.go.set()
        return [await reads.share("same", read, fresh=False) for _ in range(3)]

    assert with_shared_reads(play) == [1, 2, 3]


def test_a_caller_who_leaves_disturbs_no_other_and_the_last_to_leave_stops_the_read():
    async def play(reads, read):
        async def leave():
            await reads.share("same", read, fresh=True)

        async with anyio.create_task_group() as staying:
            async with anyio.create_task_group() as leaving:
                staying.start_soon(leave)
                leaving.start_soon(leave)
                await settled()
                leaving.cancel_scope.cancel()
            await settled()
            between = (read.begun, read.cancelled)
            staying.cancel_scope.cancel()
        await settled()
        return between, (read.begun, read.cancelled)

    assert with_shared_reads(play) == ((1, 0), (1, 1))


def test_a_caller_who_comes_after_all_have_left_gets_a_read_of_its_own():
    async def play(reads, read):
        with anyio.move_on_after(0):
            await reads.share("same", read, fresh=True)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await reads.share("same", read, fresh=True)
        read.go.set()
        return await reads.share("same", read, fresh=True), read.begun

    assert with_shared_reads(play) == (3, 3)


def test_every_caller_of_a_shared_read_gets_its_fault():
    async def play(reads, _):
        faults = []

        async def fail():
            await settled()
            raise ApiUnavailable("down", retry_after=7, final=True)

        async def want():
            with pytest.raises(ApiUnavailable) as raised:
                await reads.share("same", fail, fresh=True)
            faults.append(raised.value)

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(want)
        return faults

    faults = with_shared_reads(play)
    assert [(f.message, f.retry_after, f.final) for f in faults] == [("down", 7, True)] * 3
    assert len({id(fault) for fault in faults}) == 3


def test_a_read_goes_on_until_the_latest_deadline_among_its_callers():
    async def play(reads, read):
        async def want(seconds):
            with anyio.move_on_after(seconds):
                return await reads.share("same", read, fresh=True)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(want, DEADLINE)
            await want(0.05)  # and its deadline is over
            await settled()
            read.go.set()
        return read.cancelled

    assert with_shared_reads(play) == 0


def test_a_read_has_the_deadline_of_those_who_wait_for_it():
    async def play(reads, _):
        async def left():
            return anyio.current_effective_deadline() - anyio.current_time()

        with anyio.fail_after(5):
            return await reads.share("same", left, fresh=True)

    assert 4 < with_shared_reads(play) <= 5


def test_a_result_is_cached_for_a_moment_unless_it_must_be_fresh():
    async def play(reads, read):
        read.go.set()
        first = [await reads.share("same", read, fresh=False) for _ in range(3)]
        return [*first, await reads.share("same", read, fresh=True)]

    assert with_shared_reads(play, cache_seconds=30) == [1, 1, 1, 2]


def test_those_who_have_a_cache_in_common_share_no_result():
    async def run():
        async with background() as tasks:
            cache = PageCache(30, MemoryBudget(10**6, 0))
            read = HeldRead()
            read.go.set()
            both = [SharedReads(tasks, cache) for _ in range(2)]
            return [await reads.share("same", read, fresh=False) for reads in both * 2]

    assert anyio.run(run) == [1, 2, 1, 2]


def test_the_fault_of_a_read_is_not_cached():
    async def play(reads, read):
        async def fail():
            raise ApiTimeout("slow")

        with pytest.raises(ApiTimeout):
            await reads.share("same", fail, fresh=False)
        read.go.set()
        return await reads.share("same", read, fresh=False)

    assert with_shared_reads(play, cache_seconds=30) == 1


def test_an_exception_comes_out_of_background_tasks_as_it_is_and_in_no_group():
    async def run():
        async with background() as tasks:
            tasks.start_soon(anyio.sleep_forever)
            raise ApiTimeout("slow")

    with pytest.raises(ApiTimeout, match="slow"):
        anyio.run(run)
