"""Retries: these reads change nothing, so whatever passes by itself is asked again.

tenacity runs the loop, counts the attempts and draws the random waits; what it cannot know is given
to it: which failures pass, the wait that the API names, and the call's deadline.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import anyio
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)
from tenacity.stop import stop_base

from mcp_sessions.deadline import leaves_time_after
from mcp_sessions.errors import SessionsError
from mcp_sessions.telemetry.instruments import retried

logger = logging.getLogger(__name__)

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]

MAX_ATTEMPTS: Final = 5
_BACKOFF: Final = wait_random_exponential(multiplier=0.2, max=4.0)
"""Seconds drawn from 0 to a bound that doubles from 0.2 to 4."""


async def with_retries(ask: Callable[[], Awaitable[T]], sleep: Sleep = anyio.sleep) -> T:
    """Await `ask` until it gives a result, or a failure that asking again does not mend in time.

    A wait that the API names is kept; where it does not fit into the deadline, the failure is the
    caller's at once, with that wait.

    Raises:
        SessionsError: as `ask` raised it last.
    """
    retrying = AsyncRetrying(
        sleep=sleep,
        retry=retry_if_exception(_passes_by_itself),
        wait=_wait,
        stop=stop_after_attempt(MAX_ATTEMPTS) | _OutOfTime(),
        before_sleep=_log_retry,
        reraise=True,
    )
    return await retrying(ask)


def _passes_by_itself(fault: BaseException) -> bool:
    return isinstance(fault, SessionsError) and fault.retryable and not fault.final


def _wait(state: RetryCallState) -> float:
    named = _fault(state).retry_after
    return _BACKOFF(state) if named is None else float(named)


class _OutOfTime(stop_base):
    """Stops where the deadline would come before a request after the wait is answered."""

    def __call__(self, state: RetryCallState) -> bool:
        return not leaves_time_after(state.upcoming_sleep)


def _fault(state: RetryCallState) -> SessionsError:
    fault = state.outcome.exception() if state.outcome else None
    assert isinstance(fault, SessionsError)  # noqa: S101 - no other is retried
    return fault


def _log_retry(state: RetryCallState) -> None:
    code, wait = _fault(state).code, state.upcoming_sleep
    retried(code)
    logger.debug("retry after=%s attempt=%d wait_s=%.2f", code, state.attempt_number, wait)
