"""A page as lines for a model to read: what it holds, one session in one line or two, what next."""

import json
import re
from collections.abc import Iterator

from mcp_sessions.results.models import Listing, PageSummary, Row, Shown
from mcp_sessions.results.rows import COST_DECIMALS

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
    if page.not_found is not None:
        return "\n".join([*_lookup_head(page, year), *rows, *_lookup_foot(page)])
    return "\n".join([*_head(page, year), *rows, *_foot(page)])


def _head(page: PageSummary, year: str) -> Iterator[str]:
    """Say first what could be misread later: each count with the word for what it counts."""
    said = ", ".join([*_counts(page), "newest first"])
    if year:
        brief = all(row.created_at is None for row in page.sessions)
        what = "last update" if brief else "created → last update or finish"
        said += f"; {what}, UTC, {year}"
    yield said
    if page.filters is not None:
        yield "Filters: " + _pairs(page.filters)
    if page.note is not None:
        yield f"Note: {page.note}"
    if page.shared is not None:
        yield "All: " + _pairs(page.shared)


def _counts(page: PageSummary) -> Iterator[str]:
    """Say how many sessions match, are shown, did not fit, were examined."""
    if page.total is not None:
        yield f"{page.total} {_sessions(page.total)} {'match' if page.total != 1 else 'matches'}"
        shown = f"{page.returned} shown"
    else:
        shown = f"{page.returned} matching {_sessions(page.returned)} shown"
    yield f"{shown} from offset {page.offset}" if page.offset else shown
    if page.left_for_next_page:
        yield f"{page.left_for_next_page} more found that did not fit and come next"
    if page.examined is not None:
        yield f"{page.examined} examined {'so far' if page.has_more else 'to the end'}"
    if page.unreadable:
        yield f"{page.unreadable} unreadable and left out"


def _sessions(count: int) -> str:
    return "session" if count == 1 else "sessions"


def _foot(page: PageSummary) -> Iterator[str]:
    if page.next_cursor is None:
        yield "End of the list."
    else:
        yield f'Next: get_session_page(cursor="{page.next_cursor}")'


def _lookup_head(page: PageSummary, year: str) -> Iterator[str]:
    """Say how many of the sessions asked for by id are shown, and what became of the others."""
    others = ((page.not_found, "not found"), (page.unread, "unread"), (page.not_shown, "not shown"))
    counts = [(page.returned, "shown"), *((len(ids), word) for ids, word in others if ids)]
    asked, became = sum(count for count, _ in counts), (f"{count} {word}" for count, word in counts)
    what = "last update" if page.detail == "brief" else "created → last update or finish"
    times = f"; {what}, UTC, {year}" if year else ""
    yield f"{asked} sessions asked for by id: {', '.join(became)}{times}"
    if page.shared is not None:
        yield "All: " + _pairs(page.shared)


def _lookup_foot(page: PageSummary) -> Iterator[str]:
    if page.not_found:
        yield f"Not found: {' '.join(map(_value, page.not_found))}"
    if page.unread:
        unread = (f"{_value(one.id)} ({one.code})" for one in page.unread)
        yield f"Unread: {' '.join(unread)}"
    if page.note is not None:
        yield f"Note: {page.note}"
    if page.not_shown:
        ids = ",".join(map(_JSON, page.not_shown))
        detail = f', detail="{page.detail}"' if page.detail else ""
        detail += f", fields={_JSON(page.fields)}" if page.fields else ""
        yield f"Next, what did not fit: list_sessions(session_ids=[{ids}]{detail})"
    else:
        yield "End of the sessions asked for."


def render_row(row: Row, year: str = "") -> str:
    """Return one session's line, or two; times in `year` leave it out."""
    words = (row.id, _label(row), row.status and _value(row.status), _times(row, year))
    first = " ".join(word for word in words if word)
    second = ", ".join([*_facts(row), *_more_facts(row)])
    return f"{first}\n  {second}" if second else first


def _label(row: Row) -> str:
    if row.label == row.id:
        return "untitled"
    return f"untitled, asked {_quoted(row.label)}" if row.untitled else _quoted(row.label)


def _times(row: Row, year: str) -> str:
    """Give minutes, the day where it changes, and the year where it is another."""
    said, before = "", ""
    for word, moment in (
        ("", row.created_at),
        ("finished ", row.finished_at),
        ("", row.updated_at),
    ):
        if moment is None:
            continue
        same_day = before[_DATE] == moment[_DATE]
        said += " → " if said else ""
        said += word + (moment[_CLOCK] if same_day else _minute(moment, year))
        before = moment
    return said


def _facts(row: Row) -> Iterator[str]:
    """Say what a standard row has."""
    if row.agent_id is not None:
        yield _value(row.agent_id)
    if row.parent_session_id is not None:
        yield f"parent {_value(row.parent_session_id)}"
    if row.subagent is not None:
        yield f"subagent {_pairs(row.subagent)}"
    if row.tags:
        yield f"tags {' '.join(map(_value, row.tags))}"
    yield from _measures(row)
    if row.question is not None:
        yield f"asked {_quoted(row.question)}"
    if row.reply is not None:
        yield f"replied {_quoted(row.reply)}"


def _measures(row: Row) -> Iterator[str]:
    if row.tokens is not None:
        yield f"{row.tokens} tokens"
    if row.cost_usd is not None:
        yield f"${row.cost_usd:.{COST_DECIMALS}f}" if row.cost_usd else "$0"
    if row.pinned:
        yield "pinned"
    if row.schedules:
        yield f"schedules {row.schedules}"


_SAID = {
    "id", "label", "untitled", "status", "created_at", "updated_at", "finished_at", "agent_id",
    "tags", "parent_session_id", "subagent", "tokens", "cost_usd", "pinned", "schedules",
    "question", "reply",
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


def _pairs(values: Shown) -> str:
    return " ".join(f"{name}={_values(value)}" for name, value in values.compact().items())


def _values(value: object) -> str:
    """Put a comma between several, as agents may send them."""
    return ",".join(map(_value, value)) if isinstance(value, list) else _value(value)


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
