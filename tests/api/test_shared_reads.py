import anyio
import pytest

from mcp_sessions.api.shared_reads import SharedReads, background
from mcp_sessions.errors import ApiTimeout, ApiUnavailable

DEADLINE = 20


class Reads:
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


def flying(play, remember=0.0):
    async def run():
        with anyio.fail_after(DEADLINE):
            async with background() as tasks:
                return await play(SharedReads(tasks, remember), Reads())

    return anyio.run(run)


async def settled():
    for _ in range(5):
        await anyio.lowlevel.checkpoint()


def test_the_same_read_is_made_once_and_another_by_itself():
    async def play(flights, read):
        got = []

        async def want(key):
            got.append(await flights.share(key, read, fresh=True))

        async with anyio.create_task_group() as tasks:
            for _ in range(64):
                tasks.start_soon(want, "same")
            tasks.start_soon(want, "other")
            await settled()
            read.go.set()
        return got, read.begun

    got, begun = flying(play)
    assert begun == 2
    assert len(got) == 65


def test_a_read_is_made_again_once_it_has_landed():
    async def play(flights, read):
        read.go.set()
        return [await flights.share("same", read, fresh=False) for _ in range(3)]

    assert flying(play) == [1, 2, 3]


def test_a_caller_who_leaves_disturbs_no_other_and_the_last_to_leave_stops_the_read():
    async def play(flights, read):
        async def leave():
            await flights.share("same", read, fresh=True)

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

    assert flying(play) == ((1, 0), (1, 1))


def test_a_caller_who_comes_after_all_have_left_gets_a_read_of_its_own():
    async def play(flights, read):
        with anyio.move_on_after(0):
            await flights.share("same", read, fresh=True)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await flights.share("same", read, fresh=True)
        read.go.set()
        return await flights.share("same", read, fresh=True), read.begun

    assert flying(play) == (3, 3)


def test_every_caller_gets_the_fault():
    async def play(flights, _):
        faults = []

        async def fail():
            await settled()
            raise ApiUnavailable("down", retry_after=7, final=True)

        async def want():
            with pytest.raises(ApiUnavailable) as raised:
                await flights.share("same", fail, fresh=True)
            faults.append(raised.value)

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(want)
        return faults

    faults = flying(play)
    assert [(f.message, f.retry_after, f.final) for f in faults] == [("down", 7, True)] * 3
    assert len({id(fault) for fault in faults}) == 3


def test_a_read_goes_on_until_the_latest_deadline_among_its_callers():
    async def play(flights, read):
        async def want(seconds):
            with anyio.move_on_after(seconds):
                return await flights.share("same", read, fresh=True)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(want, DEADLINE)
            await want(0.05)  # and its deadline is over
            await settled()
            read.go.set()
        return read.cancelled

    assert flying(play) == 0


def test_a_read_knows_the_deadline_of_those_who_wait():
    async def play(flights, _):
        async def left():
            return anyio.current_effective_deadline() - anyio.current_time()

        with anyio.fail_after(5):
            return await flights.share("same", left, fresh=True)

    assert 4 < flying(play) <= 5


def test_a_result_is_remembered_for_a_moment_unless_it_must_be_fresh():
    async def play(flights, read):
        read.go.set()
        first = [await flights.share("same", read, fresh=False) for _ in range(3)]
        return [*first, await flights.share("same", read, fresh=True)]

    assert flying(play, remember=30) == [1, 1, 1, 2]


def test_a_fault_is_not_remembered():
    async def play(flights, read):
        async def fail():
            raise ApiTimeout("slow")

        with pytest.raises(ApiTimeout):
            await flights.share("same", fail, fresh=False)
        read.go.set()
        return await flights.share("same", read, fresh=False)

    assert flying(play, remember=30) == 1


def test_what_a_block_raises_comes_out_of_its_background_as_it_is():
    async def run():
        async with background() as tasks:
            tasks.start_soon(anyio.sleep_forever)
            raise ApiTimeout("slow")

    with pytest.raises(ApiTimeout, match="slow"):
        anyio.run(run)
