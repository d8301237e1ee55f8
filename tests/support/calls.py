"""Calls of the two tools and reads of the API, in this process, within a deadline."""

import anyio
import jsonschema
import pytest
from mcp import Client
from mcp_types import CallToolResult, TextContent

from mcp_sessions.api.client import open_api
from mcp_sessions.errors import SessionsError
from mcp_sessions.server import ToolsByTenant, create_server
from mcp_sessions.settings import Settings
from mcp_sessions.tools.definitions import definitions
from mcp_sessions.wire.models import Page, Session

DEADLINE = 20
KEY = "evr_pat_CANARYKEY123"  # which must never be seen again


def settings_for(url: str, **more: object) -> Settings:
    """Return settings for an API at `url`, with a key."""
    return Settings(**{"api_url": url, "api_key": KEY, **more})


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


def shown_ids(result: CallToolResult) -> list[str]:
    """Return the ids in the structured form, having seen that the text has the same ones."""
    assert not result.is_error, text_of(result)
    content = result.structured_content
    jsonschema.validate(content, definitions()[0].output_schema)
    ids = [row["id"] for row in content["sessions"]]
    lines = text_of(result).split("\n")
    assert [line.split()[0] for line in lines if line.startswith("session_")] == ids
    assert content["returned"] == len(ids)
    assert content["has_more"] == ("next_cursor" in content)
    return ids


async def at_once(_seconds: float) -> None:
    """Sleep for no time, where the time between two tries is not what is tested."""


def read_page(settings: Settings, **parameters: str) -> Page[Session]:
    """Read one page by the API's client, which tries again at once where no wait is named."""

    async def once() -> Page[Session]:
        with anyio.fail_after(min(DEADLINE, settings.deadline)):
            async with open_api(settings, at_once) as api:
                return await api.page({"offset": 0, "limit": 20} | parameters, Session)

    return anyio.run(once)


def fault_of(settings: Settings, **parameters: str) -> SessionsError:
    """Return what a page that cannot be read raises."""
    with pytest.raises(SessionsError) as failed:
        read_page(settings, **parameters)
    return failed.value
