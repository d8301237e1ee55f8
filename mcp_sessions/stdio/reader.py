"""Reads lines from a descriptor, without a thread where the platform can poll it."""

import os
import select
import threading
from collections.abc import AsyncIterator
from contextlib import suppress

import anyio
import anyio.from_thread
import anyio.lowlevel

from mcp_sessions.stdio.descriptors import CHUNK_BYTES, is_pollable
from mcp_sessions.stdio.line_splitter import Line, LineSplitter


async def read_lines(descriptor: int, splitter: LineSplitter) -> AsyncIterator[Line]:
    """Yield lines without their ends until end of file; the splitter has what was read before."""
    async for chunk in _chunks(descriptor):
        for line in splitter.split(chunk):
            yield line
    if last := splitter.take():
        yield last


async def _chunks(descriptor: int) -> AsyncIterator[bytes]:
    if not is_pollable(descriptor):
        async for chunk in _read_by_a_thread(descriptor):
            yield chunk
        return
    while True:
        await anyio.wait_readable(descriptor)
        with suppress(BlockingIOError):  # another process was faster
            if not (chunk := _read(descriptor)):
                return
            yield chunk


async def _read_by_a_thread(descriptor: int) -> AsyncIterator[bytes]:
    """Read a file or a terminal, in a daemon thread that never keeps the process alive."""
    send, receive = anyio.create_memory_object_stream[bytes](1)
    token = anyio.lowlevel.current_token()

    def read() -> None:
        with suppress(anyio.BrokenResourceError, anyio.RunFinishedError):
            while chunk := _read_blocking(descriptor):
                anyio.from_thread.run(send.send, chunk, token=token)
            anyio.from_thread.run_sync(send.close, token=token)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    async with receive:
        async for chunk in receive:
            yield chunk


def _read_blocking(descriptor: int) -> bytes:
    while True:
        try:
            return _read(descriptor)
        except BlockingIOError:
            select.select([descriptor], [], [])


def _read(descriptor: int) -> bytes:
    """Read a chunk; a broken pipe and a terminal that is gone are the end of the file."""
    try:
        return os.read(descriptor, CHUNK_BYTES)
    except BlockingIOError:
        raise
    except OSError:
        return b""
