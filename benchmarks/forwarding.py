"""What both low-level forwarders are: a tool that asks the API for a page at every call."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import anyio
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp_types import CallToolResult, ListToolsResult, Tool

_TOOL = Tool(
    name="list_sessions",
    description="List sessions.",
    input_schema={"type": "object", "properties": {}},
)


def forwarder(
    url: str,
    client: Callable[[], AbstractAsyncContextManager[Any]],
    result: Callable[[Any], CallToolResult],
) -> Server[Any]:
    """Return a server with one kept-alive HTTP client, and with its own result of a response."""

    async def list_tools(*_: Any) -> ListToolsResult:
        return ListToolsResult(tools=[_TOOL])

    async def call_tool(context: Any, *_: Any) -> CallToolResult:
        return result(await context.lifespan_context.get(url))

    return Server(
        "forwarder",
        lifespan=lambda _: client(),
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def serve(server: Server[Any], port: str | None, *, json_response: bool) -> None:
    """Serve stdio until the client leaves, or stateless HTTP until it is stopped."""
    if port is None:
        anyio.run(_over_stdio, server)
        return
    import uvicorn  # noqa: PLC0415 - its import is not part of a start over stdio

    app = server.streamable_http_app(json_response=json_response, stateless_http=True)
    uvicorn.run(app, port=int(port), log_level="error", access_log=False)


async def _over_stdio(server: Server[Any]) -> None:
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())
