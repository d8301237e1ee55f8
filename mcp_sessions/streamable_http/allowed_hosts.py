"""Which `Host` and `Origin` headers are served: DNS rebinding protection and CORS."""

import logging
from collections.abc import Collection, Iterator
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_sessions.host_names import Host, parsed_host
from mcp_sessions.http_settings import HttpSettings, is_loopback
from mcp_sessions.telemetry.instruments import refused
from mcp_sessions.telemetry.seldom import SeldomLog

logger = logging.getLogger(__name__)

_LOCAL: Final = ("127.0.0.1", "localhost", "[::1]")
_MAX_SHOWN: Final = 100  # characters of a refused name
_NO_HOST: Final = "1.0"  # the version of HTTP whose requests need not say it


class AllowedHosts:
    """Refuses every request for another host, or of a page that may not call, whatever its path.

    The SDK's own check compares beginnings, at /mcp alone. `by_address` are the paths that any IP
    address may be the host of, or none: those who watch over a process know no name of it, and the
    pages that rebinding is about come with one.
    """

    def __init__(self, app: ASGIApp, http: HttpSettings, by_address: Collection[str]) -> None:
        self._app = app
        self._hosts = _hosts(http)
        self._origins = frozenset(http.allowed_origins)
        self._is_local = is_loopback(http.host)
        self._by_address = by_address
        self._log = SeldomLog(logger)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if not self._is_host_allowed(hosts, scope):
            await self._refuse("Host", 421, hosts)(scope, receive, send)
        elif not self._is_origin_allowed(origins):
            await self._refuse("Origin", 403, origins)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_host_allowed(self, said: list[str], scope: Scope) -> bool:
        watched = scope["path"] in self._by_address
        if not said:
            return watched and scope["http_version"] == _NO_HOST
        host = parsed_host(said[0])
        if host is None or len(said) > 1:
            return False
        known = not self._hosts.isdisjoint((host, Host(host.name, None)))
        return known or (watched and host.is_address)

    def _is_origin_allowed(self, said: list[str]) -> bool:
        if not said:
            return True
        origin = said[0].lower()
        if len(said) > 1:
            return False
        scheme, _, rest = origin.partition("://")
        host = parsed_host(rest) if self._is_local and scheme == "http" else None
        return origin in self._origins or (host is not None and host.name in _LOCAL)

    def _refuse(self, header: str, status: int, said: list[str]) -> PlainTextResponse:
        refused(status)
        shown = ", ".join(said)[:_MAX_SHOWN]
        self._log.warning(status, "callers are refused: %d, %s %a", status, header, shown)
        return PlainTextResponse(f"Invalid {header} header", status)


def _hosts(http: HttpSettings) -> frozenset[Host]:
    """Return every allowed host; one without a port is allowed at any."""
    own = [http.host, urlsplit(http.public_url or "").hostname or ""]
    names = [*(f"[{one}]" if ":" in one else one for one in own), *http.allowed_hosts, *_LOCAL]
    return frozenset(host for host in map(parsed_host, names) if host)


def cors(http: HttpSettings) -> Iterator[Middleware]:
    """Yield the CORS middleware, where pages of other origins may call.

    It stands behind `AllowedHosts`: whatever origin it meets may read.
    """
    if http.allowed_origins or is_loopback(http.host):
        yield Middleware(
            CORSMiddleware,
            allow_origin_regex=".+",
            allow_methods=["POST"],
            allow_headers=["*"],
            expose_headers=["WWW-Authenticate", "Retry-After"],
        )
