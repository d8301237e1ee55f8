"""The Streamable HTTP app: stateless, at /mcp, for browsers and programs of this machine only."""

import ipaddress
from collections.abc import Iterator

from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette

from mcp_sessions.errors import InvalidSettings
from mcp_sessions.server import create_server
from mcp_sessions.settings import Settings

PATH = "/mcp"
MOST_BODY_BYTES = 256 * 1024  # the longest sensible call is a tenth of this


def create_app(settings: Settings, host: str) -> Starlette:
    """Return the app to be served on `host`.

    Raises:
        InvalidSettings: the host is not a loopback address; nobody is authenticated yet.
    """
    if not _is_loopback(host):
        raise InvalidSettings(
            f"{host} can be reached from other machines, and this server does not authenticate"
            " its callers: serve on 127.0.0.1, ::1 or localhost."
        )
    # Named even for loopback: the SDK checks Host and Origin only where it knows the host.
    names = [f"[{host}]" if ":" in host else host, "127.0.0.1", "localhost", "[::1]"]
    allowed = [allowed for name in dict.fromkeys(names) for allowed in _with_ports(name)]
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=allowed,
        allowed_origins=[f"http://{name}" for name in allowed],
    )
    return create_server(settings).streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=True,
        transport_security=security,
        max_request_body_size=MOST_BODY_BYTES,
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _with_ports(name: str) -> Iterator[str]:
    yield name
    yield f"{name}:*"
