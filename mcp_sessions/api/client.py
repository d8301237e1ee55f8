"""The Everruns API client: shared reads, then retries, circuit breaker, rate limiter, request.

Source of the route and its failures: the Everruns API, `GET /v1/sessions`.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

import anyio
from anyio.abc import TaskGroup

from mcp_sessions.api.circuit_breaker import CircuitBreaker
from mcp_sessions.api.connections import ConnectionPool, open_connections
from mcp_sessions.api.failures import failure_in
from mcp_sessions.api.rate_limiter import RateLimiter
from mcp_sessions.api.request import ApiRequest
from mcp_sessions.api.retries import Sleep, with_retries
from mcp_sessions.api.shared_reads import SharedReads, background
from mcp_sessions.errors import (
    ApiUnreachable,
    BadResponse,
    NotConfigured,
    RateLimited,
    ResponseTooLarge,
)
from mcp_sessions.settings import Settings
from mcp_sessions.wire.extract import NotRows, TooManyValues
from mcp_sessions.wire.limits import MAX_LIMIT
from mcp_sessions.wire.models import Page, SessionT
from mcp_sessions.wire.read import parse_page

FEWEST_ROWS: Final = 3
"""The smallest answer that proves itself: a newer row, the one that is wanted, an older one."""


@dataclass(frozen=True, slots=True)
class SharedApi:
    """What all credentials share of the client: connections, tasks, and the rate limiter."""

    connections: ConnectionPool
    tasks: TaskGroup
    limiter: RateLimiter

    def api(self, settings: Settings, sleep: Sleep = anyio.sleep) -> "SessionsApi":
        """Return the API as one credential sees it, with reads and a circuit of its own."""
        request = ApiRequest(self.connections, settings)
        reads = SharedReads(self.tasks, settings.cache_seconds)
        return SessionsApi(settings, request, reads, self.limiter, CircuitBreaker(), sleep=sleep)


@asynccontextmanager
async def open_shared_api(settings: Settings, *, fair: bool = False) -> AsyncIterator[SharedApi]:
    """Own the connections and tasks of the client for as long as the server lives.

    If it is `fair`, no credential has more of the connections than are left to all others.
    """
    async with open_connections(settings, fair=fair) as connections, background() as tasks:
        limiter = RateLimiter(settings.requests_per_minute)
        tasks.start_soon(limiter.pace)
        yield SharedApi(connections, tasks, limiter)


@asynccontextmanager
async def open_api(settings: Settings, sleep: Sleep = anyio.sleep) -> AsyncIterator["SessionsApi"]:
    """Own the client of a single credential, which sleeps between two tries."""
    async with open_shared_api(settings) as shared:
        yield shared.api(settings, sleep)


class SessionsApi:
    """Reads pages of `GET /v1/sessions`.

    `max_rows` is how many an answer can have: fewer than the API's own most for a while after one
    was too large to be read.
    """

    def __init__(
        self,
        settings: Settings,
        request: ApiRequest,
        reads: SharedReads,
        limiter: RateLimiter,
        circuit: CircuitBreaker,
        *,
        sleep: Sleep,
    ) -> None:
        self._request = request
        self._reads = reads
        self._limiter = limiter
        self._circuit = circuit
        self._sleep = sleep
        self._most_bytes = settings.max_response_bytes
        self._configured = settings.api_key is not None or settings.no_key
        self.max_rows = MAX_LIMIT

    async def page(
        self, parameters: Mapping[str, str | int], session: type[SessionT], *, fresh: bool = True
    ) -> Page[SessionT]:
        """Read one page, each row as `session`; unless `fresh`, a cached one will do.

        Raises:
            SessionsError: whatever went wrong, in this server's words.
        """
        if not self._configured:
            raise NotConfigured("No Everruns API key is set, so the API cannot be asked.")
        read = partial(with_retries, partial(self._ask, parameters, session), self._sleep)
        key = (session, *parameters.items())
        return await self._reads.share(key, read, fresh=fresh)

    async def _ask(
        self, parameters: Mapping[str, str | int], session: type[SessionT]
    ) -> Page[SessionT]:
        limit = int(parameters.get("limit", MAX_LIMIT))
        try:
            body = await self._body(parameters)
            page = _page_of(body, parameters, session, limit)
        except TooManyValues:
            self._ask_for_less(limit)
            raise ResponseTooLarge(
                "The API's answer would take more memory than this server has for it."
            ) from None
        except ResponseTooLarge:
            self._ask_for_less(limit)
            raise
        if 2 * len(body) <= self._most_bytes:
            self.max_rows = max(self.max_rows, min(MAX_LIMIT, 2 * limit))
        return page

    def _ask_for_less(self, limit: int) -> None:
        self.max_rows = min(self.max_rows, max(FEWEST_ROWS, limit // 4))

    async def _body(self, parameters: Mapping[str, str | int]) -> bytearray:
        self._circuit.check()
        async with self._limiter.slot(self._request.credential):
            with self._circuit.request():
                try:
                    return await self._request.get(parameters)
                except RateLimited as fault:
                    self._limiter.pause(fault.retry_after or 0)
                    raise


def _page_of(
    body: bytearray, parameters: Mapping[str, str | int], session: type[SessionT], limit: int
) -> Page[SessionT]:
    try:
        return parse_page(body, session, limit)
    except NotRows as fault:
        if (named := failure_in(bytes(body), parameters)) is not None:
            raise named from None
        if fault.early:
            raise ApiUnreachable("The API's answer broke off.") from None
        raise BadResponse(f"The API's answer is {fault}.") from None
