"""A request's body, read before the request is worked on, and amended where the SDK is strict."""

import json
from codecs import BOM_UTF8
from collections import deque
from contextlib import suppress
from typing import Any, Final

import anyio
import msgspec
from msgspec import UNSET, UnsetType
from starlette.types import Message, Receive

from mcp_sessions.argument_values import arguments_from_text

MAX_BODY_BYTES: Final = 256 * 1024
"""The longest sensible call is a tenth of this."""
BODY_WITHIN: Final = 10.0
"""Seconds in which a body has to come; a call is a few hundred bytes."""
MAX_COMING_BYTES: Final = 16 * 1024 * 1024
"""Of all bodies that are not whole yet, each of which comes at its caller's pace."""


class _Params(msgspec.Struct):
    """The arguments of a call, if that is what it is."""

    arguments: str | dict[str, Any] | list[Any] | int | float | bool | UnsetType | None = UNSET


class _Asked(msgspec.Struct):
    """What tells a request from a notification, and a call's arguments."""

    id: str | int | float | bool | list[Any] | dict[str, Any] | UnsetType | None = UNSET
    method: Any = UNSET
    params: _Params | list[Any] | str | int | float | bool | UnsetType | None = UNSET


def _is_id(value: object) -> bool:
    return isinstance(value, str | int | UnsetType) and not isinstance(value, bool)


class BodyLate(Exception):
    """The body did not come in time."""


class ComingBodies:
    """Bounds what all bodies that are still coming hold; beyond it, the first begun is given up.

    A body that comes at once is whole before it counts, so no other can keep it out.
    """

    def __init__(self, max_bytes: int) -> None:
        self._left = max_bytes
        self._held: dict[anyio.CancelScope, int] = {}

    def add(self, body: anyio.CancelScope, size: int) -> None:
        """Count bytes of a body, and give up others, or this one, until all fit."""
        self._held[body] = self._held.get(body, 0) + size
        self._left -= size
        while self._left < 0:
            first = next(iter(self._held))
            self.end(first)
            first.cancel()

    def end(self, body: anyio.CancelScope) -> None:
        """Forget a body that is whole, late or left alone."""
        self._left += self._held.pop(body, 0)


class BufferedBody:
    """A request's body, read before the request is worked on."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages = deque[Message]()

    async def read(self, seconds: float, coming: ComingBodies) -> bool:
        """Read the body, or more of it than is allowed; return False if the caller left instead.

        Raises:
            BodyLate: its time is over, or others need the room that it takes.
        """
        with anyio.move_on_after(seconds) as scope:
            try:
                return await self._read(scope, coming)
            finally:
                coming.end(scope)
        raise BodyLate

    async def _read(self, scope: anyio.CancelScope, coming: ComingBodies) -> bool:
        size = 0
        while size <= MAX_BODY_BYTES:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return False
            self._messages.append(message)
            size += len(message.get("body", b""))
            if not message.get("more_body", False):
                break
            coming.add(scope, len(message.get("body", b"")))
        return True

    def amend(self) -> bool:
        """Read what the SDK does not: a byte order mark, and arguments that came as text.

        Returns False for a request with an id that the SDK would pass over, as if it had none.
        """
        text = b"".join(message.get("body", b"") for message in self._messages)
        body = text.removeprefix(BOM_UTF8)
        try:
            asked = msgspec.json.decode(body, type=_Asked)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            try:  # the SDK's parser takes NaN, which this one refuses
                asked = msgspec.convert(json.loads(body), _Asked)
            except (ValueError, msgspec.MsgspecError, RecursionError):
                return self._replace(body, text)  # for the SDK to refuse
        if asked.method is not UNSET and not _is_id(asked.id):
            return False
        if isinstance(asked.params, _Params) and isinstance(asked.params.arguments, str):
            # What stands beside the arguments may be no JSON: it was passed over until here.
            with suppress(ValueError, RecursionError):
                whole = json.loads(body)
                whole["params"]["arguments"] = arguments_from_text(asked.params.arguments)
                body = json.dumps(whole).encode()
        return self._replace(body, text)

    def _replace(self, body: bytes, text: bytes) -> bool:
        if body != text:
            last = self._messages[-1]
            self._messages = deque([{**last, "body": body}])
        return True

    async def receive(self) -> Message:
        """Return the next ASGI message."""
        return self._messages.popleft() if self._messages else await self._receive()
