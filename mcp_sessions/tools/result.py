"""A page or a failure as the result of a tool call, within the size that a result may have."""

from collections.abc import Callable
from typing import Any, Final

from mcp_types import CallToolResult, TextContent

from mcp_sessions.arguments import ListSessions
from mcp_sessions.errors import SessionsError
from mcp_sessions.paging.cursor import CursorCodec
from mcp_sessions.paging.page import SessionPage
from mcp_sessions.results import rows, text
from mcp_sessions.results.models import Filters, PageSummary, Row, share
from mcp_sessions.results.safe_text import one_line
from mcp_sessions.results.size_budget import SizedRow, rows_within, size_of, sized
from mcp_sessions.wire.models import SessionT

MAX_ROW_CHARS: Final = 4_000
"""Characters of one row, in either form."""
MAX_FILTER_CHARS: Final = 600
"""Characters of a filter said back; more than the arguments allow."""
_COUNT_CHARS: Final = 64  # that returned, malformed and moved_on may still add to the envelope


def page_result(
    page: SessionPage[SessionT],
    row: Callable[[SessionT], Row],
    cursors: CursorCodec,
    max_chars: int,
) -> CallToolResult:
    """Return as many rows of a page as fit, the same in both forms, and at least one."""
    envelope = size_of(_summary(page, [], cursors).compact()) + _COUNT_CHARS
    room = min(MAX_ROW_CHARS, max_chars - envelope)
    sessions = (_row_within(room, entry.session, row) for entry in page.rows if entry.session)
    shown = rows_within(max_chars, envelope, sessions)
    result = _summary(page, shown, cursors)
    return CallToolResult(
        content=[TextContent(text=text.render(result))], structured_content=result.compact()
    )


def error_result(fault: SessionsError) -> CallToolResult:
    """Say what failed and why, what to do next, and whether and when to try again."""
    if fault.retry_after is not None:
        again = f"Try again after {fault.retry_after} s."
    elif fault.retryable:
        again = "Trying again may help."
    else:
        again = "The same call will fail again."
    lines = (f"{fault.code}: {fault.message}", fault.hint, f"{again} ({fault.category})")
    return CallToolResult(content=[TextContent(text="\n".join(lines))], is_error=True)


def _summary(page: SessionPage[Any], shown: list[Row], cursors: CursorCodec) -> PageSummary:
    cut = page.cut(len(shown))
    sessions, shared = share(shown)
    query = page.place.query
    walked = query.filters_rows()
    start = page.rows[0].position if page.rows else page.place.offset
    complete = cut.following is None and not (page.malformed or page.note or page.place.doubtful)
    return PageSummary(
        sessions=sessions,
        shared=shared,
        returned=len(shown),
        total=page.total,
        offset=None if walked else start,
        examined=page.examined if walked else None,
        complete=complete if walked else None,
        limit=query.limit,
        detail=query.detail,
        filters=_filters(query),
        has_more=cut.following is not None,
        next_cursor=cut.following and cursors.write(cut.following),
        malformed=page.malformed or None,
        moved_on=len(page.rows) - len(shown) or None,
        note=page.note,
    )


def _filters(query: ListSessions) -> Filters | None:
    """Say back the filters in force, each on one line: an agent may have them from a stranger."""
    asked = {name: _on_one_line(value) for name, value in query.filters().items()}
    return Filters(**asked) if asked else None


def _on_one_line(value: Any) -> Any:
    if isinstance(value, list):
        return [_on_one_line(item) for item in value]
    return one_line(value, MAX_FILTER_CHARS) if isinstance(value, str) else value


def _row_within(room: int, session: SessionT, row: Callable[[SessionT], Row]) -> SizedRow:
    """Show brief what is too large to be shown as asked."""
    made = sized(row(session))
    if made.size <= room:
        return made
    return sized(rows.brief(session).model_copy(update={"shortened": True}))
