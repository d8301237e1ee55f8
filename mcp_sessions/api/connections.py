"""Connections to the API, each used by the credential that opened it and no other.

The only module that imports the HTTP client, so that another one of its kind can take its place.
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Final

import anyio
import httpx

from mcp_sessions.api.proxies import Proxies
from mcp_sessions.fair_slots import FairSlots
from mcp_sessions.settings import Settings

if TYPE_CHECKING:
    from mcp_sessions.api.network_stream import HalfDuplexNetwork

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
    seconds: float,
    *,
    environment: bool = True,
    tls: ssl.SSLContext | None = None,
    network: "HalfDuplexNetwork | None" = None,
) -> httpx.AsyncClient:
    """Return a client of one connection, through `network`, whose waits end after `seconds`.

    Proxy and CA variables of the environment are honoured if `environment` says so. Redirects are
    not followed; cookies are neither kept nor sent, or one credential's would reach another's
    requests.

    Raises:
        UnusableEnvironment: as it says.
    """
    try:
        verify = tls or tls_context(environment=environment)
        proxies = environment_proxies().by_pattern if environment else {}
        return httpx.AsyncClient(
            transport=_transport(verify, network),
            timeout=httpx.Timeout(seconds, connect=min(seconds, _CONNECT_WITHIN)),
            mounts={
                pattern: None if url is None else _transport(verify, network, url)
                for pattern, url in proxies.items()
            },
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            trust_env=False,
        )
    except (ImportError, ValueError, OSError, httpx.InvalidURL):
        raise UnusableEnvironment from None


def _transport(
    verify: ssl.SSLContext, network: "HalfDuplexNetwork | None", proxy: str | None = None
) -> httpx.AsyncHTTPTransport:
    limits = httpx.Limits(max_connections=1)
    transport = httpx.AsyncHTTPTransport(verify=verify, limits=limits, proxy=proxy)
    if network is not None:
        # httpcore takes a network of one's own, which httpx cannot be told. Where these names are
        # no longer so, the network stays unused, and whoever gave it sees that.
        with suppress(AttributeError):
            transport._pool._network_backend = network  # noqa: SLF001
    return transport


def environment_proxies() -> Proxies:
    """Return the environment's proxies, as far as the HTTP client can parse them."""
    return Proxies.of_environment(_is_url)


def _is_url(pattern: str) -> bool:
    try:
        url = httpx.URL(pattern)
    except httpx.InvalidURL:
        return False
    return bool(url.host) and url.path in ("", "/")


@dataclass(slots=True, eq=False)
class _Connection:
    """A connection, or the place for one, that only the credential that opened it may use."""

    credential: str
    client: httpx.AsyncClient
    network: "HalfDuplexNetwork"


class ConnectionPool:
    """Connections to the API, opened as they are needed, each for one credential.

    Each has an HTTP client to itself: a client's own pool looks at all its connections twice a
    request, which for many takes longer than the request. A request's own time begins when it has
    one: many that wait must not look like a slow API.
    """

    def __init__(self, settings: Settings, *, fair: bool) -> None:
        self._settings = settings
        self._slots = FairSlots(_MAX_CONNECTIONS, fair=fair)
        self._open: set[_Connection] = set()
        self._idle: list[_Connection] = []  # the one used last is the last
        self._tls: ssl.SSLContext | None = None

    @asynccontextmanager
    async def client(self, credential: str, asker: str) -> AsyncIterator[httpx.AsyncClient]:
        """Lend a client for one request with a credential, in the turn of who asks.

        Raises:
            UnusableEnvironment: none can be made.
        """
        async with self._slots.slot(asker):
            connection = self._idle_of(credential) or await self._opened(credential)
            try:
                yield connection.client
            finally:
                # Where the client has a network of its own, nobody would notice an answer too many.
                if connection.network.used:
                    self._idle.append(connection)
                else:
                    await self._close(connection)

    async def close(self) -> None:
        """Close all connections."""
        for connection in tuple(self._open):
            await self._close(connection)

    def _idle_of(self, credential: str) -> _Connection | None:
        """Take the credential's connection that was used last, the likeliest to be open still."""
        for connection in reversed(self._idle):
            if connection.credential == credential:
                self._idle.remove(connection)
                return connection
        return None

    async def _opened(self, credential: str) -> _Connection:
        # Loaded as late as httpx loads its own: no start waits for either.
        from mcp_sessions.api.network_stream import HalfDuplexNetwork  # noqa: PLC0415

        environment = not self._settings.demo  # the embedded API is on this machine: no proxy
        if self._tls is None:  # read once for all clients: it takes 20 ms
            self._tls = tls_context(environment=environment)
        if len(self._open) >= _MAX_CONNECTIONS:  # whoever has a slot and no connection finds one
            await self._close(self._idle.pop(0))
        network = HalfDuplexNetwork()
        client = new_client(
            self._settings.deadline, environment=environment, tls=self._tls, network=network
        )
        connection = _Connection(credential, client, network)
        self._open.add(connection)
        return connection

    async def _close(self, connection: _Connection) -> None:
        try:
            with anyio.CancelScope(shield=True):  # it waits for nobody
                await connection.client.aclose()
        finally:
            self._open.discard(connection)


@asynccontextmanager
async def open_connections(
    settings: Settings, *, fair: bool = False
) -> AsyncIterator[ConnectionPool]:
    """Own the connections for as long as the server lives; if `fair`, among those who ask."""
    pool = ConnectionPool(settings, fair=fair)
    try:
        yield pool
    finally:
        await pool.close()
