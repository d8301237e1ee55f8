"""A session as it is kept: what is sorted and filtered by in columns, everything else as text.

The text is written once, when a session is stored, so that a page is served by joining strings.
"""

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

WAITING = "waitingfortoolresults"
"""The one status that is spelled in two ways; kept in this one."""

LINKS = ("self_url", "view_url", "ui_link")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TEXTS = ("agent_id", "title", "status", *LINKS)
_SPELLINGS = {"waiting_for_tool_results": WAITING}


class Record(NamedTuple):
    """One session's columns; `status` is None for a row that is served verbatim."""

    id: str | None
    created_us: int
    agent_id: str | None
    title: str | None
    status: str | None
    linked: bool
    body: str


def recorded(session: Mapping[str, Any]) -> Record:
    """Return `session` as columns, with what the API always sends filled in.

    Raises ValueError for what could not be sorted, searched or sent.
    """
    full = _completed(session)
    for name in _TEXTS:
        if not isinstance(full.get(name, ""), str):
            raise ValueError(f"{name} is not a string")  # noqa: TRY004 - a wrong value in a file
    if not _are_strings(full["tags"]):
        raise ValueError("tags is not a list of strings")
    linked = all(name in full for name in LINKS)
    apart = {"status"} if linked else {"status", *LINKS}
    body = {
        name: value
        for name, value in full.items()
        if name not in apart and (name == "tags" or value not in ([], {}))
    }
    title = full.get("title")
    return Record(
        id=full["id"],
        created_us=microseconds(full["created_at"]),
        agent_id=full.get("agent_id"),
        title=folded(title) if title else None,
        status=_SPELLINGS.get(full["status"], full["status"]),
        linked=linked,
        body=_members(body),
    )


def verbatim(row: str, created_at: str) -> Record:
    """Return a row that is served exactly as written, well-formed or not, in its place in time."""
    return Record(None, microseconds(created_at), None, None, None, linked=True, body=row)


def folded(text: str) -> str:
    """Return the text as it is searched: caseless, and without the NUL that ends SQLite's text."""
    return text.casefold().replace("\0", "\ufffd")


def microseconds(moment: object) -> int:
    """Return an RFC 3339 moment as microseconds since 1970, or raise ValueError."""
    try:
        since = datetime.fromisoformat(moment) - _EPOCH  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise ValueError(f"created_at is not an RFC 3339 moment: {moment!r}") from None
    return since // timedelta(microseconds=1)


def session_id(created_us: int, counter: int, entropy: int) -> str:
    """Return the id of a session: a UUIDv7 of its millisecond, a 12-bit counter, 62 random bits."""
    number = created_us // 1000 << 80 | 7 << 76 | counter << 64 | 2 << 62 | entropy
    return f"session_{number:032x}"


def _completed(session: Mapping[str, Any]) -> dict[str, Any]:
    """Return the session without nulls and with every field that the API requires of itself."""
    given = {name: value for name, value in session.items() if value is not None}
    created_at = given.get("created_at") or datetime.now(UTC).isoformat().replace("+00:00", "Z")
    id_ = given.get("id") or session_id(
        microseconds(created_at), secrets.randbits(12), secrets.randbits(62)
    )
    if not isinstance(id_, str):
        raise ValueError("id is not a string")  # noqa: TRY004 - a wrong value in a file
    defaults: dict[str, Any] = {
        "id": id_,
        "organization_id": "org_00000000000000000000000000000001",
        "workspace_id": f"wsp_{id_.removeprefix('session_')}",
        "harness_id": "harness_00000000000000000000000000000001",
        "owner_principal_id": "principal_00000000000000000000000000000001",
        "status": "idle",
        "tags": [],
        "created_at": created_at,
        "updated_at": created_at,
    }
    return defaults | given


def _are_strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _members(body: Mapping[str, Any]) -> str:
    """Return the members of a JSON object without its braces."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)[1:-1]
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("it holds half a surrogate pair, which UTF-8 cannot carry") from None
    return text
