"""What is written to a stdio client, and which of its requests have no answer yet."""

from collections import Counter
from contextlib import suppress
from typing import Any, Final, Self

import anyio
from mcp.shared.dispatcher import coerce_request_id
from mcp.shared.message import SessionMessage
from mcp_types import (
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
)

from mcp_sessions.stdio.writer import LineWriter

MAX_PENDING: Final = 1_000
"""Requests without an answer, and answers that wait to be read, beyond which no more is read."""
MAX_PENDING_BYTES: Final = 4 * 1024 * 1024
"""The same in bytes of the requests' lines; parsed they may take ten times that."""
_CANCELLED: Final = "notifications/cancelled"


class Outgoing:
    """The stream that the SDK's loops send messages to.

    `work` is the cancel scope of all that serves the client: it is cancelled once the client stops
    reading. Ids are compared as the SDK does it, for which "7" is 7.
    """

    def __init__(self, stdout: int, answered_ids: tuple[str | int, ...] = ()) -> None:
        self.work = anyio.CancelScope()
        self._writer = LineWriter(stdout)
        self._answered = Counter[Any](answered_ids)
        self._pending: dict[Any, list[int]] = {}  # the sizes of all that have one id
        self._pending_count = self._pending_bytes = 0
        self._writes = 0  # that wait for the client to read
        self._progress = anyio.Event()

    @property
    def is_full(self) -> bool:
        """Tell whether so much is to be answered that no more should be read."""
        count = self._pending_count + self._writes
        return count >= MAX_PENDING or self._pending_bytes >= MAX_PENDING_BYTES

    async def room(self) -> None:
        """Wait until it is not full."""
        while self.is_full:
            await self._wait_for_progress()

    def track(self, message: JSONRPCMessage, size: int) -> None:
        """Track a request of so many bytes until its answer, and forget a cancelled one."""
        if isinstance(message, JSONRPCRequest):
            self._add(coerce_request_id(message.id), size)
        elif isinstance(message, JSONRPCNotification) and message.method == _CANCELLED:
            cancelled = (message.params or {}).get("requestId")
            if isinstance(cancelled, str | int):
                self._settle(coerce_request_id(cancelled))

    def track_unreadable(self) -> object:
        """Track a line that `send_error` has to answer, and return what stands for it."""
        pending = object()
        self._add(pending, 0)
        return pending

    async def send_error(self, error: JSONRPCError, pending: object) -> None:
        """Answer an unreadable line."""
        with suppress(anyio.BrokenResourceError):
            await self._write(_line(error))
        self._settle(pending)

    async def all_answered(self) -> None:
        """Wait until every request has its answer."""
        while self._pending:
            await self._wait_for_progress()

    async def write_rest(self, unsent: bytes) -> None:
        """Write the rest of an answer whose beginning was written before the SDK was loaded."""
        with suppress(anyio.BrokenResourceError):
            await self._write(unsent)

    async def send(self, item: SessionMessage, /) -> None:
        """Write a message, unless it answers what was answered before the SDK was loaded.

        Raises:
            BrokenResourceError: nobody reads any more; everything ends.
        """
        message = item.message
        if not isinstance(message, JSONRPCResponse | JSONRPCError):
            await self._write(_line(message))
            return
        if self._answered[message.id]:
            self._answered[message.id] -= 1
        else:
            await self._write(_line(message))
        self._settle(message.id if message.id is None else coerce_request_id(message.id))

    def _add(self, pending: object, size: int) -> None:
        self._pending.setdefault(pending, []).append(size)
        self._pending_count += 1
        self._pending_bytes += size

    def _settle(self, pending: object) -> None:
        sizes = self._pending.get(pending)
        if not sizes:
            return
        self._pending_count -= 1
        self._pending_bytes -= sizes.pop()
        if not sizes:
            del self._pending[pending]
        self._progress.set()

    async def _wait_for_progress(self) -> None:
        if self._progress.is_set():
            self._progress = anyio.Event()
        await self._progress.wait()

    async def _write(self, data: bytes) -> None:
        self._writes += 1
        try:
            await self._writer.write(data)
        except (OSError, anyio.ClosedResourceError):
            self.stop()
            raise anyio.BrokenResourceError from None
        finally:
            self._writes -= 1
            self._progress.set()

    def stop_waiting(self) -> None:
        """Wait no longer for a client that may have stopped reading."""
        self._writer.close()

    def stop(self) -> None:
        """Cancel all work."""
        self.stop_waiting()
        self.work.cancel()

    def release(self) -> None:
        """Leave stdout as it was found."""
        self._writer.release()

    async def aclose(self) -> None:
        """Leave stdout open when one loop ends: the other era's may still write."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


def _line(message: JSONRPCMessage) -> bytes:
    return message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
