"""Connections to the API, shared by all credentials.

The only room that imports the HTTP client, so that another one of its kind can take its place.
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx

from mcp_sessions.fair_slots import FairSlots
from mcp_sessions.settings import Settings

__all__ = ["ConnectionPool", "httpx", "open_connections"]

_CONNECT_WITHIN: Final = 5.0  # seconds; what has not connected by then is asked anew
_MAX_CONNECTIONS: Final = 32


class ConnectionPool:
    """The connections that all credentials share, opened as they are needed.

    Each has an HTTP client to itself: a client's own pool looks at all its connections twice a
    request, which for many takes longer than the request. A request's own time
    begins when it has one: many that wait must not look like a slow API.
    """

    def __init__(self, settings: Settings, stack: AsyncExitStack, *, fair: bool) -> None:
        self._settings = settings
        self._stack = stack
        self._slots = FairSlots(_MAX_CONNECTIONS, fair=fair)
        self._idle: list[httpx.AsyncClient] = []
        self._tls: ssl.SSLContext | None = None

    @asynccontextmanager
    async def client(self, credential: str) -> AsyncIterator[httpx.AsyncClient | None]:
        """Lend a client for one request of a credential; None where none can be made."""
        async with self._slots.slot(credential):
            # The one used last is the likeliest to be connected still.
            client = self._idle.pop() if self._idle else await self._opened()
            try:
                yield client
            finally:
                if client is not None:
                    self._idle.append(client)

    async def _opened(self) -> httpx.AsyncClient | None:
        environment = not self._settings.demo
        # A proxy or CA variable that cannot be used must not keep the server from starting.
        with suppress(ImportError, ValueError, OSError, httpx.InvalidURL):
            self._tls = self._tls or httpx.create_ssl_context(trust_env=environment)
            client = httpx.AsyncClient(
                verify=self._tls,
                timeout=httpx.Timeout(self._settings.deadline, connect=_CONNECT_WITHIN),
                limits=httpx.Limits(max_connections=1),
                follow_redirects=False,
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
                trust_env=environment,
            )
            return await self._stack.enter_async_context(client)
        return None


@asynccontextmanager
async def open_connections(
    settings: Settings, *, fair: bool = False
) -> AsyncIterator[ConnectionPool]:
    """Own the HTTP clients for as long as the server lives; if `fair`, among credentials.

    Proxy and CA variables of the environment are honoured, but for the embedded API, which is on
    this machine. Cookies are neither kept nor sent: one credential's must not reach another's
    requests.
    """
    async with AsyncExitStack() as stack:
        yield ConnectionPool(settings, stack, fair=fair)
