"""A page as lines for a model to read: what it holds, one session in one line or two, what next."""

import json
import re
from collections.abc import Iterator

from mcp_sessions.results.models import Listing, PageSummary, Row, Shown, Tokens

_PLAIN = re.compile(r"[^\s,=\"()\[\]]+")
_JSON = json.JSONEncoder().encode
_YEAR = slice(0, 4)
_DATE = slice(0, 10)
_DAY = slice(5, 10)
_CLOCK = slice(11, 16)


def render(page: PageSummary) -> str:
    """Return the page's text; its last line is the exact next call, or says that none is left."""
    times = (row.created_at or row.updated_at for row in page.sessions)
    year = next((time[_YEAR] for time in times if time), "")
    rows = (render_row(row, year) for row in page.sessions)
    return "\n".join([*_head(page, year), *rows, *_foot(page)])


def _head(page: PageSummary, year: str) -> Iterator[str]:
    of = f" of {page.total}" if page.total is not None else ""
    where = (
        f"from offset {page.offset}" if page.examined is None else f"of {page.examined} examined"
    )
    shown = f"{page.returned}{of} sessions {where}, newest first"
    if year:
        what = "updated" if page.detail == "brief" else "created → updated"
        shown += f"; {what}, UTC, {year}"
    yield shown
    if page.filters is not None:
        yield "Filters: " + _pairs(page.filters)
    if page.shared is not None:
        yield "All: " + _pairs(page.shared)


def _foot(page: PageSummary) -> Iterator[str]:
    if page.malformed:
        yield f"Left out as unreadable: {page.malformed}"
    if page.moved_on:
        yield f"Did not fit, follow on the next page: {page.moved_on}"
    if page.note is not None:
        yield f"Note: {page.note}"
    if page.next_cursor is None:
        yield "End of the list."
    else:
        yield f'Next: get_session_page(cursor="{page.next_cursor}")'


def render_row(row: Row, year: str = "") -> str:
    """Return one session's line, or two; times in `year` leave it out."""
    label = "untitled" if row.label == row.id else _quoted(row.label)
    words = (row.id, label, row.status and _value(row.status), _times(row, year))
    first = " ".join(word for word in words if word)
    second = ", ".join([*_facts(row, year), *_more_facts(row)])
    return f"{first}\n  {second}" if second else first


def _times(row: Row, year: str) -> str:
    """Give minutes, the day where it changes, and the year where it is another."""
    if row.created_at is None or row.updated_at is None:
        moment = row.created_at or row.updated_at
        return _minute(moment, year) if moment else ""
    same_day = row.updated_at[_DATE] == row.created_at[_DATE]
    updated = row.updated_at[_CLOCK] if same_day else _minute(row.updated_at, year)
    return f"{_minute(row.created_at, year)} → {updated}"


def _facts(row: Row, year: str) -> Iterator[str]:
    """Say what a standard row has."""
    if row.agent_id is not None:
        yield _value(row.agent_id)
    if row.parent_session_id is not None:
        yield f"parent {_value(row.parent_session_id)}"
    if row.subagent is not None:
        yield f"subagent {_pairs(row.subagent)}"
    if row.finished_at is not None:
        same = row.updated_at is not None and row.finished_at[:16] == row.updated_at[:16]
        yield "finished" if same else f"finished {_minute(row.finished_at, year)}"
    if row.tags:
        yield f"tags {' '.join(map(_value, row.tags))}"
    yield from _measures(row)
    if row.preview is not None:
        yield f"asked {_quoted(row.preview)}"
    if row.reply is not None:
        yield f"replied {_quoted(row.reply)}"


def _measures(row: Row) -> Iterator[str]:
    if row.tokens is not None:
        yield _counts(row.tokens)
    if row.cost_usd is not None:
        yield f"${row.cost_usd:.2f}" if row.cost_usd >= 1 else f"${row.cost_usd}"
    if row.pinned:
        yield "pinned"
    if row.schedules:
        yield f"schedules {row.schedules}"


_SAID = {
    "id", "label", "status", "created_at", "updated_at", "finished_at", "agent_id", "tags",
    "parent_session_id", "subagent", "tokens", "cost_usd", "pinned", "schedules", "preview",
    "reply",
}  # fmt: skip
_MORE = dict.fromkeys(name for name in Row.model_fields if name not in _SAID)


def _more_facts(row: Row) -> Iterator[str]:
    """Say what only a full row has, under the names of its JSON."""
    if row.model_fields_set.isdisjoint(_MORE):
        return
    for name in _MORE:
        value = getattr(row, name)
        if value is None:
            continue
        if isinstance(value, str):
            yield f"{name} {_value(value)}"
        elif name == "shortened":
            yield "shown brief, being too large in full"
        elif isinstance(value, Listing):
            yield f"{name} {value.count}: {', '.join(map(_value, value.names))}"
        elif isinstance(value, Shown):
            yield f"{name} {_pairs(value)}"
        elif isinstance(value, list):
            yield f"{name} {' '.join(map(_value, value))}"
        else:
            yield f"{name} {_value(value)}"


def _counts(tokens: Tokens) -> str:
    return " ".join(f"{count} {name}" for name, count in tokens.compact().items()) + " tokens"


def _pairs(values: Shown) -> str:
    return " ".join(f"{name}={_value(value)}" for name, value in values.compact().items())


def _value(value: object) -> str:
    """Leave plain words bare; quote whatever could be taken for more than one value."""
    text = value if isinstance(value, str) else _JSON(value)
    return text if _PLAIN.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    """Quote a stranger's text, so that where it ends is never its own decision."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _minute(moment: str, year: str) -> str:
    day = moment[_DAY] if moment[_YEAR] == year else moment[_DATE]
    return f"{day} {moment[_CLOCK]}"
