"""The SDK's own framework before the API: a tool that returns the page as it comes.

Argument: the URL of the page.
"""

import sys
from typing import Any

import httpx
from mcp.server.mcpserver import MCPServer


def main(url: str) -> None:
    """Serve stdio until the client leaves."""
    client = httpx.AsyncClient()
    server = MCPServer("mcpserver-forwarder")

    @server.tool()
    async def list_sessions() -> dict[str, Any]:
        """List sessions."""
        response = await client.get(url)
        page: dict[str, Any] = response.json()
        return page

    server.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
