"""Connections to the API, shared by all credentials.

The only module that imports the HTTP client, so that another one of its kind can take its place.
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx

from mcp_sessions.api.proxies import Proxies
from mcp_sessions.fair_slots import FairSlots
from mcp_sessions.settings import Settings

__all__ = ["ConnectionPool", "UnusableEnvironment", "httpx", "new_client", "open_connections"]

_CONNECT_WITHIN: Final = 5.0  # seconds; what has not connected by then is asked anew
_MAX_CONNECTIONS: Final = 32


class UnusableEnvironment(Exception):
    """A proxy or CA variable of the environment cannot be used."""


def tls_context(*, environment: bool) -> ssl.SSLContext:
    """Return what certificates are checked against: the environment's authorities, or certifi's.

    Raises:
        UnusableEnvironment: the environment names a file that cannot be read.
    """
    try:
        return httpx.create_ssl_context(trust_env=environment)
    except (ValueError, OSError):
        raise UnusableEnvironment from None


def new_client(
    seconds: float, *, environment: bool = True, tls: ssl.SSLContext | None = None
) -> httpx.AsyncClient:
    """Return a client of one connection, whose waits end after `seconds`.

    Proxy and CA variables of the environment are honoured if `environment` says so. Redirects are
    not followed; cookies are neither kept nor sent, or one credential's would reach another's
    requests.

    Raises:
        UnusableEnvironment: as it says.
    """
    try:
        verify, limits = (
            tls or tls_context(environment=environment),
            httpx.Limits(max_connections=1),
        )
        proxies = environment_proxies().by_pattern if environment else {}
        mounts = {
            pattern: None
            if url is None
            else httpx.AsyncHTTPTransport(proxy=url, verify=verify, limits=limits)
            for pattern, url in proxies.items()
        }
        return httpx.AsyncClient(
            verify=verify,
            timeout=httpx.Timeout(seconds, connect=min(seconds, _CONNECT_WITHIN)),
            limits=limits,
            mounts=mounts,
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            trust_env=False,
        )
    except (ImportError, ValueError, OSError, httpx.InvalidURL):
        raise UnusableEnvironment from None


def environment_proxies() -> Proxies:
    """Return the environment's proxies, as far as the HTTP client can parse them."""
    return Proxies.of_environment(_is_url)


def _is_url(pattern: str) -> bool:
    try:
        url = httpx.URL(pattern)
    except httpx.InvalidURL:
        return False
    return bool(url.host) and url.path in ("", "/")


class ConnectionPool:
    """The connections that all credentials share, opened as they are needed.

    Each has an HTTP client to itself: a client's own pool looks at all its connections twice a
    request, which for many takes longer than the request. A request's own time begins when it has
    one: many that wait must not look like a slow API.
    """

    def __init__(self, settings: Settings, stack: AsyncExitStack, *, fair: bool) -> None:
        self._settings = settings
        self._stack = stack
        self._slots = FairSlots(_MAX_CONNECTIONS, fair=fair)
        self._idle: list[httpx.AsyncClient] = []
        self._tls: ssl.SSLContext | None = None

    @asynccontextmanager
    async def client(self, credential: str) -> AsyncIterator[httpx.AsyncClient]:
        """Lend a client for one request of a credential.

        Raises:
            UnusableEnvironment: none can be made.
        """
        async with self._slots.slot(credential):
            # The one used last is the likeliest to be connected still.
            client = self._idle.pop() if self._idle else await self._opened()
            try:
                yield client
            finally:
                self._idle.append(client)

    async def _opened(self) -> httpx.AsyncClient:
        environment = not self._settings.demo  # the embedded API is on this machine: no proxy
        if self._tls is None:  # read once for all clients: it takes 20 ms
            self._tls = tls_context(environment=environment)
        client = new_client(self._settings.deadline, environment=environment, tls=self._tls)
        return await self._stack.enter_async_context(client)


@asynccontextmanager
async def open_connections(
    settings: Settings, *, fair: bool = False
) -> AsyncIterator[ConnectionPool]:
    """Own the HTTP clients for as long as the server lives; if `fair`, among credentials."""
    async with AsyncExitStack() as stack:
        yield ConnectionPool(settings, stack, fair=fair)
