"""The sessions of given ids as the result of a tool call, within the size that it may have."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

import anyio.lowlevel
from mcp_types import CallToolResult

from mcp_sessions.arguments import ListSessions
from mcp_sessions.errors import SessionsError
from mcp_sessions.paging.lookup import Lookup
from mcp_sessions.results.clipped import MAX_ID_CHARS
from mcp_sessions.results.models import PageSummary, Row, Unread, share
from mcp_sessions.results.safe_text import one_line
from mcp_sessions.results.size_budget import RowBudget, size_of
from mcp_sessions.settings import Settings
from mcp_sessions.tools.result import MADE_UP, MAX_ROW_CHARS, in_forms, row_within
from mcp_sessions.wire.models import SessionT

_WITHOUT_TEXTS: Final = "Sessions read by id come without the texts of question and reply."
_FRAME_CHARS: Final = 160  # that the counts of rows, and what is said of ids, may still add
_ROW_CHARS: Final = 1_500  # that the names of ids leave for one row and what is said around it

_Item = TypeVar("_Item")


async def lookup_result(
    lookup: Lookup[SessionT],
    query: ListSessions,
    row: Callable[[SessionT], Row],
    settings: Settings,
) -> CallToolResult:
    """Return as many of the sessions as fit, the same in both forms, and at least one.

    Those that do not fit are named, to be asked for again; there is no cursor.
    """
    max_chars = settings.max_result_chars
    names = _that_fit((one.id for one in lookup.found), max_chars - _ROW_CHARS, _chars)
    frame = _frame(lookup, query, max_chars - _ROW_CHARS - sum(map(_chars, names)))
    # A session is named as not shown until it is, so its name makes room for its row.
    used = size_of(frame.compact()) + sum(map(_chars, names)) + _FRAME_CHARS
    notes = list(_notes(lookup, query, made_up=settings.demo))
    used += sum(map(_chars, notes))
    room, budget = min(MAX_ROW_CHARS, max_chars - used), RowBudget(max_chars, used)
    for number, session in enumerate(lookup.found):
        await anyio.lowlevel.checkpoint()  # other calls get their turn, however heavy a row is
        made = row_within(room, session, row)
        spared = _chars(session.id) if number < len(names) else 0
        if not budget.take(made._replace(size=made.size - spared)):
            break
    result = _filled(frame, budget.rows, names[len(budget.rows) :], notes, lookup)
    return in_forms(result, settings.result)


def _frame(lookup: Lookup[SessionT], query: ListSessions, room: int) -> PageSummary:
    """Return what a result says whichever of the rows are shown."""
    not_found = _that_fit(map(_name, lookup.not_found), room, _chars)
    room -= sum(map(_chars, not_found))
    failed = (Unread(id=id_, code=fault.code) for id_, fault in lookup.unread)
    unread = _that_fit(failed, room, lambda one: size_of(one.compact()) + 1)
    return PageSummary(
        sessions=[],
        returned=0,
        detail=None if query.detail == "standard" else query.detail,
        fields=query.fields,
        has_more=False,
        not_found=not_found,
        unread=unread or None,
    )


def _filled(
    frame: PageSummary,
    shown: list[Row],
    not_shown: list[str],
    notes: list[str],
    lookup: Lookup[SessionT],
) -> PageSummary:
    asked = len(lookup.found) + len(lookup.not_found) + len(lookup.unread)
    told = len(shown) + len(not_shown) + len(frame.not_found or ()) + len(frame.unread or ())
    if told < asked:
        notes = [*notes, f"{asked - told} more ids could not be named for want of room."]
    sessions, shared = share(shown)
    return frame.model_copy(
        update={
            "sessions": sessions,
            "shared": shared,
            "returned": len(shown),
            "not_shown": not_shown or None,
            "note": " ".join(notes) or None,
        }
    )


def _notes(lookup: Lookup[SessionT], query: ListSessions, *, made_up: bool) -> Iterator[str]:
    if made_up:
        yield MADE_UP
    if lookup.found and query.detail != "brief":
        yield _WITHOUT_TEXTS
    faults = [fault for _, fault in lookup.unread]
    for fault in filter(_lasts, faults):
        yield f"{fault.code}: {fault.message} Asking again will not help."
        break
    if passing := [fault for fault in faults if not _lasts(fault)]:
        wait = max(fault.retry_after or 0 for fault in passing)
        yield f"Unread ones may be asked for again{f' after {wait} s' if wait else ''}."


def _lasts(fault: SessionsError) -> bool:
    return not fault.retryable


def _name(asked: str) -> str:
    """Say back an id that there is not, which may be any text."""
    return one_line(asked, MAX_ID_CHARS) or "unreadable"


def _chars(name: str) -> int:
    return size_of([name]) - 1  # without its brackets, with its comma


def _that_fit(items: Iterable[_Item], room: int, size: Callable[[_Item], int]) -> list[_Item]:
    kept = []
    for item in items:
        room -= size(item)
        if room < 0:
            break
        kept.append(item)
    return kept
