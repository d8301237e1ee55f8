"""Lines of bytes in and out of descriptors, with no thread where the platform can wait for them."""

import math
import os
import select
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread

from mcp_sessions.stdio.descriptors import CHUNK, can_wait_for, split

_LAST_WRITE: Final = 0.5  # seconds after `close` for what cannot be waited for


async def lines(descriptor: int, rest: bytes = b"") -> AsyncIterator[bytes]:
    """Read lines without their ends until the descriptor's own; `rest` was read before."""
    unfinished = [rest]
    async for chunk in _chunks(descriptor):
        if b"\n" not in chunk:
            unfinished.append(chunk)  # joined once, or a long line would be copied again and again
            continue
        ended, rest = split(b"".join(unfinished), chunk)
        unfinished = [rest]
        for line in ended:
            yield line
    if last := b"".join(unfinished):
        yield last


async def _chunks(descriptor: int) -> AsyncIterator[bytes]:
    if not can_wait_for(descriptor):
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
    """Read what can only be waited for by reading, in a thread that never keeps the process."""
    send, receive = anyio.create_memory_object_stream[bytes](1)
    token = anyio.lowlevel.current_token()

    def read() -> None:
        with suppress(anyio.BrokenResourceError, anyio.RunFinishedError):
            while chunk := _waited_for(descriptor):
                anyio.from_thread.run(send.send, chunk, token=token)
            anyio.from_thread.run_sync(send.close, token=token)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    async with receive:
        async for chunk in receive:
            yield chunk


def _waited_for(descriptor: int) -> bytes:
    while True:
        try:
            return _read(descriptor)
        except BlockingIOError:
            select.select([descriptor], [], [])


def _read(descriptor: int) -> bytes:
    """Read a chunk; a broken pipe or a terminal that is gone is an end like any other."""
    try:
        return os.read(descriptor, CHUNK)
    except BlockingIOError:
        raise
    except OSError:
        return b""


class Out:
    """Writes lines to a descriptor, whole and one after the other."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waits = can_wait_for(descriptor)
        self._lock = anyio.Lock()
        self._patient = True
        self._torn = False  # a line has begun and not ended; nothing may follow it
        self._writing = anyio.CancelScope()
        if self._waits:
            self._blocks = os.get_blocking(descriptor)
            os.set_blocking(descriptor, False)

    async def write(self, data: bytes) -> None:
        """Write lines with their ends, though the caller be cancelled meanwhile.

        Raises:
            OSError: nobody reads any more.
            anyio.ClosedResourceError: it would have to wait, after `close`.
        """
        rest = memoryview(data)
        with anyio.CancelScope(shield=True):
            async with self._lock:
                if self._torn:
                    raise anyio.ClosedResourceError
                self._torn = True
                while rest:
                    rest = rest[await self._written(rest) :]
                self._torn = False

    async def _written(self, data: memoryview) -> int:
        if not self._waits:
            return await self._written_by_a_thread(data)
        while True:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:
                if not self._patient:
                    raise anyio.ClosedResourceError from None
                await anyio.wait_writable(self._descriptor)

    async def _written_by_a_thread(self, data: memoryview) -> int:
        """Write what can only be waited for by writing; a terminal may be stopped for ever."""
        until = math.inf if self._patient else anyio.current_time() + _LAST_WRITE
        with anyio.CancelScope(deadline=until) as self._writing:
            return await anyio.to_thread.run_sync(
                os.write, self._descriptor, data, abandon_on_cancel=True
            )
        raise anyio.ClosedResourceError

    def close(self) -> None:
        """Wait no longer for a reader that does not read."""
        self._patient = False
        self._writing.deadline = anyio.current_time() + _LAST_WRITE
        if self._waits:
            anyio.notify_closing(self._descriptor)

    def release(self) -> None:
        """Leave the descriptor as it was; other processes may write to it as well."""
        if self._waits:
            os.set_blocking(self._descriptor, self._blocks)
