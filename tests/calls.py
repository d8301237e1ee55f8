"""Calls of the two tools through the SDK's client, in memory, within a deadline."""

import anyio
from mcp import Client
from mcp_types import CallToolResult, TextContent

from mcp_sessions.server import ToolsByTenant, create_server
from mcp_sessions.settings import Settings

DEADLINE = 20


def settings_for(url: str, **more: object) -> Settings:
    """Return settings for an API at `url`, with a key that must never be seen again."""
    return Settings(api_url=url, api_key="evr_pat_CANARYKEY123", **more)


def call_tool(
    settings: Settings, name: str = "list_sessions", arguments: dict[str, object] | None = None
) -> CallToolResult:
    """Call one tool of a fresh server."""

    async def call() -> CallToolResult:
        with anyio.fail_after(DEADLINE):
            async with Client(create_server(ToolsByTenant(settings))) as client:
                return await client.call_tool(name, arguments or {})

    return anyio.run(call)


def text_of(result: CallToolResult) -> str:
    """Return what a model would read."""
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))


def failure_of(result: CallToolResult) -> str:
    """Return the text of a result that must be an error."""
    assert result.is_error, text_of(result)
    assert result.structured_content is None
    return text_of(result)
