"""Circuit breaker: stops asking an API that is down, and tries it again by itself.

Written here because the libraries for it let every waiting call through at once when the rest is
over, count a caller's leaving as a failure, and cannot tell how long the rest still takes.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import anyio

from mcp_sessions.errors import ApiTimeout, ApiUnavailable, ApiUnreachable, SessionsError

FAILURES = 8
"""Failed requests in a row that open the circuit; more than one call makes."""
FIRST_REST, MAX_REST = 5.0, 30.0
_DOWN = (ApiTimeout, ApiUnavailable, ApiUnreachable)


@dataclass(slots=True)
class CircuitBreaker:
    """Counts what fails in a row; open, it lets one request through after every rest."""

    failures: int = 0
    rest: float = FIRST_REST  # seconds
    next_trial: float = 0.0  # when one request may be tried, on the event loop's clock
    trying: bool = False
    clock: Callable[[], float] = anyio.current_time

    def check(self) -> None:
        """Refuse a request that the API should be spared.

        Raises:
            ApiUnavailable: the circuit is open, and rests or is being tried.
        """
        left = self.next_trial - self.clock()
        if self.failures >= FAILURES and (left > 0 or self.trying):
            raise ApiUnavailable(
                f"The API failed {self.failures} times in a row, so it is not asked just now.",
                retry_after=max(1, math.ceil(left)),
                final=True,
            )

    @contextmanager
    def request(self) -> Iterator[None]:
        """Watch one request; while the circuit is open, one at a time.

        Raises:
            ApiUnavailable: as `check` does.
        """
        self.check()
        tries = self.trying = self.failures >= FAILURES
        try:
            yield
        except _DOWN:
            self._failed()
            raise
        except SessionsError:
            self._answered()  # a refusal is an answer: the API is there
            raise
        else:
            self._answered()
        finally:
            if tries:
                self.trying = False

    def _failed(self) -> None:
        self.failures += 1
        if self.failures > FAILURES:  # the try after a rest
            self.rest = min(2 * self.rest, MAX_REST)
        if self.failures >= FAILURES:
            self.next_trial = self.clock() + self.rest

    def _answered(self) -> None:
        self.failures, self.rest = 0, FIRST_REST
