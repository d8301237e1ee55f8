"""A page or a failure as the result of a tool call, within the size that a result may have."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import anyio.lowlevel
from mcp_types import CallToolResult, TextContent

from mcp_sessions.arguments import GetSessionPage, ListSessions
from mcp_sessions.errors import SessionsError
from mcp_sessions.paging.cursor import CursorCodec
from mcp_sessions.paging.page import SessionPage
from mcp_sessions.results import rows, text
from mcp_sessions.results.models import SAID_BY_FILTERS, Filters, PageSummary, Row, share
from mcp_sessions.results.safe_text import one_line
from mcp_sessions.results.size_budget import RowBudget, SizedRow, size_of, sized
from mcp_sessions.settings import ResultForm, Settings
from mcp_sessions.wire.models import SessionT

MAX_ROW_CHARS: Final = 4_000
"""Characters of one row, in either form."""
MAX_FILTER_CHARS: Final = 600
"""Characters of a filter said back; more than the arguments allow."""
_ROWS_AT_A_STRETCH: Final = 4  # at most 256 KiB of text, all of them full
MADE_UP: Final = "These sessions are made up, to try the server without an account."
_SEARCH: Final = (
    "search looked at titles only; contains also looks into first questions and last replies."
)
_CONTAINS: Final = (
    "contains looked at titles, first questions and last replies, 200 characters of each."
)
_NOT_YET: Final = "None of those examined matches; the next call examines those after them."
_ELSEWHERE: Final = "The result is in structuredContent."
_FRAME_CHARS: Final = 160  # that the counts of rows, and a cursor's keys, may still add to a frame


async def page_result(
    page: SessionPage[SessionT],
    row: Callable[[SessionT], Row],
    cursors: CursorCodec,
    settings: Settings,
) -> CallToolResult:
    """Return as many rows of a page as fit, the same in both forms, and at least one.

    Of sessions that are made up the note says so. Other calls get their turn every few rows,
    however much text strangers put into them.
    """
    frame = _frame(page, MADE_UP if settings.demo else None)
    max_chars = settings.max_result_chars
    used = size_of(frame.compact()) + len(cursors.write(page.place)) + _FRAME_CHARS
    room = min(MAX_ROW_CHARS, max_chars - used)
    budget = RowBudget(max_chars, used)
    said = _said(page.place.query)
    for number, entry in enumerate(page.rows):
        if number % _ROWS_AT_A_STRETCH == _ROWS_AT_A_STRETCH - 1:
            await anyio.lowlevel.checkpoint()
        # Rows that do not fit are not even made.
        if entry.session and not budget.take(row_within(room, entry.session, row, said)):
            break
    return in_forms(_filled(frame, budget.rows, page, cursors), settings.result)


def in_forms(summary: PageSummary, form: ResultForm) -> CallToolResult:
    """Return a result in the forms that the operator wants: the only place that knows of them."""
    if form == "text":
        return CallToolResult(content=[TextContent(text=text.render(summary))])
    # Where the structured form is alone, a client that shows text alone still shows something.
    said = _ELSEWHERE if form == "structured" else text.render(summary)
    return CallToolResult(content=[TextContent(text=said)], structured_content=summary.compact())


def error_result(fault: SessionsError) -> CallToolResult:
    """Say what failed and why, what to do next, and whether and when to try again."""
    if fault.retry_after is not None:
        again = f"Try again after {fault.retry_after} s. "
    elif fault.retryable:
        again = "Trying again may help. "
    elif fault.category == "validation":
        again = ""  # what to change before it is said already
    else:
        again = "The same call will fail again. "
    lines = (f"{fault.code}: {fault.message}", fault.hint, f"{again}({fault.category})")
    return CallToolResult(content=[TextContent(text="\n".join(lines))], is_error=True)


def _frame(page: SessionPage[Any], note: str | None) -> PageSummary:
    """Return what a result says however many of the rows are shown."""
    query = page.place.query
    walked = query.filters_rows()
    tells_complete = walked or page.ends_unproven
    start = page.rows[0].position if page.rows else page.place.offset
    nothing = None if page.rows else _nothing_found(page)
    return PageSummary(
        sessions=[],
        returned=0,
        total=page.total,
        offset=None if walked else start,
        examined=page.examined if walked else None,
        complete=page.complete if tells_complete else None,
        limit=query.limit,
        filters=_filters(query),
        has_more=False,
        unreadable=page.malformed or None,
        note=" ".join(filter(None, (note, page.note, nothing))) or None,
    )


def _filled(
    frame: PageSummary, shown: list[Row], page: SessionPage[Any], cursors: CursorCodec
) -> PageSummary:
    """Return the result with the rows that are shown, and a cursor for what comes after them."""
    following = page.following_after(len(shown))
    left = len(page.rows) - len(shown) or None
    sessions, shared = share(shown)
    return frame.model_copy(
        update={
            "sessions": sessions,
            "shared": shared,
            "returned": len(shown),
            "complete": frame.complete and not left,
            "has_more": following is not None,
            "next_cursor": following and cursors.write(following),
            "next_tool": following and GetSessionPage.tool,
            "left_for_next_page": left,
        }
    )


def _nothing_found(page: SessionPage[Any]) -> str | None:
    """Say what an empty result did not look at, lest it be taken for a whole one."""
    if page.following is not None:
        return _NOT_YET if page.place.query.filters_rows() else None
    return _looked_at(page.place.query)


def _looked_at(query: ListSessions) -> str | None:
    """Say which texts the words of a list without rows were looked for in."""
    said = (_SEARCH if query.search else None, _CONTAINS if query.contains else None)
    return " ".join(filter(None, said)) or None


def _said(query: ListSessions) -> dict[str, str]:
    """Return what the filters said back say of every row, but for fields that were asked for."""
    asked, told = query.filters(), query.fields or ()
    return {name: asked[name] for name in SAID_BY_FILTERS if name in asked and name not in told}


def _filters(query: ListSessions) -> Filters | None:
    """Say back the filters in force, each on one line: an agent may have them from a stranger."""
    asked = {name: _on_one_line(value) for name, value in query.filters().items()}
    return Filters(**asked) if asked else None


def _on_one_line(value: Any) -> Any:
    if isinstance(value, list):
        return [_on_one_line(item) for item in value]
    return one_line(value, MAX_FILTER_CHARS) if isinstance(value, str) else value


def row_within(
    room: int,
    session: SessionT,
    row: Callable[[SessionT], Row],
    said: Mapping[str, str] = MappingProxyType({}),
) -> SizedRow:
    """Show brief what is too large to be shown as asked, and in no row what is `said` already."""
    whole = row(session)
    again = {name: None for name, value in said.items() if getattr(whole, name) == value}
    made = sized(whole.model_copy(update=again) if again else whole)
    if made.size <= room:
        return made
    return sized(rows.brief(session).model_copy(update={"shortened": True}))
