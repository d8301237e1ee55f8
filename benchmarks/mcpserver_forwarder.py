"""The SDK's own framework before the API: a tool that returns the page as it comes.

Arguments: the URL of the page, and a port for HTTP instead of stdio.
"""

import sys
from typing import Any

import httpx
from mcp.server.mcpserver import MCPServer


def main(url: str, port: str | None = None) -> None:
    """Serve stdio until the client leaves, or stateless HTTP until it is stopped."""
    client = httpx.AsyncClient()
    server = MCPServer("mcpserver-forwarder", log_level="ERROR")

    @server.tool()
    async def list_sessions() -> dict[str, Any]:
        """List sessions."""
        response = await client.get(url)
        page: dict[str, Any] = response.json()
        return page

    if port is None:
        server.run()
    else:
        server.run("streamable-http", port=int(port), stateless_http=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
