"""Slots: no more at once than there are, in turns by name, and never all for one name."""

import anyio
import pytest
from anyio.lowlevel import checkpoint
from hypothesis import given
from hypothesis import strategies as st

from mcp_sessions.fair_slots import FairSlots, Shares

pytestmark = pytest.mark.anyio


def test_no_more_slots_are_taken_than_there_are():
    slots = FairSlots(3)
    assert [slots.take("a") for _ in range(4)] == [True, True, True, False]
    slots.release("a")
    assert slots.take("b")


def test_where_it_is_fair_a_name_holds_no_more_slots_than_are_left_free():
    slots = FairSlots(8, fair=True)
    assert [slots.take("a") for _ in range(5)] == [True] * 4 + [False]
    assert [slots.take("b") for _ in range(3)] == [True] * 2 + [False]
    assert [slots.take("c") for _ in range(2)] == [True, False]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60))
def test_where_it_is_fair_a_new_name_gets_a_slot_while_any_is_free(steps):
    slots, held = FairSlots(6, fair=True), dict.fromkeys("abc", 0)
    for name, takes in steps:
        if takes and slots.take(name):
            held[name] += 1
        elif not takes and held[name]:
            held[name] -= 1
            slots.release(name)
        free = 6 - sum(held.values())
        assert free >= 0
        assert slots.take("new") == (free > 0)
        if free:
            slots.release("new")


def test_a_copy_of_shares_is_played_with_alone():
    shares = Shares(4, fair=True)
    assert shares.take("a")
    copy = shares.copy()
    copy.release("a")
    assert copy.take("b")
    assert (shares.free, shares.held) == (3, {"a": 1})


async def test_names_that_wait_for_a_slot_are_served_in_turns():
    slots, order = FairSlots(1), []

    async def work(name):
        async with slots.slot(name):
            order.append(name)

    async with anyio.create_task_group() as group, slots.slot("first"):
        for name in "aaabbc":
            group.start_soon(work, name)
        await anyio.wait_all_tasks_blocked()
    assert "".join(order) == "abcaba"


async def test_a_slot_given_to_a_waiter_that_was_cancelled_goes_to_the_next():
    slots, done = FairSlots(1), []

    async def work(name, scope):
        with scope:
            async with slots.slot(name):
                await checkpoint()
                done.append(name)

    async with anyio.create_task_group() as group:
        leaving, staying = anyio.CancelScope(), anyio.CancelScope()
        async with slots.slot("first"):
            group.start_soon(work, "leaves", leaving)
            group.start_soon(work, "stays", staying)
            await anyio.wait_all_tasks_blocked()
        leaving.cancel()  # its slot has been given to it, and it has not seen it yet
    assert done == ["stays"]
    assert slots.take("next")


async def test_a_slot_freed_right_after_its_waiter_was_cancelled_goes_to_the_next():
    slots, done = FairSlots(1), []

    async def work(name, scope):
        with scope:
            async with slots.slot(name):
                done.append(name)

    async with anyio.create_task_group() as group:
        leaving, staying = anyio.CancelScope(), anyio.CancelScope()
        async with slots.slot("first"):
            group.start_soon(work, "leaves", leaving)
            group.start_soon(work, "stays", staying)
            await anyio.wait_all_tasks_blocked()
            leaving.cancel()  # it is still in the queue when the slot is freed
        with anyio.move_on_after(1):
            await anyio.wait_all_tasks_blocked()
        staying.cancel()
    assert done == ["stays"]
    assert slots.take("next")


async def test_a_waiter_that_was_cancelled_gets_no_slot():
    slots = FairSlots(1)
    async with slots.slot("first"):
        with anyio.move_on_after(0.01) as waiting:
            async with slots.slot("second"):
                raise AssertionError
        assert waiting.cancelled_caught
    assert slots.take("third")
