"""What a reader finds in a result who has only its JSON, or only its text.

Nothing here knows the store or the server's own models: what a form does not say is not found.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

_ID = r"session_[0-9a-f]{32}"
_STRING = r'"(?:[^"\\]|\\.)*"'
_STATUSES = ("waiting_for_tool_results", "started", "active", "paused", "idle")
_ROW = re.compile(rf"^(?={_ID}\b)", re.MULTILINE)
_STATUS = re.compile(rf"(?<![\w=])({'|'.join(_STATUSES)})\b")
_COST = re.compile(r"\$(\d+(?:\.\d+)?)")
_PARENT = re.compile(rf"\bparent\w*[ =:]+({_ID})")
_REPLY = re.compile(rf"\brepl(?:ied|y)[ =:]+(?:({_STRING})|([^\s,]+))")
_TOTAL = re.compile(r"^(?:\d+ of (\d+) sessions from|(\d+) sessions? match)")
_NOT_FOUND = re.compile(r"^not found\b.*", re.IGNORECASE | re.MULTILINE)
_GROUP = re.compile(r"^(\S+): (\d+) sessions?\b(.*)$", re.MULTILINE)


class Seen(NamedTuple):
    """A session as a reader finds it; `words` is all that is said of it."""

    id: str
    label: str
    status: str | None
    parent: str | None
    cost: float | None
    reply: str | None
    words: str


class Group(NamedTuple):
    """One line of counts: how many sessions, and what they cost."""

    sessions: int
    cost: float | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A result as a reader finds it; `ended` says that no further page was announced."""

    sessions: list[Seen]
    total: int | None
    ended: bool
    not_found: list[str] = field(default_factory=list)
    groups: dict[str, Group] = field(default_factory=dict)


def of_json(result: Mapping[str, Any]) -> Shown:
    """Return what the structured content says."""
    common = {**result.get("filters", {}), **result.get("shared", {})}
    counts = result.get("counts", [])
    groups = counts.get("groups", []) if isinstance(counts, Mapping) else counts
    return Shown(
        [_of_row(row, common) for row in result.get("sessions", [])],
        result.get("total"),
        not result.get("has_more") and "next_cursor" not in result,
        [str(missing) for missing in result.get("not_found", [])],
        {
            str(group.get("value")): Group(group["sessions"], group.get("cost_usd"))
            for group in groups
        },
    )


def _of_row(row: Mapping[str, Any], common: Mapping[str, Any]) -> Seen:
    return Seen(
        row["id"],
        row["label"],
        row.get("status"),
        row.get("parent_session_id") or common.get("parent_session_id"),
        row.get("cost_usd"),
        row.get("reply"),
        json.dumps(row, ensure_ascii=False),
    )


def of_text(text: str) -> Shown:
    """Return what the text says."""
    head, *rows = _ROW.split(text)
    # What follows the last session's lines, which are its own and indented ones, is the foot.
    *rows, last = rows or [""]
    lines = last.split("\n")
    own = next((n for n, line in enumerate(lines) if n and not line.startswith(" ")), len(lines))
    foot = "\n".join(lines[own:])
    total = _TOTAL.match(head)
    return Shown(
        [_of_lines(row) for row in (*rows, "\n".join(lines[:own])) if row],
        int(total[1] or total[2]) if total else None,
        "next_cursor" not in text and "get_session_page(" not in foot + head,
        re.findall(_ID, "\n".join(_NOT_FOUND.findall(head + foot))),
        dict(_groups(text)),
    )


def _of_lines(lines: str) -> Seen:
    id_, _, rest = lines.partition(" ")
    label = re.search(_STRING, rest.partition("\n")[0])
    bare = re.sub(_STRING, '""', lines)  # strangers' words are no facts
    status, cost, parent = (found.search(bare) for found in (_STATUS, _COST, _PARENT))
    reply = _REPLY.search(lines)
    return Seen(
        id_,
        json.loads(label[0]) if label else id_,
        status[1] if status else None,
        parent[1] if parent else None,
        float(cost[1]) if cost else None,
        (json.loads(reply[1]) if reply[1] else reply[2]) if reply else None,
        lines,
    )


def _groups(text: str) -> Iterator[tuple[str, Group]]:
    for value, sessions, rest in _GROUP.findall(text):
        cost = _COST.search(rest)
        yield value, Group(int(sessions), float(cost[1]) if cost else None)
