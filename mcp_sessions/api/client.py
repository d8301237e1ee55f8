"""The Everruns API client: shared reads, retries, circuit breaker, rate limiter, one request.

Source of the routes and their failures: the Everruns API, `GET /v1/sessions` and
`GET /v1/sessions/{id}`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import anyio
from anyio.abc import TaskGroup

from mcp_sessions.api.body import Grow
from mcp_sessions.api.circuit_breaker import CircuitBreaker
from mcp_sessions.api.connections import ConnectionPool, open_connections
from mcp_sessions.api.memory_budget import MemoryBudget
from mcp_sessions.api.page_cache import PageCache
from mcp_sessions.api.rate_limiter import RateLimiter
from mcp_sessions.api.request import ApiRequest, Parameters
from mcp_sessions.api.retries import Sleep, with_retries
from mcp_sessions.api.shared_reads import SharedReads, background
from mcp_sessions.errors import NotConfigured, RateLimited
from mcp_sessions.settings import Settings
from mcp_sessions.wire.models import Page, SessionT

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SharedApi:
    """What all credentials share of the client: connections, tasks, rate limiter and memory."""

    connections: ConnectionPool
    tasks: TaskGroup
    limiter: RateLimiter
    memory: MemoryBudget
    cache: PageCache | None = None

    def api(
        self, settings: Settings, sleep: Sleep = anyio.sleep, tenant: str = ""
    ) -> "SessionsApi":
        """Return the API as one credential sees it, with reads and a circuit of its own.

        Tenants have their own shares of what is shared, though their credentials be the same.
        """
        return SessionsApi(settings, self, sleep, tenant)


@asynccontextmanager
async def open_shared_api(settings: Settings, *, fair: bool = False) -> AsyncIterator[SharedApi]:
    """Own the connections and tasks of the client for as long as the server lives.

    If it is `fair`, no tenant has more of connections, memory and the API's limit than are left to
    all others.
    """
    memory = MemoryBudget(settings.max_memory_bytes, settings.max_response_bytes, fair=fair)
    cache = PageCache(settings.cache_seconds, memory) if settings.cache_seconds else None
    async with open_connections(settings, fair=fair) as connections, background() as tasks:
        limiter = RateLimiter(settings.requests_per_minute, fair=fair)
        tasks.start_soon(limiter.pace)
        yield SharedApi(connections, tasks, limiter, memory, cache)


@asynccontextmanager
async def open_api(settings: Settings, sleep: Sleep = anyio.sleep) -> AsyncIterator["SessionsApi"]:
    """Own the client of a single credential, which sleeps between two tries."""
    async with open_shared_api(settings) as shared:
        yield shared.api(settings, sleep)


class SessionsApi:
    """Reads pages of `GET /v1/sessions`, and single sessions."""

    def __init__(self, settings: Settings, shared: SharedApi, sleep: Sleep, tenant: str) -> None:
        self._sleep = sleep
        self._configured = settings.api_key is not None or settings.no_key
        self._reads = SharedReads(shared.tasks, shared.cache)
        self._circuit = CircuitBreaker()
        self._limiter = shared.limiter
        self._memory = shared.memory
        self._request = ApiRequest(shared.connections, settings, tenant)

    @property
    def max_rows(self) -> int:
        """Rows that an answer can have, as far as is known of this API."""
        return self._request.max_rows

    async def page(
        self, parameters: Parameters, session: type[SessionT], *, fresh: bool = True
    ) -> Page[SessionT]:
        """Read one page, each row as `session`; unless `fresh`, a cached one will do.

        Raises:
            SessionsError: whatever went wrong, in this server's words.
        """
        request = self._request

        async def read() -> Page[SessionT]:
            get = partial(request.get, parameters)
            return await self._attempt(get, lambda body: request.page_of(body, parameters, session))

        return await self._read((session, *parameters.items()), read, fresh=fresh)

    async def session(
        self, session_id: str, session: type[SessionT], slots: anyio.Semaphore
    ) -> SessionT | None:
        """Read one session of an id that is safe in a path; None if the answer is none.

        Each try takes one of `slots` while it is made, so that one that fails lets others pass
        before it is made again; a cached answer will do.

        Raises:
            SessionsError: whatever went wrong, in this server's words; also that there is none.
        """
        request = self._request

        async def read() -> SessionT | None:
            async with slots:
                get = partial(request.get_one, session_id)
                return await self._attempt(get, lambda body: request.session_of(body, session))

        return await self._read((session, session_id), read, fresh=False)

    async def _read(self, key: Hashable, read: Callable[[], Awaitable[T]], *, fresh: bool) -> T:
        if not self._configured:
            raise NotConfigured("No Everruns API key is set, so the API cannot be asked.")
        retried = partial(with_retries, read, self._sleep)
        return await self._reads.share(key, retried, fresh=fresh)

    async def _attempt(
        self,
        get: Callable[[Grow], Awaitable[bytearray]],
        parsed: Callable[[bytearray], T],
    ) -> T:
        # Asked before the queue, so that nobody waits in vain, and after it, since others may have
        # failed meanwhile.
        self._circuit.check()
        asker = self._request.asker
        with self._memory.share(asker) as share:
            async with self._limiter.slot(asker):
                with self._circuit.request():
                    try:
                        body = await get(share.grow_to)
                    except RateLimited as fault:
                        self._limiter.pause(self._request.credential, fault.retry_after or 0)
                        raise
            return parsed(body)
