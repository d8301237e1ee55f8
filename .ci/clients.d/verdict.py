"""What a client kept of the tools and of a result, beside what the server itself says."""
# ruff: noqa: INP001

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from dialects import Offered
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from stand_in import ARGUMENTS, TOOL, Conversation

_NAMES_OF_ARGUMENTS = ("properties", "$defs")


@dataclass(frozen=True, slots=True)
class Truth:
    """The server's tools and one result, by the SDK that it is built on."""

    tools: Mapping[str, tuple[str, dict[str, Any]]]
    text: str
    structured: Mapping[str, Any]


async def ask(server: str) -> Truth:
    """Ask a server for its tools and for the result that clients will ask for."""
    parameters = StdioServerParameters(command=server, args=["--demo"])
    async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
        await session.initialize()
        listed = (await session.list_tools()).tools
        result = await session.call_tool(TOOL, ARGUMENTS)
    tools = {tool.name: (tool.description or "", tool.input_schema) for tool in listed}
    return Truth(tools, result.content[0].text, result.structured_content or {})


def listed(truth: Truth, conversation: Conversation) -> str:
    """Say how many of the server's tools the model was given, and whether it had to search."""
    found = [name for name in truth.tools if _given(conversation, name)]
    return f"{len(found)} of {len(truth.tools)}" + (", searched" if conversation.searched else "")


def reached(truth: Truth, conversation: Conversation) -> str:
    """Say in which form a result reached the model, and whether anything of it was cut."""
    if not conversation.results:
        return "nothing"
    flat = json.dumps(conversation.results, ensure_ascii=False).replace("\\", "")
    forms = []
    if truth.text.splitlines()[0].replace("\\", "") in flat:
        forms.append("text")
    if truth.structured and all(f'"{name}":' in flat for name in truth.structured):
        forms.append("structuredContent")
    ids = [row["id"] for row in truth.structured.get("sessions", [])]
    cut = "" if all(each in flat for each in ids) and "cursor" in flat else ", cut"
    return (" and ".join(forms) or "something else") + cut


def kept(truth: Truth, conversation: Conversation) -> str:
    """Say what is gone from the tools' schemas and descriptions, or that they are whole."""
    given = {name: _given(conversation, name) for name in truth.tools}
    gone: dict[str, None] = {}
    for name, (description, schema) in truth.tools.items():
        tool = given[name]
        if tool is not None:
            gone |= dict.fromkeys(_gone(description, schema, tool))
    notes = [f"without {', '.join(gone)}"] if gone else ["whole"]
    notes += ["strict"] if any(tool and tool.strict for tool in given.values()) else []
    return "; ".join([*notes, *_added(truth, given)])


def _given(conversation: Conversation, name: str) -> Offered | None:
    ours = (tool for each, tool in conversation.tools.items() if each.endswith(name))
    return next(ours, None)


def _gone(description: str, schema: dict[str, Any], tool: Offered) -> Iterator[str]:
    if description not in tool.description:
        yield "tool descriptions"
    after = dict(_leaves(tool.schema))
    for path, value in _leaves(schema):
        *place, keyword = path
        if keyword == "description":
            if value not in after.get(path, ""):
                yield "descriptions"
        elif path not in after:
            yield "arguments" if place and place[-1] in _NAMES_OF_ARGUMENTS else keyword
        elif not isinstance(value, dict) and _plain(value) != _plain(after[path]):
            yield f"the same {keyword}"


def _plain(value: Any) -> str:
    """Write a value so that Gemini's STRING is a string, and its 100.0 and "100" are 100."""
    with suppress(TypeError, ValueError):
        return str(float(value))
    return str(value).casefold()


def _leaves(schema: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every keyword and argument of a schema with the way to it."""
    for keyword, value in schema.items():
        yield (*place, keyword), value
        if isinstance(value, dict) and keyword != "default":
            yield from _leaves(value, (*place, keyword))


def _added(truth: Truth, given: Mapping[str, Offered | None]) -> Iterator[str]:
    pairs = [(truth.tools[name][1], tool.schema) for name, tool in given.items() if tool]
    if any(
        set(after.get("required", [])) - set(before.get("required", [])) for before, after in pairs
    ):
        yield "all required"
    more = {
        name
        for before, after in pairs
        for name in after.get("properties", {})
        if name not in before["properties"]
    }
    if more:
        yield f"adds {', '.join(sorted(more))}"
