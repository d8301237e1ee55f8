"""MCP over stdin and stdout: both eras on one process, and no request without an answer."""

import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectSendStream
from mcp.server.lowlevel import Server
from mcp.server.runner import serve_dual_era_loop
from mcp.shared.message import SessionMessage
from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    PROTOCOL_VERSION_META_KEY,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCRequest,
)
from mcp_types.jsonrpc import jsonrpc_message_adapter
from pydantic import ValidationError

from mcp_sessions.desk import Desk
from mcp_sessions.server import server_of
from mcp_sessions.settings import Settings
from mcp_sessions.signals import ENDING, leave
from mcp_sessions.stdio.descriptors import Pipes
from mcp_sessions.stdio.early_answers import Handover
from mcp_sessions.stdio.outgoing import Answers
from mcp_sessions.stdio.reader import lines

_LAST_ANSWERS: Final = 1.0  # seconds that what was asked before stdin's end may still take


async def serve_stdio(settings: Settings, wire: Pipes, handover: Handover) -> None:
    """Serve one client until it closes stdin or stops reading, or a signal comes.

    What it asked before it closed stdin is still answered if that takes no more than a second;
    then calls in flight are cancelled, and what they hold is closed.
    """
    answers = Answers(wire.stdout, handover)
    try:
        async with _ending_at_signals(answers):
            with answers.everything:
                await _converse(Desk(settings), wire, handover, answers)
    finally:
        answers.release()


async def _converse(desk: Desk, wire: Pipes, handover: Handover, answers: Answers) -> None:
    async with desk.open(), anyio.create_task_group() as tasks:
        conversation = _Conversation(server_of(desk), desk, answers, tasks)
        tasks.start_soon(answers.go_on, handover.unsent)
        try:
            for line in handover.lines:
                await conversation.hear(line)
            if not handover.ended:
                async for line in lines(wire.stdin, handover.rest):
                    await conversation.hear(line)
            with anyio.move_on_after(_LAST_ANSWERS):
                await answers.all_given()
        finally:
            answers.hurry()
            conversation.end()


@asynccontextmanager
async def _ending_at_signals(answers: Answers) -> AsyncIterator[None]:
    """End everything in order at SIGINT or SIGTERM, and at once at a second."""
    if os.name != "posix":  # where the loop knows no signals, the command's own handlers end it
        yield
        return
    before = {number: signal.getsignal(number) for number in ENDING}
    try:
        with anyio.open_signal_receiver(*ENDING) as signals:
            async with anyio.create_task_group() as listening:
                listening.start_soon(_end_at, signals, answers)
                yield
                listening.cancel_scope.cancel()
    finally:  # the loop puts Python's own in their place
        for number, handler in before.items():
            signal.signal(number, handler)


async def _end_at(signals: AsyncIterator[signal.Signals], answers: Answers) -> None:
    async for _ in signals:
        if answers.everything.cancel_called:
            leave()
        answers.leave()


class _Conversation:
    """One client's messages, each brought to the loop of its era.

    The SDK's loop serves the era of its first request and no other, while a client may probe
    with `server/discover` and then, having waited in vain or not, begin with `initialize`.
    """

    def __init__(
        self, server: Server[Desk], desk: Desk, answers: Answers, tasks: TaskGroup
    ) -> None:
        self._server = server
        self._desk = desk
        self._answers = answers
        self._tasks = tasks
        self._eras: dict[bool, MemoryObjectSendStream[SessionMessage | Exception]] = {}

    async def hear(self, line: bytes) -> None:
        """Take one line; blank ones mean nothing, and others than messages are refused."""
        text = line.decode(errors="replace")
        if not text.strip():
            return
        try:
            message = jsonrpc_message_adapter.validate_json(text, by_name=False)
        except ValidationError:
            # In a task: a client that does not read has to be heard all the same.
            self._tasks.start_soon(self._answers.refusal(_refusal(text)))
            return
        self._answers.owe(message)
        for era in self._of(message):
            await era.send(SessionMessage(message))

    def end(self) -> None:
        """Tell the loops that no more will come."""
        for era in self._eras.values():
            era.close()

    def _of(self, message: JSONRPCMessage) -> list[Any]:
        if isinstance(message, JSONRPCRequest):
            return [self._era(modern=_is_modern(message))]
        # Notifications and answers carry no version; a loop passes over those of the other era.
        return list(self._eras.values()) or [self._era(modern=False)]

    def _era(self, *, modern: bool) -> MemoryObjectSendStream[SessionMessage | Exception]:
        if modern not in self._eras:
            send, receive = anyio.create_memory_object_stream[SessionMessage | Exception](1)
            self._eras[modern] = send
            self._tasks.start_soon(self._serve, receive)
        return self._eras[modern]

    async def _serve(self, messages: Any) -> None:
        options = self._server.create_initialization_options()
        await serve_dual_era_loop(
            self._server, messages, self._answers, lifespan_state=self._desk, init_options=options
        )


def _is_modern(request: JSONRPCRequest) -> bool:
    """Tell the era by what only one of them has, as the SDK's loop does."""
    meta = (request.params or {}).get("_meta")
    enveloped = isinstance(meta, dict) and PROTOCOL_VERSION_META_KEY in meta
    return enveloped and request.method != "initialize"


def _refusal(text: str) -> JSONRPCError:
    """Return the error for a line that is no message, under its id if it has one."""
    try:
        loose = json.loads(text)
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
