"""The SDK's own client, in both eras, over stdio and HTTP."""

import jsonschema
import pytest
from anyio import fail_after, move_on_after
from mcp import Client, ClientSession, MCPError, StdioServerParameters, stdio_client
from mcp_types import INVALID_PARAMS

from support.messages import MODERN, OLDER, TOOLS
from support.processes import COMMAND, DEADLINE

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module", params=["stdio", "http"])
def target(request, own_environment):
    if request.param == "http":
        return request.getfixturevalue("http").url
    command, *arguments = COMMAND
    return StdioServerParameters(command=command, args=arguments, env=own_environment)


@pytest.fixture(scope="module", params=["auto", "legacy"])
async def client(request, target):
    async with Client(target, mode=request.param, read_timeout_seconds=DEADLINE) as client:
        yield client


@pytest.fixture
def stored_ids(api):
    rows, total = api.store.page(limit=1_000)
    assert len(rows) == total > 100
    return [row.id for row in rows]


async def call(client, name, **arguments):
    with fail_after(DEADLINE):
        return await client.call_tool(name, arguments)


async def walk(client, **arguments):
    """Return every page from the first to the one that names no other."""
    pages = [(await call(client, "list_sessions", **arguments)).structured_content]
    while cursor := pages[-1].get("next_cursor"):
        page = await call(client, "get_session_page", cursor=cursor)
        pages.append(page.structured_content)
    return pages


def ids(*pages):
    return [session["id"] for page in pages for session in page["sessions"]]


async def test_each_era_speaks_its_newest_revision(client):
    expected = {"auto": MODERN, "legacy": OLDER[0]}
    assert client.protocol_version == expected[client.mode]


async def test_there_are_two_tools_with_titles_and_all_four_hints(client):
    with fail_after(DEADLINE):
        listed = await client.list_tools()
    assert listed.next_cursor is None
    assert [tool.name for tool in listed.tools] == TOOLS
    for tool in listed.tools:
        assert tool.title
        assert tool.annotations.title == tool.title
        assert tool.annotations.read_only_hint is True
        assert tool.annotations.destructive_hint is False
        assert tool.annotations.idempotent_hint is True
        assert tool.annotations.open_world_hint is False


async def test_the_second_tool_goes_on_where_the_first_stopped(client, stored_ids):
    first = await call(client, "list_sessions", limit=5)
    cursor = first.structured_content["next_cursor"]
    second = await call(client, "get_session_page", cursor=cursor)
    assert not first.is_error
    assert not second.is_error
    assert ids(first.structured_content, second.structured_content) == stored_ids[:10]


async def test_a_walk_shows_every_session_once(client, stored_ids):
    pages = await walk(client, limit=100)
    assert sorted(ids(*pages)) == sorted(stored_ids)
    created = [session["created_at"] for page in pages for session in page["sessions"]]
    assert created == sorted(created, reverse=True)
    assert not pages[-1]["has_more"]


@pytest.mark.parametrize("detail", ["brief", "standard", "full"])
async def test_structured_content_is_as_the_output_schema_says(client, detail):
    with fail_after(DEADLINE):
        schemas = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
    first = await call(client, "list_sessions", limit=30, detail=detail)
    second = await call(client, "get_session_page", offset=7, limit=30, detail=detail)
    for name, result in zip(TOOLS, (first, second), strict=True):
        jsonschema.Draft202012Validator.check_schema(schemas[name])
        jsonschema.validate(result.structured_content, schemas[name])


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("list_sessions", {"limit": 101}),
        ("list_sessions", {"colour": "red"}),
        ("get_session_page", {}),
        ("get_session_page", {"cursor": "nonsense"}),
    ],
)
async def test_a_wrong_argument_is_answered_with_text_and_nothing_else(client, name, arguments):
    result = await call(client, name, **arguments)
    assert result.is_error
    assert result.structured_content is None
    (part,) = result.content
    assert part.text.startswith("invalid_")


async def test_an_unknown_tool_is_a_protocol_error(client):
    with pytest.raises(MCPError) as caught:
        await call(client, "delete_everything")
    assert caught.value.error.code == INVALID_PARAMS


async def test_a_session_that_gives_up_its_probe_may_begin_with_initialize(own_environment):
    command, *arguments = COMMAND
    server = StdioServerParameters(command=command, args=arguments, env=own_environment)
    with fail_after(DEADLINE):
        async with stdio_client(server) as streams, ClientSession(*streams) as session:
            with move_on_after(0.01):  # long before a process can answer
                await session.send_discover(MODERN)
            greeted = await session.initialize()
            assert greeted.protocol_version == OLDER[0]
            assert [tool.name for tool in (await session.list_tools()).tools] == TOOLS
            result = await session.call_tool("list_sessions", {"limit": 3})
    assert len(result.structured_content["sessions"]) == 3
