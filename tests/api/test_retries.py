import anyio
import pytest

from mcp_sessions.api import retries
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


@pytest.fixture
def waits(monkeypatch):
    """Keep the waits instead of waiting."""
    kept = []

    async def sleep(seconds):
        kept.append(seconds)

    monkeypatch.setattr(retries.anyio, "sleep", sleep)
    return kept


def tried(*outcomes, within=25.0):
    """Return the result or fault, and how often was asked."""
    left = list(outcomes)

    async def ask():
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def run():
        with anyio.fail_after(within):
            return await with_retries(ask)

    try:
        result = anyio.run(run)
    except SessionsError as fault:
        result = fault
    return result, len(outcomes) - len(left)


@pytest.mark.parametrize("kind", PASSING)
def test_what_passes_by_itself_is_asked_again_until_it_has(waits, kind):
    assert tried(kind("?"), kind("?"), "page") == ("page", 3)
    assert len(waits) == 2


@pytest.mark.parametrize("kind", PASSING)
def test_it_is_asked_so_often_and_the_last_fault_is_told(waits, kind):
    faults = [kind(str(number)) for number in range(9)]
    assert tried(*faults) == (faults[MAX_ATTEMPTS - 1], MAX_ATTEMPTS)
    assert len(waits) == MAX_ATTEMPTS - 1


@pytest.mark.parametrize(
    "fault",
    [
        BadResponse("?"),
        Unauthorized("?"),
        ApiUnavailable("?", final=True),
        ApiUnreachable("?", permanent=True),
    ],
)
def test_what_asking_again_does_not_mend_is_told_at_once(waits, fault):
    assert tried(fault, "page") == (fault, 1)
    assert waits == []


def test_a_fault_of_our_own_is_not_asked_away():
    with pytest.raises(ZeroDivisionError):
        tried(ZeroDivisionError(), "page")


def test_waits_grow_and_are_never_the_same(waits):
    for _ in range(20):
        tried(*[ApiUnreachable("?")] * 9)
    firsts, lasts = waits[:: MAX_ATTEMPTS - 1], waits[3 :: MAX_ATTEMPTS - 1]
    assert max(firsts) <= 0.2 < max(lasts) <= 1.6
    assert len(set(waits)) > 70


def test_a_wait_that_the_api_names_is_kept_where_it_fits(waits):
    assert tried(RateLimited("?", retry_after=7), "page") == ("page", 2)
    assert waits == [7]


def test_a_wait_that_does_not_fit_is_handed_on_at_once(waits):
    fault = RateLimited("?", retry_after=25)
    assert tried(fault, "page") == (fault, 1)
    assert waits == []


def test_without_a_deadline_every_wait_fits(waits):
    assert tried(ApiUnavailable("?", retry_after=600), "page", within=None) == ("page", 2)
    assert waits == [600]
