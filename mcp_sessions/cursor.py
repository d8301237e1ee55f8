"""A place in a list, as a short opaque text: which question, and where in its answer.

The form is a version digit and base64url of: a digest of the API and organization it belongs to,
a checksum, limit, detail, offset, and the filters as JSON if there are any. It is no secret and
grants nothing: whoever forges one asks what its arguments could have asked.
"""

import json
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Self, get_args

from mcp_sessions.errors import InvalidArguments, InvalidCursor
from mcp_sessions.query import LARGEST_OFFSET, Detail, GetSessionPage, ListSessions
from mcp_sessions.untrusted import harmless

VERSION = "1"
_DETAILS: tuple[Detail, ...] = get_args(Detail)
_PLACE = struct.Struct(">BBI")  # limit, detail, offset


@dataclass(frozen=True, slots=True)
class Place:
    """A question, and the API's index of the first row still to be shown."""

    query: ListSessions
    offset: int = 0


@dataclass(frozen=True, slots=True)
class CursorCodec:
    """Writes and reads the cursors of one API and organization."""

    home: bytes

    @classmethod
    def of(cls, api_url: str, org_id: str | None) -> Self:
        """Return the codec whose cursors are refused elsewhere."""
        return cls(_digest(f"{api_url}\n{org_id or ''}".encode()))

    def write(self, place: Place) -> str:
        """Return the cursor of `place`."""
        query = place.query
        filters = query.filters()
        tail = json.dumps(filters, separators=(",", ":"), ensure_ascii=False) if filters else ""
        body = _PLACE.pack(query.limit, _DETAILS.index(query.detail), place.offset) + tail.encode()
        return VERSION + urlsafe_b64encode(self.home + _digest(body) + body).decode().rstrip("=")

    def read(self, cursor: str) -> Place:
        """Return the place that `cursor` names.

        Raises:
            InvalidCursor: it is damaged, of another version, or of another API or organization.
        """
        raw = _unarmoured(cursor)
        home, checksum, body = raw[:4], raw[4:8], raw[8:]
        if _digest(body) != checksum:
            raise _damaged()
        if home != self.home:
            raise InvalidCursor("The cursor belongs to another API address or organization.")
        try:
            limit, detail, offset = _PLACE.unpack_from(body)
            filters = json.loads(body[_PLACE.size :] or b"{}")
            shown = {"limit": limit, "detail": _DETAILS[detail]}
            query = ListSessions.read({**filters, **shown})
        except (ValueError, IndexError, TypeError, struct.error, RecursionError, InvalidArguments):
            raise _damaged() from None
        return Place(query, min(offset, LARGEST_OFFSET))

    def resume(self, asked: GetSessionPage) -> Place:
        """Return the place that a call for a page names.

        Raises:
            InvalidArguments: neither or both of cursor and offset, or arguments that contradict
                the cursor.
            InvalidCursor: as `read` raises it.
        """
        if asked.offset is not None and not asked.cursor:
            return Place(ListSessions.read(asked.repeated()), asked.offset)
        if not asked.cursor:
            raise InvalidArguments(
                "get_session_page needs a cursor or an offset; no next_cursor means the list has"
                " ended.",
                hint="Stop if the last result had no next_cursor; list_sessions starts a new list.",
            )
        if asked.offset is not None:
            raise InvalidArguments("cursor and offset exclude each other; leave out offset.")
        return _agreeing(self.read(asked.cursor), asked)


def _agreeing(place: Place, asked: GetSessionPage) -> Place:
    """Let arguments repeat what the cursor carries; only detail may differ."""
    for name, value in asked.repeated().items():
        carried = getattr(place.query, name)
        if name != "detail" and value != carried:
            said = "none" if carried is None else harmless(repr(carried), 80)
            raise InvalidArguments(
                f"{name} contradicts the cursor, which carries {said}.",
                hint=f"Leave {name} out, or start a new list with list_sessions.",
            )
    if asked.detail is None:
        return place
    return replace(place, query=place.query.model_copy(update={"detail": asked.detail}))


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=4).digest()


def _unarmoured(cursor: str) -> bytes:
    if cursor[:1] != VERSION:
        if cursor[:1].isdigit():
            raise InvalidCursor("The cursor was made by another version of this server.")
        raise _damaged()
    text = cursor[1:]
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise _damaged() from None
    # The decoder skips foreign characters; a cursor has one spelling only.
    if urlsafe_b64encode(raw).decode().rstrip("=") != text:
        raise _damaged()
    return raw


def _damaged() -> InvalidCursor:
    return InvalidCursor("The cursor is damaged: it is not as a result gave it.")
