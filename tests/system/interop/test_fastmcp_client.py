"""FastMCP's client over stdio and HTTP."""

import pytest
from anyio import fail_after
from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from fastmcp.exceptions import ToolError

from support.messages import TOOLS
from support.processes import COMMAND, DEADLINE

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module", params=["stdio", "http"])
def target(request, own_environment):
    if request.param == "http":
        return request.getfixturevalue("http").url
    command, *arguments = COMMAND
    # Without keep_alive the process would outlive its client, for the next one to find.
    return StdioTransport(command, arguments, env=own_environment, keep_alive=False)


@pytest.fixture(scope="module")
async def client(target):
    async with Client(target, timeout=DEADLINE, init_timeout=DEADLINE) as client:
        yield client


async def test_fastmcps_client_lists_two_tools(client):
    with fail_after(DEADLINE):
        assert [tool.name for tool in await client.list_tools()] == TOOLS


async def test_fastmcps_client_calls_both_tools(client):
    with fail_after(DEADLINE):
        first = await client.call_tool("list_sessions", {"limit": 5})
        cursor = first.structured_content["next_cursor"]
        second = await client.call_tool("get_session_page", {"cursor": cursor})
    assert [page.data.offset for page in (first, second)] == [0, 5]
    assert [len(page.data.sessions) for page in (first, second)] == [5, 5]


async def test_fastmcps_client_raises_for_a_wrong_argument_what_the_server_said(client):
    with fail_after(DEADLINE), pytest.raises(ToolError) as caught:
        await client.call_tool("list_sessions", {"limit": 101})
    assert str(caught.value).startswith("invalid_arguments: limit must be")
