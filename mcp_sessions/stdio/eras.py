"""Both protocol eras on one stdio process: each message goes to the SDK loop of its era."""

import json
from codecs import BOM_UTF8
from typing import Any

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectSendStream
from mcp.server.lowlevel import Server
from mcp.server.runner import serve_dual_era_loop
from mcp.shared.message import SessionMessage
from mcp_types import (
    PROTOCOL_VERSION_META_KEY,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
)
from mcp_types.jsonrpc import jsonrpc_message_adapter
from pydantic import ValidationError

from mcp_sessions.argument_values import arguments_from_text
from mcp_sessions.server import ToolsByTenant
from mcp_sessions.stdio.line_errors import error_for, error_for_long
from mcp_sessions.stdio.line_splitter import Line, LongLine
from mcp_sessions.stdio.outgoing import Outgoing

_Stream = MemoryObjectSendStream[SessionMessage | Exception]


class EraRouter:
    """Hands one client's lines to the SDK loop of their era, starting each when it is needed.

    The SDK's loop serves the era of its first request and no other, while a client may probe
    with `server/discover` and then, having waited in vain or not, begin with `initialize`.
    """

    def __init__(
        self,
        server: Server[ToolsByTenant],
        tools: ToolsByTenant,
        outgoing: Outgoing,
        tasks: TaskGroup,
    ) -> None:
        self._server = server
        self._tools = tools
        self._outgoing = outgoing
        self._tasks = tasks
        self._loops: dict[bool, _Stream] = {}

    async def receive(self, line: Line) -> None:
        """Take one line; a blank one means nothing, and what is no message gets an error."""
        if isinstance(line, LongLine):
            self._refuse(error_for_long(line))
            return
        text = line.removeprefix(BOM_UTF8).decode(errors="replace")
        if not text.strip():
            return
        try:
            message = jsonrpc_message_adapter.validate_json(text, by_name=False)
        except ValidationError:
            self._refuse(error_for(text))
            return
        if isinstance(message, JSONRPCNotification) and _has_id(text):
            # The SDK takes a request with an odd id for a notification.
            self._refuse(error_for(text))
            return
        if isinstance(message, JSONRPCRequest) and message.method == "tools/call":
            _read_text_arguments(message)
        self._outgoing.track(message, len(line))
        for loop in self._loops_for(message):
            await loop.send(SessionMessage(message))

    def _refuse(self, error: JSONRPCError) -> None:
        # In a task: a client that does not read has to be heard all the same.
        pending = self._outgoing.track_unreadable()
        self._tasks.start_soon(self._outgoing.send_error, error, pending)

    def close(self) -> None:
        """Tell the loops that no more will come."""
        for loop in self._loops.values():
            loop.close()

    def _loops_for(self, message: JSONRPCMessage) -> list[_Stream]:
        if isinstance(message, JSONRPCRequest):
            return [self._loop(modern=_is_modern(message))]
        # Notifications and answers carry no version; a loop passes over those of the other era.
        return list(self._loops.values()) or [self._loop(modern=False)]

    def _loop(self, *, modern: bool) -> _Stream:
        if modern not in self._loops:
            send, receive = anyio.create_memory_object_stream[SessionMessage | Exception](1)
            self._loops[modern] = send
            self._tasks.start_soon(self._serve, receive)
        return self._loops[modern]

    async def _serve(self, messages: Any) -> None:
        options = self._server.create_initialization_options()
        await serve_dual_era_loop(
            self._server, messages, self._outgoing, lifespan_state=self._tools, init_options=options
        )


def _is_modern(request: JSONRPCRequest) -> bool:
    """Tell the era by what only one of them has, as the SDK's loop does."""
    meta = (request.params or {}).get("_meta")
    enveloped = isinstance(meta, dict) and PROTOCOL_VERSION_META_KEY in meta
    return enveloped and request.method != "initialize"


def _read_text_arguments(request: JSONRPCRequest) -> None:
    """Put an object in the place of arguments that came as its text."""
    if request.params and isinstance(text := request.params.get("arguments"), str):
        request.params["arguments"] = arguments_from_text(text)


def _has_id(text: str) -> bool:
    return '"id"' in text and "id" in json.loads(text)
