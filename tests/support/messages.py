"""JSON-RPC messages of both eras, as a client writes them by hand."""

from typing import Any

TOOLS = ["list_sessions", "get_session_page"]

MODERN = "2026-07-28"
OLDER = ("2025-11-25", "2025-06-18", "2025-03-26")
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "by hand", "version": "0"},
}


def request(number: int | str, method: str, **params: Any) -> dict[str, Any]:
    """Return a request of the current revision."""
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": {**params, "_meta": META}}


def older_request(number: int | str, method: str, **params: Any) -> dict[str, Any]:
    """Return a request of the revisions that begin with initialize."""
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def initialize(revision: str) -> dict[str, Any]:
    """Return the first request of an older client."""
    client = {"name": "by hand", "version": "0"}
    return older_request(
        "initialize", "initialize", protocolVersion=revision, capabilities={}, clientInfo=client
    )


def list_call(number: int | str = 1, **arguments: Any) -> dict[str, Any]:
    """Return a call of list_sessions of the current revision."""
    return request(number, "tools/call", name="list_sessions", arguments=arguments)


def older_list_call(number: int | str = 1, **arguments: Any) -> dict[str, Any]:
    """Return a call of list_sessions of the revisions that begin with initialize."""
    return older_request(number, "tools/call", name="list_sessions", arguments=arguments)
