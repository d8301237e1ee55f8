"""Lines of bytes in and out of descriptors, with no thread where the platform can wait for them."""

import os
import threading
from collections.abc import AsyncIterator

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread

from mcp_sessions.pipes import CHUNK, can_wait_for, split


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
        if not (chunk := _read(descriptor)):
            return
        yield chunk


async def _read_by_a_thread(descriptor: int) -> AsyncIterator[bytes]:
    """Read what can only be waited for by reading, in a thread that never keeps the process."""
    send, receive = anyio.create_memory_object_stream[bytes](1)
    token = anyio.lowlevel.current_token()

    def read() -> None:
        while chunk := _read(descriptor):
            try:
                anyio.from_thread.run(send.send, chunk, token=token)
            except (anyio.BrokenResourceError, anyio.RunFinishedError):
                return
        anyio.from_thread.run_sync(send.close, token=token)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    async with receive:
        async for chunk in receive:
            yield chunk


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, CHUNK)
    except ConnectionResetError:
        return b""


class Out:
    """Writes lines to a descriptor, whole and one after the other."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waits = can_wait_for(descriptor)
        self._lock = anyio.Lock()
        self._patient = True
        if self._waits:
            os.set_blocking(descriptor, False)

    async def write(self, line: bytes) -> None:
        """Write a line and its end, though the caller be cancelled meanwhile.

        Raises:
            OSError: nobody reads any more.
            anyio.ClosedResourceError: it would have to wait, after `close`.
        """
        data = memoryview(line + b"\n")
        with anyio.CancelScope(shield=True):
            async with self._lock:
                while data:
                    data = data[await self._written(data) :]

    async def _written(self, data: memoryview) -> int:
        if not self._waits:
            return await anyio.to_thread.run_sync(os.write, self._descriptor, data)
        while True:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:
                if not self._patient:
                    raise anyio.ClosedResourceError from None
                await anyio.wait_writable(self._descriptor)

    def close(self) -> None:
        """Wait no longer for a reader that does not read."""
        self._patient = False
        if self._waits:
            anyio.notify_closing(self._descriptor)
