"""What an agent sees, shown to a person: a real stdio server, asked by a real MCP client."""

import json
import sys
import urllib.request

import anyio
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent

_DEADLINE = 60  # seconds for the whole show
_ROWS = 20


async def show(api_url: str) -> None:
    """Print two tool calls as a model reads them, and what the answer of the API would weigh.

    `api_url` is an embedded API of the same made-up sessions as the server's own.

    Raises TimeoutError after a minute.
    """
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "mcp_sessions", "--demo"],
    )
    with anyio.fail_after(_DEADLINE):
        async with Client(server) as client:
            tools = (await client.list_tools()).tools
            print(f"A stdio server offers {', '.join(tool.name for tool in tools)}.")
            page = await _call(client, "list_sessions", {"limit": _ROWS})
            cursor = (page.structured_content or {}).get("next_cursor")
            following = {"cursor": cursor, "detail": "brief"}
            await _call(client, "get_session_page", following)
        raw = await anyio.to_thread.run_sync(_raw_page, api_url)
    _weigh(raw, page)


async def _call(client: Client, name: str, arguments: dict[str, object]) -> CallToolResult:
    said = ", ".join(f"{key}={json.dumps(value)}" for key, value in arguments.items())
    print(f"\n> {name}({said})")
    result = await client.call_tool(name, arguments)
    print(_text(result))
    return result


def _weigh(raw: bytes, page: CallToolResult) -> None:
    structured = json.dumps(page.structured_content, separators=(",", ":"), ensure_ascii=False)
    print(f"\nThe same {_ROWS} sessions weigh:")
    for name, size in (
        ("as the API sends them", len(raw)),
        ("as structured content", len(structured.encode())),
        ("as text", len(_text(page).encode())),
    ):
        print(f"  {name:<22} {size:>8,} bytes {100 * size / len(raw):>6.1f} %")


def _text(result: CallToolResult) -> str:
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))


def _raw_page(api_url: str) -> bytes:
    """Read the page without a proxy, since the embedded API is on this machine."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    url = f"{api_url}/v1/sessions?limit={_ROWS}"
    with opener.open(url, timeout=_DEADLINE) as answer:
        return bytes(answer.read())
