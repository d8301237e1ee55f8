"""A request's body, read before the request is worked on, and amended where the SDK is strict."""

import json
from codecs import BOM_UTF8
from collections import deque
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


class BufferedBody:
    """A request's body, read before the request is worked on."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages = deque[Message]()

    async def read(self, seconds: float) -> bool:
        """Read the body, or more of it than is allowed; return False if the caller left instead.

        Raises:
            BodyLate: its time is over.
        """
        size = 0
        with anyio.move_on_after(seconds):
            while size <= MAX_BODY_BYTES:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    return False
                self._messages.append(message)
                size += len(message.get("body", b""))
                if not message.get("more_body", False):
                    break
            return True
        raise BodyLate

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
            except (ValueError, RecursionError):
                return self._replace(body, text)  # for the SDK to refuse
        if asked.method is not UNSET and not _is_id(asked.id):
            return False
        if isinstance(asked.params, _Params) and isinstance(asked.params.arguments, str):
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
