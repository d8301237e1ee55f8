"""The whole tools/list answer, the same wherever it is asked for."""

import json
from pathlib import Path

import pytest
from anyio import fail_after
from mcp import Client, StdioServerParameters

from mcp_sessions.server import ToolsByTenant, create_server
from mcp_sessions.settings import Settings

from support.processes import COMMAND, DEADLINE

SNAPSHOT = Path(__file__).with_name("tools_list.json")
WIDTH = 100

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["memory", "stdio", "http"])
def target(request, own_environment):
    if request.param == "memory":
        return create_server(ToolsByTenant(Settings.from_env(own_environment)))
    if request.param == "http":
        return request.getfixturevalue("http").url
    command, *arguments = COMMAND
    return StdioServerParameters(command=command, args=arguments, env=own_environment)


async def answer(target, mode):
    """Return the answer without `_meta`, which names the server's version."""
    with fail_after(DEADLINE):
        async with Client(target, mode=mode) as client:
            listed = await client.list_tools()
    return listed.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"meta"})


def folded(value, indent=0, before=0):
    """Write JSON with each value on one line if it fits, else each of its members on a line."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or before + len(line) < WIDTH:
        return line
    step = " " * (indent + 1)
    if isinstance(value, list):
        rows = [step + folded(member, indent + 1, len(step)) for member in value]
        opened, closed = "[]"
    else:
        heads = [f"{step}{json.dumps(name)}: " for name in value]
        members = zip(heads, value.values(), strict=True)
        rows = [head + folded(member, indent + 1, len(head)) for head, member in members]
        opened, closed = "{}"
    return "\n".join([opened, ",\n".join(rows), " " * indent + closed])


async def test_the_answer_is_the_stored_one_over_memory_stdio_and_http(
    request, target, recorded_text
):
    answered = folded(await answer(target, "auto")) + "\n"
    if request.node.callspec.params["target"] == "memory":  # the first, which alone may record
        assert recorded_text(SNAPSHOT, answered) == answered
    assert SNAPSHOT.read_text(encoding="utf-8") == answered


async def test_older_clients_are_given_the_same_tools(target):
    answered = await answer(target, "legacy")
    assert answered["tools"] == json.loads(SNAPSHOT.read_text(encoding="utf-8"))["tools"]
