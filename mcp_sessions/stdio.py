"""MCP over stdin and stdout, where no line that asks for an answer stays without one."""

import json
import sys
from collections.abc import AsyncIterator
from io import TextIOWrapper
from typing import Any, cast

import anyio
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp_types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError
from mcp_types.jsonrpc import jsonrpc_message_adapter
from pydantic import ValidationError

from mcp_sessions.server import create_server
from mcp_sessions.settings import Settings


async def serve_stdio(settings: Settings) -> None:
    """Serve one client until it closes stdin."""
    server = create_server(settings)
    lines = _Lines()
    async with stdio_server(stdin=cast("anyio.AsyncFile[str]", lines)) as (messages, answers):
        lines.refuse_through(answers)
        await server.run(messages, answers, server.create_initialization_options())


class _Lines:
    """The lines of stdin that are messages.

    The SDK's reader drops the others without a word, and a client whose request had half a
    character in it would wait for ever.
    """

    def __init__(self) -> None:
        text = TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace")
        self._file = anyio.wrap_file(text)
        self._answers: Any = None
        self._open = anyio.Event()

    def refuse_through(self, answers: Any) -> None:
        """Begin to read, and send refusals where the answers go."""
        self._answers = answers
        self._open.set()

    async def __aiter__(self) -> AsyncIterator[str]:
        await self._open.wait()
        async for line in self._file:
            if not line.strip():
                continue
            refusal = _refusal(line)
            if refusal is None:
                yield line
            else:
                await self._answers.send(SessionMessage(refusal))


def _refusal(line: str) -> JSONRPCError | None:
    """Return the error for a line that is no message, under its id if it has one."""
    try:
        jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValidationError:
        pass
    else:
        return None
    try:
        loose = json.loads(line)
    except (ValueError, RecursionError):
        return _error(None, PARSE_ERROR, "The line is not JSON.")
    return _error(_id_of(loose), INVALID_REQUEST, "The line is not a JSON-RPC 2.0 message.")


def _id_of(loose: Any) -> str | int | None:
    """Return the id of what was meant as a request, if it is one that an answer can carry."""
    asked = loose.get("id") if isinstance(loose, dict) and "method" in loose else None
    if isinstance(asked, str):
        return asked if asked.isprintable() else None
    return asked if isinstance(asked, int) and not isinstance(asked, bool) else None


def _error(request_id: str | int | None, code: int, message: str) -> JSONRPCError:
    return JSONRPCError(jsonrpc="2.0", id=request_id, error=ErrorData(code=code, message=message))
