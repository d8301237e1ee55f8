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
        self._pending: set[Any] = set()
        self._progress = anyio.Event()

    def track(self, message: JSONRPCMessage) -> None:
        """Track a request until its answer, and forget a cancelled one."""
        if isinstance(message, JSONRPCRequest):
            self._pending.add(coerce_request_id(message.id))
        elif isinstance(message, JSONRPCNotification) and message.method == _CANCELLED:
            cancelled = (message.params or {}).get("requestId")
            if isinstance(cancelled, str | int):
                self._settle(coerce_request_id(cancelled))

    def track_unreadable(self) -> object:
        """Track a line that `send_error` has to answer, and return what stands for it."""
        pending = object()
        self._pending.add(pending)
        return pending

    async def send_error(self, error: JSONRPCError, pending: object) -> None:
        """Answer an unreadable line."""
        with suppress(anyio.BrokenResourceError):
            await self._write(_line(error))
        self._settle(pending)

    async def all_answered(self) -> None:
        """Wait until every request has its answer."""
        while self._pending:
            self._progress = anyio.Event()
            await self._progress.wait()

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

    def _settle(self, pending: object) -> None:
        if pending in self._pending:
            self._pending.discard(pending)
            self._progress.set()

    async def _write(self, data: bytes) -> None:
        try:
            await self._writer.write(data)
        except (OSError, anyio.ClosedResourceError):
            self.stop()
            raise anyio.BrokenResourceError from None

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
