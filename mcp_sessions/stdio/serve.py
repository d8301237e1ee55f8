"""Serves one MCP client over stdin and stdout."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio

from mcp_sessions.errors import InvalidSettings
from mcp_sessions.server import ToolsByTenant, create_server
from mcp_sessions.settings import Settings
from mcp_sessions.signals import STOP_SIGNALS, exit_now
from mcp_sessions.stdio.descriptors import Descriptors, has_hung_up
from mcp_sessions.stdio.early_reader import EarlyInput
from mcp_sessions.stdio.eras import EraRouter
from mcp_sessions.stdio.line_splitter import Line
from mcp_sessions.stdio.outgoing import Outgoing
from mcp_sessions.stdio.reader import read_lines

_LAST_ANSWERS_SECONDS: Final = 1.0  # that calls in flight may still take once stdin has ended


async def serve_stdio(
    settings: Settings,
    descriptors: Descriptors,
    early: EarlyInput,
    unusable: InvalidSettings | None = None,
) -> None:
    """Serve one client until it closes stdin or stops reading, or a stop signal comes.

    What it asked before it closed stdin is still answered if that takes no more than a second;
    then calls in flight are cancelled, and what they hold is closed. With `unusable` settings it
    lists its tools, and says so in answer to every call.
    """
    outgoing = Outgoing(descriptors.stdout, early.answered_ids)
    try:
        async with _stopping_at_signals(outgoing):
            with outgoing.work:
                tools = ToolsByTenant(settings, unusable=unusable)
                await _serve(tools, descriptors, early, outgoing)
    finally:
        outgoing.release()


async def _serve(
    tools: ToolsByTenant, descriptors: Descriptors, early: EarlyInput, outgoing: Outgoing
) -> None:
    async with tools.open(), anyio.create_task_group() as tasks:
        router = EraRouter(create_server(tools), tools, outgoing, tasks)
        tasks.start_soon(outgoing.write_rest, early.unsent)
        try:
            async for line in _lines(descriptors.stdin, early):
                if outgoing.is_full and not await _has_room(outgoing, descriptors.stdin):
                    break
                await router.receive(line)
            with anyio.move_on_after(_LAST_ANSWERS_SECONDS):
                await outgoing.all_answered()
        finally:
            outgoing.stop_waiting()
            router.close()


async def _lines(stdin: int, early: EarlyInput) -> AsyncIterator[Line]:
    for line in early.lines:
        yield line
    if not early.ended:
        async for line in read_lines(stdin, early.splitter):
            yield line


async def _has_room(outgoing: Outgoing, stdin: int) -> bool:
    """Wait until more may be read; False for a client that closed stdin and takes no answers."""
    while True:
        with anyio.move_on_after(_LAST_ANSWERS_SECONDS):
            await outgoing.room()
            return True
        if has_hung_up(stdin):
            return False


@asynccontextmanager
async def _stopping_at_signals(outgoing: Outgoing) -> AsyncIterator[None]:
    """Stop in order at the first stop signal, and at once at the second."""
    if os.name != "posix":  # where the loop knows no signals, the command's own handlers end it
        yield
        return
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    try:
        with anyio.open_signal_receiver(*STOP_SIGNALS) as signals:
            async with anyio.create_task_group() as listening:
                listening.start_soon(_stop_at, signals, outgoing)
                yield
                listening.cancel_scope.cancel()
    finally:  # the loop puts Python's own in their place
        for number, handler in before.items():
            signal.signal(number, handler)


async def _stop_at(signals: AsyncIterator[signal.Signals], outgoing: Outgoing) -> None:
    async for _ in signals:
        if outgoing.work.cancel_called:
            exit_now()
        outgoing.stop()
