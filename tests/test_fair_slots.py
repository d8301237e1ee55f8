"""Places for what is done at once: as many as there are, in turns, and none for one alone."""

import anyio
import pytest
from anyio.lowlevel import checkpoint
from hypothesis import given
from hypothesis import strategies as st

from mcp_sessions.fair_slots import FairSlots

pytestmark = pytest.mark.anyio


def test_there_are_as_many_places_as_were_made():
    turns = FairSlots(3)
    assert [turns.take("a") for _ in range(4)] == [True, True, True, False]
    turns.release("a")
    assert turns.take("b")


def test_nobody_has_more_than_are_left_to_the_others():
    turns = FairSlots(8, fair=True)
    assert [turns.take("a") for _ in range(5)] == [True] * 4 + [False]
    assert [turns.take("b") for _ in range(3)] == [True] * 2 + [False]
    assert [turns.take("c") for _ in range(2)] == [True, False]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60))
def test_a_name_without_a_place_finds_one_while_any_is_free(steps):
    turns, held = FairSlots(6, fair=True), dict.fromkeys("abc", 0)
    for name, takes in steps:
        if takes and turns.take(name):
            held[name] += 1
        elif not takes and held[name]:
            held[name] -= 1
            turns.release(name)
        free = 6 - sum(held.values())
        assert free >= 0
        assert turns.take("new") == (free > 0)
        if free:
            turns.release("new")


async def test_names_that_wait_for_a_place_take_turns():
    turns, order = FairSlots(1), []

    async def work(name):
        async with turns.slot(name):
            order.append(name)

    async with anyio.create_task_group() as group, turns.slot("first"):
        for name in "aaabbc":
            group.start_soon(work, name)
        await anyio.wait_all_tasks_blocked()
    assert "".join(order) == "abcaba"


async def test_a_place_that_comes_too_late_goes_to_the_next():
    turns, done = FairSlots(1), []

    async def work(name, scope):
        with scope:
            async with turns.slot(name):
                await checkpoint()
                done.append(name)

    async with anyio.create_task_group() as group:
        leaving, staying = anyio.CancelScope(), anyio.CancelScope()
        async with turns.slot("first"):
            group.start_soon(work, "leaves", leaving)
            group.start_soon(work, "stays", staying)
            await anyio.wait_all_tasks_blocked()
        leaving.cancel()  # its place has been given to it, and it has not seen it yet
    assert done == ["stays"]
    assert turns.take("next")


async def test_a_waiter_that_leaves_the_line_is_not_waited_for():
    turns = FairSlots(1)
    async with turns.slot("first"):
        with anyio.move_on_after(0.01) as waiting:
            async with turns.slot("second"):
                raise AssertionError
        assert waiting.cancelled_caught
    assert turns.take("third")
