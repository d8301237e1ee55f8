"""An MCP server as one writes it without thinking: it forwards the API's page, twice.

The URL of the page is its only argument.
"""

import sys
from typing import Any

import anyio
import httpx
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp_types import CallToolResult, ListToolsResult, TextContent, Tool

_TOOL = Tool(
    name="list_sessions",
    description="List sessions.",
    input_schema={"type": "object", "properties": {}},
)


async def forward(url: str) -> None:
    """Serve stdio until the client leaves, over one kept-alive HTTP client."""
    async with httpx.AsyncClient() as api:

        async def list_tools(*_: Any) -> ListToolsResult:
            return ListToolsResult(tools=[_TOOL])

        async def call_tool(*_: Any) -> CallToolResult:
            response = await api.get(url)
            return CallToolResult(
                content=[TextContent(text=response.text)], structured_content=response.json()
            )

        server = Server("naive-forwarder", on_list_tools=list_tools, on_call_tool=call_tool)
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(forward, sys.argv[1])
