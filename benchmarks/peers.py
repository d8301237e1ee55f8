"""The servers that are compared: this one, and what else is put before the API."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stdio_client import StdioServer

_HERE = Path(__file__).parent
STRICT = "strict forwarder"
"""The base of ratios."""
NAIVE = "low-level forwarder"
MCPSERVER = "MCPServer forwarder"
PROXY = "FastMCP proxy"


@dataclass(frozen=True, slots=True)
class Peer:
    """A server by name: how it is started, and what a page is asked for with.

    It serves stdio, or HTTP when `listening` and a port follow its command.
    """

    name: str
    command: list[str]
    arguments: dict[str, Any]
    environment: dict[str, str] = field(default_factory=dict)
    listening: tuple[str, ...] = ()

    def running(self) -> AbstractContextManager[StdioServer]:
        """Run it until the block ends."""
        return StdioServer.running(self.command, self.environment)


def ours(url: str, rows: int, detail: str = "standard") -> Peer:
    """Return this server before the API at `url`."""
    environment = {
        "EVERRUNS_API_URL": url,
        "MCP_SESSIONS_NO_KEY": "true",
        "MCP_SESSIONS_REQUESTS_PER_MINUTE": "1000000",
    }
    command = [sys.executable, "-m", "mcp_sessions"]
    arguments = {"limit": rows, "detail": detail}
    return Peer(f"this server, {detail}", command, arguments, environment, ("http", "--port"))


def ours_in_each_detail(url: str, rows: int) -> list[Peer]:
    """Return this server as asked for each level of detail."""
    return [ours(url, rows, detail) for detail in ("brief", "standard", "full")]


def others(url: str, rows: int, openapi: str | None) -> Iterator[Peer]:
    """Return the forwarders, and FastMCP's proxy if there is a description of the API."""
    page = f"{url}/v1/sessions?limit={rows}"
    yield Peer(STRICT, _script("strict_forwarder.py", page), {})
    yield Peer(NAIVE, _script("naive_forwarder.py", page), {})
    yield Peer(MCPSERVER, _script("mcpserver_forwarder.py", page), {})
    if openapi:
        yield Peer(PROXY, _script("fastmcp_proxy.py", openapi, url), {"limit": rows})


def _script(name: str, *arguments: str) -> list[str]:
    return [sys.executable, str(_HERE / name), *arguments]
