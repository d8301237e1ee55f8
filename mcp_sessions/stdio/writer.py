"""Writes lines to a descriptor, without a thread where the platform can poll it."""

import math
import os
from typing import Final

import anyio
import anyio.to_thread

from mcp_sessions.stdio.descriptors import is_pollable

_LAST_WRITE_SECONDS: Final = 0.5  # after `close`, for a descriptor that cannot be polled


class LineWriter:
    """Writes lines to a descriptor, whole and one after the other."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._pollable = is_pollable(descriptor)
        self._lock = anyio.Lock()
        self._patient = True
        self._torn = False  # a line has begun and not ended; nothing may follow it
        self._writing = anyio.CancelScope()
        if self._pollable:
            self._was_blocking = os.get_blocking(descriptor)
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
                    rest = rest[await self._write_some(rest) :]
                self._torn = False

    async def _write_some(self, data: memoryview) -> int:
        if not self._pollable:
            return await self._write_in_thread(data)
        while True:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:
                if not self._patient:
                    raise anyio.ClosedResourceError from None
                await anyio.wait_writable(self._descriptor)

    async def _write_in_thread(self, data: memoryview) -> int:
        """Write to a file or a terminal; one that is stopped may block for ever."""
        until = math.inf if self._patient else anyio.current_time() + _LAST_WRITE_SECONDS
        with anyio.CancelScope(deadline=until) as self._writing:
            return await anyio.to_thread.run_sync(
                os.write, self._descriptor, data, abandon_on_cancel=True
            )
        raise anyio.ClosedResourceError

    def close(self) -> None:
        """Stop waiting for a client that does not read."""
        self._patient = False
        self._writing.deadline = anyio.current_time() + _LAST_WRITE_SECONDS
        if self._pollable:
            anyio.notify_closing(self._descriptor)

    def release(self) -> None:
        """Restore the descriptor's blocking mode; other processes may write to it as well."""
        if self._pollable:
            os.set_blocking(self._descriptor, self._was_blocking)
