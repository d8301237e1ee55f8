"""When to ask again: these reads change nothing, so whatever passes by itself is tried again."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)

from mcp_sessions.errors import SessionsError
from mcp_sessions.telemetry.instruments import retried

logger = logging.getLogger(__name__)

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]

MAX_ATTEMPTS = 5
_FIRST_BACKOFF, _MAX_BACKOFF = 0.2, 4.0  # seconds; each wait is drawn from 0 to a doubling bound
_MIN_TIME_TO_ASK = 0.25  # seconds that a wait must leave of the deadline, or it is not worth it

_backoff = wait_random_exponential(multiplier=_FIRST_BACKOFF, max=_MAX_BACKOFF)
_tried_enough = stop_after_attempt(MAX_ATTEMPTS)


async def with_retries(ask: Callable[[], Awaitable[T]], sleep: Sleep = anyio.sleep) -> T:
    """Await `ask` until it gives a result, or a failure that asking again does not mend in time.

    A wait that the API names is kept; where it does not fit into the deadline of the enclosing
    cancel scope, the failure is the caller's at once, with that wait.

    Raises:
        SessionsError: as `ask` raised it last.
    """
    retrying = AsyncRetrying(
        sleep=sleep,
        stop=_stop,
        wait=_wait,
        retry=retry_if_exception(_passes_by_itself),
        before_sleep=_note,
        reraise=True,
    )
    return await retrying(ask)


def _passes_by_itself(fault: BaseException) -> bool:
    return isinstance(fault, SessionsError) and fault.retryable and not fault.final


def _wait(state: RetryCallState) -> float:
    named = _fault(state).retry_after
    return _backoff(state) if named is None else float(named)


def _stop(state: RetryCallState) -> bool:
    left = anyio.current_effective_deadline() - anyio.current_time()
    return _tried_enough(state) or state.upcoming_sleep + _MIN_TIME_TO_ASK > left


def _fault(state: RetryCallState) -> SessionsError:
    fault = state.outcome.exception() if state.outcome else None
    assert isinstance(fault, SessionsError)  # noqa: S101 - no other is retried
    return fault


def _note(state: RetryCallState) -> None:
    code, wait = _fault(state).code, state.upcoming_sleep
    retried(code)
    logger.debug("retry after=%s attempt=%d wait_s=%.2f", code, state.attempt_number, wait)
