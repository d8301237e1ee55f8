"""What is left of a deadline, measured against the same clock; nothing here waits."""

import math
from contextlib import contextmanager

import anyio
import pytest

from mcp_sessions.deadline import (
    end_of_queueing,
    end_of_reading,
    for_one_request,
    leaves_time_after,
    seconds_left,
)

pytestmark = pytest.mark.anyio

FAR = 1_000  # seconds, of which a test takes none worth speaking of


@contextmanager
def deadline(seconds):
    with anyio.CancelScope(deadline=anyio.current_time() + seconds) as scope:
        yield scope


async def test_the_seconds_left_are_those_until_the_nearest_deadline():
    begun = anyio.current_time()
    with deadline(FAR), deadline(2 * FAR):
        left = seconds_left()
        assert FAR - (anyio.current_time() - begun) <= left <= FAR


async def test_without_a_deadline_there_is_always_time():
    assert seconds_left() == math.inf
    assert for_one_request(10) == pytest.approx(6)
    assert leaves_time_after(FAR)
    assert end_of_queueing() == math.inf


async def test_one_request_leaves_time_for_a_smaller_one_and_never_takes_longer_than_its_own():
    with deadline(FAR):
        assert for_one_request(10) == pytest.approx(6)
        assert for_one_request(2 * FAR) <= 0.6 * FAR
        assert for_one_request(2 * FAR) + for_one_request(FAR * 0.4) < FAR


@pytest.mark.parametrize(("left", "wait", "leaves"), [(FAR, 10, True), (10, 9.9, False)])
async def test_a_wait_must_leave_time_for_a_request_after_it(left, wait, leaves):
    with deadline(left):
        assert leaves_time_after(wait) is leaves


async def test_a_deadline_that_has_passed_leaves_time_for_nothing():
    with deadline(-1):
        assert seconds_left() < 0
        assert not leaves_time_after(0)
        assert end_of_queueing() < anyio.current_time()


async def test_whoever_waits_in_a_queue_gives_up_shortly_before_the_deadline():
    with deadline(FAR) as scope:
        assert 0 < scope.deadline - end_of_queueing() < 1


async def test_reading_ends_before_the_call_does_so_that_its_answer_is_in_time():
    begun = anyio.current_time()
    end = end_of_reading(FAR)
    assert begun < end < begun + FAR
