"""An HTTP/1.1 connection of uvicorn's, with deadlines for reading headers and for being read."""

import asyncio
import os
from functools import cache
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

ADMITTED: Final = "mcp_sessions.admitted"
"""Set in the `state` of a request's scope once its caller is known and has a place."""
_FILES_BESIDE: Final = 256  # open files that are not callers': the API's connections, a backlog
_MOST: Final = 1_024  # connections: each may hold 256 KiB that were read and wait for their turn
_MOST_AHEAD: Final = 8  # requests in a row that are sent before the last answer has come


class DeadlineConnection(H11Protocol):
    """Closes itself when headers do not come, and when nobody reads what is written.

    Not a byte is left unsent without a deadline, while closing too, and the next request is begun
    only once the last answer is sent. Where there are too many connections, an idle one makes room,
    else the one that has been waited for, or worked on without being admitted, for longest. Only if
    all others are admitted calls, the new one is closed at once.
    """

    head_within = 10.0  # seconds from a connection, or from a request's first byte, to its headers
    read_within = 20.0  # seconds in which some of what is unsent has to be read
    whole_within = 60.0  # seconds in which all of it has to be

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._until_head: asyncio.TimerHandle | None = None
        self._until_read: asyncio.TimerHandle | None = None
        self._since = self.loop.time()  # the beginning of what is waited for or worked on
        self._ahead = 0  # requests in a row that came before the last answer was sent
        self._is_completing = False  # an answer is written, but not sent
        self._is_given_up = False

    @staticmethod
    def max_connections() -> int:
        """Return how many connections there may be."""
        return _max_connections()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, with the time for the first headers."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)  # or what is unsent below it would go unnoticed
        if len(self.connections) > self.max_connections():
            self._make_room()
        if not self._is_given_up:
            self._update_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """End, and forget all deadlines."""
        super().connection_lost(exc)
        self._cancel_head_deadline()
        self._cancel_read_deadline()

    def is_idle(self) -> bool:
        """Tell whether all that was asked is answered, and nothing more has begun."""
        between = self.cycle is not None and self.conn.their_state is h11.IDLE
        return between and not self._is_completing and not self.conn.trailing_data[0]

    def is_admitted(self) -> bool:
        """Tell whether a call that was admitted is worked on, and not held up by its reader."""
        admitted = self._is_answering() and ADMITTED in self.cycle.scope["state"]
        return admitted and not self.flow.write_paused

    def data_received(self, data: bytes) -> None:
        """Take bytes; what is not a whole head yet does not get more time by them."""
        if self.is_idle():
            self._since = self.loop.time()
        super().data_received(data)
        self._update_deadline()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or just close where an answer has begun."""
        if self._is_answering():
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.close()

    def on_response_complete(self) -> None:
        """Go on with the next request, once this one's answer is sent."""
        self._is_completing = self.flow.write_paused
        if self._is_completing:
            return
        self._since = self.loop.time()
        self._ahead = self._ahead + 1 if self.conn.trailing_data[0] else 0
        if self._ahead > _MOST_AHEAD:
            self.transport.close()
        super().on_response_complete()
        self._update_deadline()

    def pause_writing(self) -> None:
        """Let the caller read what could not be sent at once, for a while."""
        super().pause_writing()
        self._since = self.loop.time()
        self._watch_reader()

    def resume_writing(self) -> None:
        """Go on writing, all being sent."""
        super().resume_writing()
        self._cancel_read_deadline()
        if self._is_completing:
            self.on_response_complete()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _update_deadline(self) -> None:
        """Set the time for a head, or for a body that is not needed any more, where one is due."""
        if self.transport.is_closing():
            return
        if self._is_answering() or self._is_completing:
            self._cancel_head_deadline()
        elif self.is_idle():
            self._cancel_head_deadline()
            if self.timeout_keep_alive_task is None:
                self.timeout_keep_alive_task = self.loop.call_later(
                    self.timeout_keep_alive, self.timeout_keep_alive_handler
                )
        elif self._until_head is None:
            self._until_head = self.loop.call_later(self.head_within, self.transport.close)

    def _watch_reader(self, left: int | None = None) -> None:
        """Give up a caller who has read nothing since `left` bytes were unsent, or not enough."""
        now_left = self.transport.get_write_buffer_size()
        is_late = self.loop.time() - self._since >= self.whole_within
        if left is not None and (now_left >= left or is_late):
            self.transport.abort()
        else:
            self._until_read = self.loop.call_later(self.read_within, self._watch_reader, now_left)

    def _make_room(self) -> None:
        """End one connection, unless enough of them are ending already."""
        ours = (one for one in self.connections if isinstance(one, DeadlineConnection))
        staying = [one for one in ours if not one._is_given_up]  # noqa: SLF001 - of this class
        if len(staying) > self.max_connections():
            waiting = (one for one in staying if one is not self and not one.is_admitted())
            leaving = min(waiting, key=lambda one: (not one.is_idle(), one._since), default=self)  # noqa: SLF001
            leaving._is_given_up = True  # noqa: SLF001
            leaving.transport.abort()

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
    """Return how many connections the limit on open files has room for, at most 1,024."""
    if os.name != "posix":
        return _MOST
    import resource  # noqa: PLC0415 - not everywhere

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(_MOST, max(32, soft - _FILES_BESIDE))
