"""What goes to a stdio client, and whether all that it asked for has."""

from collections import Counter
from collections.abc import Callable, Coroutine
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

from mcp_sessions.stdio.early_answers import Handover
from mcp_sessions.stdio.reader import Out

_CANCELLED: Final = "notifications/cancelled"


class Answers:
    """Where the SDK's loops send what the client is to read; `everything` is cancelled at its end.

    Ids are compared as the SDK does it, for which "7" is 7.
    """

    def __init__(self, stdout: int, handover: Handover) -> None:
        self.everything = anyio.CancelScope()
        self._out = Out(stdout)
        self._answered = Counter[Any](handover.answered)
        self._owed: set[Any] = set()
        self._given = anyio.Event()

    def owe(self, message: JSONRPCMessage) -> None:
        """Note a request that has to be answered, or one that no longer has to be."""
        if isinstance(message, JSONRPCRequest):
            self._owed.add(coerce_request_id(message.id))
        elif isinstance(message, JSONRPCNotification) and message.method == _CANCELLED:
            cancelled = (message.params or {}).get("requestId")
            if isinstance(cancelled, str | int):
                self._gave(coerce_request_id(cancelled))

    def refusal(self, message: JSONRPCError) -> Callable[[], Coroutine[Any, Any, None]]:
        """Return what sends a refusal, owed from now on."""
        owed = object()
        self._owed.add(owed)

        async def refuse() -> None:
            with suppress(anyio.BrokenResourceError):
                await self._put(_line(message))
            self._gave(owed)

        return refuse

    def _gave(self, owed: object) -> None:
        if owed in self._owed:
            self._owed.discard(owed)
            self._given.set()

    async def all_given(self) -> None:
        """Wait until every request has its answer."""
        while self._owed:
            self._given = anyio.Event()
            await self._given.wait()

    async def go_on(self, unsent: bytes) -> None:
        """Write the rest of an answer that was begun before the SDK stood."""
        with suppress(anyio.BrokenResourceError):
            await self._put(unsent)

    async def send(self, item: SessionMessage, /) -> None:
        """Write a message, unless it answers what was answered before the SDK stood.

        Raises:
            BrokenResourceError: nobody reads any more; everything ends.
        """
        message = item.message
        if not isinstance(message, JSONRPCResponse | JSONRPCError):
            await self._put(_line(message))
            return
        if self._answered[message.id]:
            self._answered[message.id] -= 1
        else:
            await self._put(_line(message))
        self._gave(message.id if message.id is None else coerce_request_id(message.id))

    async def _put(self, data: bytes) -> None:
        try:
            await self._out.write(data)
        except (OSError, anyio.ClosedResourceError):
            self.leave()
            raise anyio.BrokenResourceError from None

    def hurry(self) -> None:
        """Wait no longer for a client that may have stopped reading."""
        self._out.close()

    def leave(self) -> None:
        """End everything."""
        self.hurry()
        self.everything.cancel()

    def release(self) -> None:
        """Leave stdout as it was found."""
        self._out.release()

    async def aclose(self) -> None:
        """Leave stdout as it is: another era may be served yet."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


def _line(message: JSONRPCMessage) -> bytes:
    return message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
