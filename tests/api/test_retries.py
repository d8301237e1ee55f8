from dataclasses import dataclass

import anyio
import pytest

from mcp_sessions.api.retries import MAX_ATTEMPTS, with_retries
from mcp_sessions.errors import (
    ApiTimeout,
    ApiUnavailable,
    ApiUnreachable,
    BadResponse,
    RateLimited,
    SessionsError,
    Unauthorized,
)

PASSING = [RateLimited, ApiTimeout, ApiUnreachable, ApiUnavailable]


@dataclass(frozen=True)
class Tried:
    """A result or fault, how often was asked for it, and the waits between."""

    result: object
    asked: int
    waits: list[float]


def tried(*outcomes, within=25.0):
    """Ask for these outcomes one after another, with a sleep that only keeps its seconds."""
    left, waits = list(outcomes), []

    async def ask():
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def sleep(seconds):
        waits.append(seconds)

    async def run():
        with anyio.fail_after(within):
            return await with_retries(ask, sleep)

    try:
        result = anyio.run(run)
    except SessionsError as fault:
        result = fault
    return Tried(result, len(outcomes) - len(left), waits)


@pytest.mark.parametrize("kind", PASSING)
def test_a_transient_failure_is_retried_until_there_is_an_answer(kind):
    done = tried(kind("?"), kind("?"), "page")
    assert (done.result, done.asked, len(done.waits)) == ("page", 3, 2)


@pytest.mark.parametrize("kind", PASSING)
def test_an_api_that_keeps_failing_is_retried_so_often_and_the_last_failure_is_raised(kind):
    faults = [kind(str(number)) for number in range(9)]
    done = tried(*faults)
    assert (done.result, done.asked) == (faults[MAX_ATTEMPTS - 1], MAX_ATTEMPTS)
    assert len(done.waits) == MAX_ATTEMPTS - 1


@pytest.mark.parametrize(
    "fault",
    [
        BadResponse("?"),
        Unauthorized("?"),
        ApiUnavailable("?", final=True),
        ApiUnreachable("?", permanent=True),
    ],
)
def test_a_lasting_failure_is_not_retried(fault):
    assert tried(fault, "page") == Tried(fault, 1, [])


def test_an_unforeseen_exception_is_not_retried():
    with pytest.raises(ZeroDivisionError):
        tried(ZeroDivisionError(), "page")


def test_waits_between_retries_grow_and_are_never_the_same():
    waits = [tried(*[ApiUnreachable("?")] * 9).waits for _ in range(20)]
    assert max(first for first, *_ in waits) <= 0.2 < max(last for *_, last in waits) <= 1.6
    assert len({wait for one in waits for wait in one}) > 70


def test_a_retry_after_within_the_deadline_is_waited_for():
    assert tried(RateLimited("?", retry_after=7), "page") == Tried("page", 2, [7])


def test_a_failure_whose_retry_after_is_past_the_deadline_is_raised_at_once():
    fault = RateLimited("?", retry_after=25)
    assert tried(fault, "page") == Tried(fault, 1, [])


def test_without_a_deadline_every_retry_after_is_waited_for():
    fault = ApiUnavailable("?", retry_after=600)
    assert tried(fault, "page", within=None) == Tried("page", 2, [600])
