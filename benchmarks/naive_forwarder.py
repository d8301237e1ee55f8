"""An MCP server as one writes it without thinking: it forwards the API's page, twice.

Arguments: the URL of the page, and a port for HTTP instead of stdio.
"""

import sys

import httpx
from forwarding import forwarder, serve
from mcp_types import CallToolResult, TextContent


def main(url: str, port: str | None = None) -> None:
    """Serve stdio until the client leaves, or stateless HTTP until it is stopped."""
    serve(forwarder(url, httpx.AsyncClient, _twice), port, json_response=False)


def _twice(response: httpx.Response) -> CallToolResult:
    return CallToolResult(
        content=[TextContent(text=response.text)], structured_content=response.json()
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
