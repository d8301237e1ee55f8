"""The least that an MCP server of the SDK can do: it forwards the API's page, once and unparsed.

Arguments: the URL of the page, and a port for HTTP instead of stdio.
"""

import sys

import httpx2
from forwarding import forwarder, serve
from mcp_types import CallToolResult, TextContent


def main(url: str, port: str | None = None) -> None:
    """Serve stdio until the client leaves, or stateless HTTP until it is stopped."""
    serve(forwarder(url, httpx2.AsyncClient, _once), port, json_response=True)


def _once(response: httpx2.Response) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=response.text)])


if __name__ == "__main__":
    main(*sys.argv[1:])
