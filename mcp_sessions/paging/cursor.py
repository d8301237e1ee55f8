"""Cursors: a query and a place in its list, as a short opaque text.

The form is a version digit and base64url of: a digest of the API, organization, scope and tenant it
belongs to, a checksum, limit, detail, a hint at the offset, how far the list moved lately, the last
session's place in the order, and the filters and fields as JSON if there are any. It is no secret
and grants nothing: whoever forges one asks what its arguments could have asked.
"""

import json
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import NamedTuple, Self, get_args

from mcp_sessions.argument_types import DEFAULT_DETAIL, Detail
from mcp_sessions.arguments import GetSessionPage, ListSessions
from mcp_sessions.errors import InvalidArguments, InvalidCursor
from mcp_sessions.paging.sort_key import TIE_BYTES, SortKey
from mcp_sessions.results.safe_text import harmless
from mcp_sessions.wire.limits import MAX_OFFSET

VERSION = "1"
_DETAILS: tuple[Detail, ...] = get_args(Detail)
_PLACE = struct.Struct(">BBIBB")  # limit, detail, offset, ahead, behind
_KEY = struct.Struct(f">q{TIE_BYTES}s")
_KEYED = 0x80  # in detail: a key follows
_DOUBTFUL = 0x40  # in detail
_MAX_DRIFT = 255
_SHAPE = ("detail", "fields")


class Drift(NamedTuple):
    """How many rows the list lately moved on, and back, from one page to the next."""

    ahead: int = 0
    behind: int = 0

    def after(self, shift: int) -> "Drift":
        """Return what to expect once the list has moved by `shift`; old moves fade by halves."""
        if abs(shift) > _MAX_DRIFT:  # a leap, not a drift
            shift = 0
        return Drift(max(shift, self.ahead // 2), max(-shift, self.behind // 2))


_STILL = Drift()


@dataclass(frozen=True, slots=True)
class Place:
    """A query, and where its list goes on.

    `after` is the last session judged, None where a list begins; `offset` is the API's index
    where the next one stood when last seen. Without `after` the offset is exact by definition.
    """

    query: ListSessions
    offset: int = 0
    after: SortKey | None = None
    drift: Drift = _STILL
    doubtful: bool = False  # the walk has passed rows that the page promise does not cover


@dataclass(frozen=True, slots=True)
class CursorCodec:
    """Writes and reads the cursors of one API, organization, scope and tenant: their `home`."""

    home: bytes

    @classmethod
    def of(cls, api_url: str, *narrower: str | None) -> Self:
        """Return the codec whose cursors are refused elsewhere.

        `narrower` is what else belongs to the place: organization, agent, tenant.
        """
        return cls(_digest("\n".join([api_url, *(name or "" for name in narrower)]).encode()))

    def write(self, place: Place) -> str:
        """Return the cursor of `place`."""
        query, after = place.query, place.after
        detail = _DETAILS.index(query.detail)
        detail |= (_KEYED if after else 0) | (_DOUBTFUL if place.doubtful else 0)
        body = _PLACE.pack(query.limit, detail, min(place.offset, MAX_OFFSET), *place.drift)
        if after is not None:
            body += _KEY.pack(*after)
        carried = {"fields": query.fields} if query.fields else {}
        if carried := {**query.filters(), **carried}:
            body += json.dumps(carried, separators=(",", ":"), ensure_ascii=False).encode()
        return VERSION + urlsafe_b64encode(self.home + _digest(body) + body).decode().rstrip("=")

    def read(self, cursor: str) -> Place:
        """Return the place that `cursor` names.

        Raises:
            InvalidCursor: it is damaged, of another version, or of another API, organization,
                scope or tenant.
        """
        raw = _decoded(cursor)
        home, checksum, body = raw[:4], raw[4:8], raw[8:]
        if _digest(body) != checksum:
            raise _damaged()
        if home != self.home:
            raise InvalidCursor(
                "The cursor belongs to another API address, organization, agent or caller."
            )
        try:
            limit, detail, offset, ahead, behind = _PLACE.unpack_from(body)
            rest, after = body[_PLACE.size :], None
            if detail & _KEYED:
                after, rest = SortKey(*_KEY.unpack_from(rest)), rest[_KEY.size :]
            shown = {"limit": limit, "detail": _DETAILS[detail & ~(_KEYED | _DOUBTFUL)]}
            query = ListSessions.read({**json.loads(rest or b"{}"), **shown})
        except (ValueError, IndexError, TypeError, struct.error, RecursionError, InvalidArguments):
            raise _damaged() from None
        doubtful = bool(detail & _DOUBTFUL)
        return Place(query, min(offset, MAX_OFFSET), after, Drift(ahead, behind), doubtful)

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
    """Let arguments repeat what the cursor carries, or be defaults; only the shape may differ."""
    for name, value in asked.repeated().items():
        carried, default = getattr(place.query, name), ListSessions.model_fields[name].default
        if name not in _SHAPE and value not in (carried, default):
            said = harmless(json.dumps(carried, ensure_ascii=False), 80)
            raise InvalidArguments(
                f"{name} contradicts the cursor, which carries {said}.",
                hint=f"Leave {name} out, or start a new list with list_sessions.",
            )
    return replace(place, query=_reshaped(place.query, asked))


def _reshaped(query: ListSessions, asked: GetSessionPage) -> ListSessions:
    """Give rows another detail or other fields; fields beat a detail that is the default."""
    if asked.fields is not None:
        return query.model_copy(update={"detail": DEFAULT_DETAIL, "fields": asked.fields})
    if asked.detail is None or (query.fields is not None and asked.detail == DEFAULT_DETAIL):
        return query
    return query.model_copy(update={"detail": asked.detail, "fields": None})


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=4).digest()


def _decoded(cursor: str) -> bytes:
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
    return InvalidCursor(
        "The cursor is damaged: it is not as a result gave it.",
        hint="Copy next_cursor from the last result again, whole and unchanged; if it is refused"
        " again, start again with list_sessions.",
    )
