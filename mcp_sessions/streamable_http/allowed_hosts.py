"""Which `Host` and `Origin` headers are served: DNS rebinding protection and CORS."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from mcp.server.transport_security import TransportSecuritySettings
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from mcp_sessions.http_settings import HttpSettings, is_loopback

_LOCAL: Final = ("127.0.0.1", "localhost", "[::1]")
_LOCAL_PAGE: Final = rf"http://({'|'.join(map(re.escape, _LOCAL))})(:\d+)?"


def transport_security(http: HttpSettings) -> TransportSecuritySettings:
    """Return every allowed host and origin: the SDK checks them only where they are listed."""
    names = [_bracketed(http.host), *http.allowed_hosts]
    if http.public_url:
        names.append(_bracketed(urlsplit(http.public_url).hostname or ""))
    known = dict.fromkeys(name.lower() for name in [*names, *_LOCAL])
    hosts = [one for name in known for one in _any_port(name)]
    pages = [one for name in _LOCAL for one in _any_port(name)] if is_loopback(http.host) else []
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=hosts,
        allowed_origins=[*(f"http://{page}" for page in pages), *http.allowed_origins],
    )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _any_port(name: str) -> Iterator[str]:
    yield name
    if not re.search(r":\d+$", name):
        yield f"{name}:*"


def cors(http: HttpSettings) -> Iterator[Middleware]:
    """Yield the CORS middleware, where pages of other origins may call."""
    local = is_loopback(http.host)
    if http.allowed_origins or local:
        yield Middleware(
            CORSMiddleware,
            allow_origins=list(http.allowed_origins),
            allow_origin_regex=_LOCAL_PAGE if local else None,
            allow_methods=["POST"],
            allow_headers=["*"],
            expose_headers=["WWW-Authenticate", "Retry-After"],
        )
