"""Circuit breaker: stops asking an API that is down, and tries it again by itself.

Written here because the libraries for it let every waiting call through at once when the rest is
over, count a caller's leaving as a failure, and cannot tell how long the rest still takes.
"""

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import anyio

from mcp_sessions.errors import ApiTimeout, ApiUnavailable, ApiUnreachable, SessionsError

logger = logging.getLogger(__name__)

FAILURES: Final = 8
"""Failed requests in a row that open the circuit; more than one page makes."""
FIRST_REST: Final = 5.0
MAX_REST: Final = 30.0
"""Seconds without a request; the rest doubles whenever the trial after it fails."""
_DOWN: Final = (ApiTimeout, ApiUnavailable, ApiUnreachable)


@dataclass(slots=True)
class CircuitBreaker:
    """Counts what fails in a row; open, it lets one request through after every rest."""

    failures: int = 0
    rest: float = FIRST_REST
    next_trial: float = 0.0  # on the event loop's clock
    trying: bool = False
    clock: Callable[[], float] = anyio.current_time

    def check(self) -> None:
        """Refuse a request that the API is to be spared.

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
        trial = self.failures >= FAILURES
        if trial:
            self.trying = True
        try:
            yield
        except _DOWN:
            self._record_failure(trial=trial)
            raise
        except SessionsError:
            self._reset()  # a refusal is an answer: the API is there
            raise
        else:
            self._reset()
        finally:
            if trial:
                self.trying = False

    def _record_failure(self, *, trial: bool) -> None:
        self.failures += 1
        if trial:
            self.rest = min(2 * self.rest, MAX_REST)
        if self.failures >= FAILURES:
            self.next_trial = self.clock() + self.rest
        if self.failures == FAILURES:
            logger.warning("the API failed %d times in a row: it is spared for a while", FAILURES)

    def _reset(self) -> None:
        if self.failures >= FAILURES:
            logger.warning("the API answers again, after %d failures", self.failures)
        self.failures, self.rest = 0, FIRST_REST
