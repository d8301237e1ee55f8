"""An HTTP/1.1 connection of uvicorn's, with deadlines for reading headers and for being read."""

import asyncio
import os
from functools import cache
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

_FILES_BESIDE = 256  # open files that are not callers': the API's connections, a backlog


class DeadlineConnection(H11Protocol):
    """Closes itself when headers do not come, and when nobody reads what is written.

    Where the process would soon have no file left to open, one that is idle makes room, and if none
    is, the new one is closed at once.
    """

    head_within = 10.0  # seconds from a connection, or from a request's first byte, to its headers
    read_within = 20.0  # seconds that an answer may be left lying

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._until_head: asyncio.TimerHandle | None = None
        self._until_read: asyncio.TimerHandle | None = None

    @staticmethod
    def max_connections() -> int:
        """Return how many connections there may be."""
        return _max_connections()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, with the time for the first headers."""
        super().connection_made(transport)
        staying = [one for one in self.connections if not one.transport.is_closing()]
        if len(staying) > self.max_connections():
            idle = (one for one in staying if isinstance(one, DeadlineConnection) and one.is_idle())
            leaving = next(idle, self)
            leaving.transport.abort()
            if leaving is self:
                return
        self._update_deadline()

    def is_idle(self) -> bool:
        """Tell whether a request was answered, and no other has begun."""
        answered = self.cycle is not None and self.cycle.response_complete
        return answered and self._until_head is None

    def connection_lost(self, exc: Exception | None) -> None:
        """End, and forget all deadlines."""
        super().connection_lost(exc)
        self._cancel_head_deadline()
        self._cancel_read_deadline()

    def data_received(self, data: bytes) -> None:
        """Take bytes; what is not a whole head yet does not get more time by them."""
        super().data_received(data)
        self._update_deadline()

    def pause_writing(self) -> None:
        """Let the caller read, for a while."""
        super().pause_writing()
        self._until_read = self.loop.call_later(self.read_within, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on writing."""
        super().resume_writing()
        self._cancel_read_deadline()

    def _update_deadline(self) -> None:
        """Set the time for headers where they are waited for, and stop it where they are there."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._cancel_head_deadline()
        elif self._until_head is None:
            self._until_head = self.loop.call_later(self.head_within, self.transport.close)

    def _cancel_head_deadline(self) -> None:
        if self._until_head is not None:
            self._until_head.cancel()
            self._until_head = None

    def _cancel_read_deadline(self) -> None:
        if self._until_read is not None:
            self._until_read.cancel()
            self._until_read = None


@cache
def _max_connections() -> int:
    """Return how many connections the limit on open files has room for."""
    if os.name != "posix":
        return 10_000
    import resource  # noqa: PLC0415 - not everywhere

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(32, soft - _FILES_BESIDE)
