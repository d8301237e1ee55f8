"""An MCP server as one writes it without thinking: it forwards the API's page, twice.

Arguments: the URL of the page, and a port for HTTP instead of stdio.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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


def forwarder(url: str) -> Server[httpx.AsyncClient]:
    """Return a server with one kept-alive HTTP client."""

    @asynccontextmanager
    async def api(_: Any) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient() as client:
            yield client

    async def list_tools(*_: Any) -> ListToolsResult:
        return ListToolsResult(tools=[_TOOL])

    async def call_tool(context: Any, *_: Any) -> CallToolResult:
        response = await context.lifespan_context.get(url)
        return CallToolResult(
            content=[TextContent(text=response.text)], structured_content=response.json()
        )

    return Server("naive-forwarder", lifespan=api, on_list_tools=list_tools, on_call_tool=call_tool)


async def over_stdio(server: Server[httpx.AsyncClient]) -> None:
    """Serve until the client leaves."""
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def main(url: str, port: str | None = None) -> None:
    """Serve stdio, or stateless HTTP until it is stopped."""
    if port is None:
        anyio.run(over_stdio, forwarder(url))
        return
    import uvicorn  # noqa: PLC0415 - its import is not part of a start over stdio

    app = forwarder(url).streamable_http_app(stateless_http=True)
    uvicorn.run(app, port=int(port), log_level="error", access_log=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
