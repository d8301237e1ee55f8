import math
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import pytest

from mcp_sessions.api.rate_limiter import RateLimiter
from mcp_sessions.api.shared_reads import background
from mcp_sessions.errors import RateLimited

DEADLINE = 20


@asynccontextmanager
async def pacing(most, period, *, fair=False):
    with anyio.fail_after(DEADLINE):
        async with background() as tasks:
            limiter = RateLimiter(most, period, fair=fair)
            tasks.start_soon(limiter.pace)
            yield limiter


async def use(limiter, credential="a", log=None):
    async with limiter.slot(credential):
        started = anyio.current_time()
        await anyio.lowlevel.checkpoint()
    if log is not None:
        log.append((credential, started, anyio.current_time()))


def test_no_window_of_the_period_ever_holds_more_than_allowed():
    most, period, log = 20, 0.2, []

    async def ask():
        async with pacing(most, period) as limiter, anyio.create_task_group() as tasks:
            for number in range(100):
                tasks.start_soon(use, limiter, "ab"[number % 2], log)

    anyio.run(ask)
    assert len(log) == 100
    for _, started, _ in log:
        seen = [end for _, begun, end in log if begun <= started and end > started - period]
        assert len(seen) <= most


def test_credentials_that_wait_for_a_slot_are_served_in_turns():
    log = []

    async def ask():
        async with (
            pacing(1, 0.02) as limiter,
            anyio.create_task_group() as tasks,
            limiter.slot("a"),
        ):
            for credential in "aaaaaaaabb":
                tasks.start_soon(use, limiter, credential, log)
                await anyio.lowlevel.checkpoint()

    anyio.run(ask)
    assert "".join(credential for credential, *_ in log) == "ababaaaaaa"


def test_a_turn_past_the_deadline_is_told_at_once_with_its_seconds():
    async def ask():
        async with pacing(2, 60) as limiter:
            await use(limiter)
            await use(limiter)
            with anyio.fail_after(30), pytest.raises(RateLimited) as told:
                await use(limiter)
            return told.value

    told = anyio.run(ask)
    assert told.retry_after == 60
    assert told.final


def test_callers_further_behind_are_told_longer_waits():
    async def ask():
        async with pacing(2, 5) as limiter, anyio.create_task_group() as tasks:
            for _ in range(6):
                tasks.start_soon(use, limiter)
                await anyio.lowlevel.checkpoint()
            with anyio.fail_after(9), pytest.raises(RateLimited) as told:
                await use(limiter)
            tasks.cancel_scope.cancel()
            return told.value.retry_after

    assert anyio.run(ask) == 15


def test_a_caller_whose_turn_was_put_off_is_told_before_its_deadline():
    async def ask():
        async with pacing(1, 0.3) as limiter, anyio.create_task_group() as tasks:
            await use(limiter)

            async def wait():
                with anyio.fail_after(0.5), pytest.raises(RateLimited):
                    await use(limiter)
                tasks.cancel_scope.cancel()

            tasks.start_soon(wait)
            await anyio.lowlevel.checkpoint()
            limiter.pause("a", 60)
            await anyio.sleep_forever()

    anyio.run(ask)


def test_a_paused_rate_limiter_lets_no_request_through():
    async def ask():
        async with pacing(10, 0.01) as limiter:
            began = anyio.current_time()
            limiter.pause("a", 0.1)
            await use(limiter)
            return anyio.current_time() - began

    assert anyio.run(ask) >= 0.1


def test_no_pause_is_longer_than_the_apis_own_window():
    async def ask():
        async with pacing(10, 60) as limiter:
            limiter.pause("a", 86_400)
            with anyio.fail_after(1), pytest.raises(RateLimited) as told:
                await use(limiter)
            return told.value.retry_after

    assert anyio.run(ask) == 60


def test_a_slot_of_a_caller_who_left_goes_to_the_next():
    log = []

    async def leave(limiter, scope):
        with scope:
            await use(limiter, "a", log)

    async def ask():
        async with pacing(1, 0.05) as limiter:
            await use(limiter)
            scopes = [anyio.CancelScope() for _ in range(3)]
            async with anyio.create_task_group() as tasks:
                for scope in scopes:
                    tasks.start_soon(leave, limiter, scope)
                await anyio.lowlevel.checkpoint()
                tasks.start_soon(use, limiter, "b", log)
                await anyio.lowlevel.checkpoint()
                for scope in scopes:
                    scope.cancel()

    anyio.run(ask)
    assert [credential for credential, *_ in log] == ["b"]


def test_a_slot_given_to_a_caller_that_was_cancelled_goes_to_the_next():
    log = []

    async def leave(limiter, scope):
        with scope:
            await use(limiter, "a", log)

    async def ask():
        async with pacing(1, 0) as limiter, anyio.create_task_group() as tasks:
            scope = anyio.CancelScope()
            async with limiter.slot("first"):
                tasks.start_soon(leave, limiter, scope)
                await anyio.wait_all_tasks_blocked()
            scope.cancel()  # after the limiter was woken to give it the slot, which is now free
            await anyio.wait_all_tasks_blocked()
            with anyio.move_on_after(1):
                await use(limiter, "b", log)

    anyio.run(ask)
    assert [credential for credential, *_ in log] == ["b"]


def test_no_request_waits_while_there_are_slots():
    async def ask():
        with anyio.fail_after(DEADLINE):
            limiter = RateLimiter(3, math.inf)  # nobody paces it
            for _ in range(3):
                await use(limiter)

    anyio.run(ask)


def test_a_newcomer_passes_those_who_wait_for_a_share_that_they_have_used_up():
    async def ask():
        async with pacing(8, 15, fair=True) as limiter, anyio.create_task_group() as tasks:
            for _ in range(4):
                await use(limiter, "greedy")
            for _ in range(3):
                tasks.start_soon(use, limiter, "greedy")
            await anyio.wait_all_tasks_blocked()
            with anyio.fail_after(1):
                await use(limiter, "newcomer")
            tasks.cancel_scope.cancel()

    anyio.run(ask)


def test_who_has_used_up_its_share_is_told_when_it_has_a_slot_again():
    async def ask():
        async with pacing(8, 60, fair=True) as limiter:
            for _ in range(4):
                await use(limiter, "greedy")
            with anyio.fail_after(30), pytest.raises(RateLimited) as told:
                await use(limiter, "greedy")
            return told.value.retry_after

    assert anyio.run(ask) == 60


def test_tenants_that_never_stop_are_all_served_and_keep_to_the_limit():
    most, period, log = 8, 0.1, []

    async def loop(limiter, credential):
        for _ in range(6):
            await use(limiter, credential, log)

    async def ask():
        async with pacing(most, period, fair=True) as limiter, anyio.create_task_group() as tasks:
            for credential in "aaaabbbcc":
                tasks.start_soon(loop, limiter, credential)

    anyio.run(ask)
    assert len(log) == 6 * 9
    for _, started, _ in log:
        seen = [end for _, begun, end in log if begun <= started and end > started - period]
        assert len(seen) <= most


def test_a_pause_of_one_credential_holds_back_no_other():
    log = []

    async def ask():
        async with pacing(10, 0.01) as limiter, anyio.create_task_group() as tasks:
            limiter.pause("a", 0.2)
            tasks.start_soon(use, limiter, "a", log)
            await anyio.wait_all_tasks_blocked()
            await use(limiter, "b", log)

    anyio.run(ask)
    assert [credential for credential, *_ in log] == ["b", "a"]


def test_pauses_of_two_credentials_hold_back_all():
    async def ask():
        async with pacing(10, 60) as limiter:
            limiter.pause("a", 60)
            limiter.pause("b", 60)
            with anyio.fail_after(1), pytest.raises(RateLimited) as told:
                await use(limiter, "c")
            return told.value.retry_after

    assert anyio.run(ask) == 60


def test_a_newcomer_does_not_pass_those_whose_slot_has_just_become_free():
    log = []

    async def ask():
        async with pacing(1, 0) as limiter, anyio.create_task_group() as tasks:
            async with limiter.slot("first"):
                tasks.start_soon(use, limiter, "waits", log)
                await anyio.wait_all_tasks_blocked()
            await use(limiter, "newcomer", log)  # before the task that gives slots has run

    anyio.run(ask)
    assert [credential for credential, *_ in log] == ["waits", "newcomer"]


def test_requests_held_back_by_pauses_are_not_said_to_wait_for_the_limit(caplog):
    async def ask():
        async with pacing(10, 60) as limiter:
            limiter.pause("a", 60)
            limiter.pause("b", 60)
            with anyio.fail_after(1), pytest.raises(RateLimited):
                await use(limiter, "c")

    anyio.run(ask)
    assert [record.getMessage() for record in caplog.records] == [
        "the API asks for a pause of 60 s in the requests of one key",
        "the API asks for a pause of 60 s in all requests",
    ]
