"""A session as a row: an allow-list, field by field, clipped to a level of detail.

Rows are pure functions of what the API sent. Texts of strangers pass through `harmless`, and so
does every other string, since a remote may put anything anywhere.
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit, urlunsplit

from mcp_sessions.results.models import Listing, Owner, Row, Subagent, Usage
from mcp_sessions.results.safe_text import harmless
from mcp_sessions.wire.models import (
    MAX_TEXT_CHARS,
    WAITING,
    FullSession,
    McpServer,
    Principal,
    Session,
    TokenUsage,
)

MAX_ID_CHARS = 200  # as wire reads them
_ID = re.compile(
    "(?:session|agent|org|wsp|harness|model|principal|identity|agentver)_[0-9a-f]{16,40}"
    "|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)


# A link whose every part is a short word or such an id: nothing in it has to be looked for.
_PLAIN_LINK = re.compile(
    rf"https?://[a-z0-9.-]{{1,100}}(?::\d+)?(?:/(?:[a-z]{{1,20}}|{_ID.pattern}))*"
)

# The platform's own tags.
_PLUMBING = ("__internal:", "app:", "agent:", "endpoint:")
COST_DECIMALS = 4
_STUCK = (WAITING, "paused")  # where the last reply says what for
_STATUSES = {"started", "active", "idle", WAITING, "paused"}  # which need no cleaning


_MAX_BLANK = 5  # names of a list that are passed over, having nothing to show


class Caps(NamedTuple):
    """The most code points, or entries, that a level of detail shows of each text or list."""

    label: int
    quote: int
    tags: int
    tag: int
    names: int = 20
    name: int = 60


BRIEF = Caps(label=30, quote=0, tags=0, tag=0)
STANDARD = Caps(label=60, quote=64, tags=6, tag=24)
FULL = Caps(label=200, quote=200, tags=20, tag=64)


def brief(session: Session) -> Row:
    """Return the row of four fields that every session has room for."""
    return Row(
        **_label(session, BRIEF.label) | {"untitled": None},
        status=_status(session.status),
        updated_at=_minute(session.updated_at),
    )


def standard(session: Session) -> Row:
    """Return the row that answers most questions about a session."""
    stuck = session.status in _STUCK
    return Row(
        **_standard_fields(session, STANDARD, _minute),
        reply=_text(session.output_preview, STANDARD.quote) if stuck else None,
    )


def full(session: FullSession) -> Row:
    """Return every harmless scalar, and the shape of everything heavy."""
    fields = _standard_fields(session, FULL, _second)
    return Row(
        **{
            **fields,
            "subagent": _subagent(session, task=session.subagent_task),
            "pinned": session.is_pinned,
            "schedules": session.active_schedule_count,
        },
        **_identities(session),
        # The label of an untitled session is its question: once is enough.
        question=None if fields["untitled"] else _text(session.preview, FULL.quote),
        reply=_text(session.output_preview, FULL.quote),
        started_at=_second(session.started_at),
        owner=_owner(session.owner),
        effective_owner=_owner(session.effective_owner),
        locale=_word(session.locale),
        max_iterations=session.max_iterations,
        parallel_tool_calls=session.parallel_tool_calls,
        features=_texts(session.features, FULL.tags, FULL.tag),
        link=_link(session.view_url),
        usage=_usage(session.usage, said=fields["cost_usd"]),
        **_shapes(session, FULL),
    )


def asked_alone(session: FullSession) -> dict[str, Any]:
    """Return the fields that a row leaves out, or clips, where another one says the same.

    Where it is asked for by name, each is told; the label has the size of a standard row's.
    """
    return {
        **_label(session, STANDARD.label),
        "question": _text(session.preview, FULL.quote),
        "created_at": _minute(session.created_at),
        "started_at": _minute(session.started_at),
        "updated_at": _minute(session.updated_at),
        "finished_at": _minute(session.finished_at),
        "workspace_id": _word(session.workspace_id),
        "usage": _usage(session.usage, said=None),
    }


def _label(session: Session, limit: int) -> dict[str, Any]:
    title = _text(session.title, limit)
    label = title or _text(session.preview, limit) or session.id
    return {"id": session.id, "label": label, "untitled": None if title else True}


def _standard_fields(
    session: Session, caps: Caps, moment: Callable[[datetime | None], str | None]
) -> dict[str, Any]:
    updated, finished = moment(session.updated_at), moment(session.finished_at)
    tags = [tag for tag in session.tags or () if tag and not tag.startswith(_PLUMBING)]
    return {
        **_label(session, caps.label),
        "status": _status(session.status),
        "agent_id": _word(session.agent_id),
        "created_at": moment(session.created_at),
        "updated_at": None if updated == finished else updated,
        "finished_at": finished,
        "tags": _texts(tags, caps.tags, caps.tag),
        "parent_session_id": _word(session.parent_session_id),
        "subagent": _subagent(session),
        "tokens": _tokens(session.usage),
        "cost_usd": _cost(session.usage),
        "pinned": session.is_pinned or None,
        "schedules": session.active_schedule_count or None,
    }


def _identities(session: FullSession) -> dict[str, str | int | None]:
    names = (
        "organization_id",
        "workspace_id",
        "harness_id",
        "model_id",
        "agent_identity_id",
        "agent_version_id",
        "blueprint_id",
        "forked_from_session_id",
        "owner_principal_id",
        "resolved_owner_user_id",
    )
    words: dict[str, str | int | None] = {name: _word(getattr(session, name)) for name in names}
    if _hex(words["workspace_id"]) == _hex(session.id):
        words["workspace_id"] = None  # every session has one of its own, under its own number
    return {**words, "forked_from_sequence": session.forked_from_sequence}


def _hex(id_: object) -> str | None:
    return id_.rpartition("_")[2] if isinstance(id_, str) else None


def _shapes(session: FullSession, caps: Caps) -> dict[str, Any]:
    return {
        "system_prompt_chars": session.system_prompt,
        "tools": _listing(session.tools, lambda tool: tool.name, caps),
        "files": _listing(
            session.initial_files, lambda file: _sized(file.path, file.content, file.encoding), caps
        ),
        "mcp_servers": _listing((session.mcp_servers or {}).items(), _transport, caps),
        "capabilities": _listing(session.capabilities, lambda capability: capability.ref, caps),
    }


_Item = TypeVar("_Item")


def _listing(
    items: Iterable[_Item | None] | None, name: Callable[[_Item], str | None], caps: Caps
) -> Listing | None:
    entries = list(items or ())
    if not entries:
        return None
    names = (name(entry) or "unnamed" if entry is not None else "unreadable" for entry in entries)
    return Listing(count=len(entries), names=_texts(names, caps.names, caps.name) or [])


def _transport(server: tuple[str, McpServer | None]) -> str:
    name, config = server
    return f"{name} ({(config and config.type) or 'unknown'})"


def _sized(path: str | None, length: int | None, encoding: str | None) -> str | None:
    """Give a file's size in bytes if it came as base64, else in characters."""
    if path is None or length is None:
        return path
    if encoding == "base64":
        return f"{path} ({length * 3 // 4} bytes)"
    return f"{path} ({length} chars)"


def _text(text: str | None, limit: int) -> str | None:
    return (harmless(text, limit) or None) if text else None


def _word(text: str | None) -> str | None:
    """Pass an id as it is; what merely stands in an id's place is anybody's text."""
    if text is not None and _ID.fullmatch(text):
        return text
    return _text(text, MAX_ID_CHARS)


def _texts(texts: Iterable[str | None] | None, max_items: int, limit: int) -> list[str] | None:
    """Show the first `max_items` that are not blank; those beyond are counted and not looked at."""
    # Cut before they are remembered: what is behind could not be shown anyway.
    given = (text[:MAX_TEXT_CHARS] for text in texts or () if text)
    looked_at = islice(given, max_items + _MAX_BLANK)
    shown = list(islice((word for text in looked_at if (word := _name(text, limit))), max_items))
    if rest := sum(1 for _ in given):
        shown.append(f"+{rest} more")
    return shown or None


# Rows of one page have most of their names and tags in common.
@lru_cache(maxsize=1024)
def _name(text: str, limit: int) -> str:
    return _unlike_a_count(harmless(text, limit))


def _unlike_a_count(text: str) -> str:
    """Quote a stranger's "+3 more", which would look like ours."""
    return f'"{text}"' if text.startswith("+") and text.endswith(" more") else text


def _status(status: str | None) -> str | None:
    return status if status in _STATUSES else _text(status, 60)


def _minute(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.isoformat()[:16]}Z"


def _second(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.isoformat()[:19]}Z"


def _subagent(session: Session, task: str | None = None) -> Subagent | None:
    name = _text(session.subagent_name, FULL.tag)
    status = _text(session.subagent_status, FULL.tag)
    task = _text(task, FULL.quote)
    return Subagent(name=name, status=status, task=task) if name or status or task else None


def _tokens(usage: TokenUsage | None) -> int | None:
    counts = [] if usage is None else [usage.input_tokens, usage.output_tokens]
    told = [count for count in counts if count is not None]
    return sum(told) if told else None


def _cost(usage: TokenUsage | None) -> float | None:
    """Prefer what the API calls effective, then what was billed, then what was estimated."""
    if usage is None:
        return None
    costs = (usage.effective_cost_usd, usage.actual_cost_usd, usage.estimated_cost_usd)
    return _dollars(next((cost for cost in costs if cost is not None), None))


def _dollars(cost: float | None) -> float | None:
    """Round to hundredths of a cent, everywhere alike; only nothing is shown as nothing."""
    return cost and max(round(cost, COST_DECIMALS), 10**-COST_DECIMALS)


def _usage(usage: TokenUsage | None, *, said: float | None) -> Usage | None:
    """Return each count, and the costs beside the one that the row has `said` already."""
    if usage is None:
        return None
    billed, estimated = _dollars(usage.actual_cost_usd), _dollars(usage.estimated_cost_usd)
    told = Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_creation_tokens=usage.cache_creation_tokens,
        billed_usd=None if billed == said else billed,
        estimated_usd=None if estimated == said else estimated,
    )
    return told if told.compact() else None


def _owner(principal: Principal | None) -> Owner | None:
    if principal is None:
        return None
    return Owner(id=_word(principal.id), kind=_text(principal.kind, 60))


def _link(url: str | None) -> str | None:
    """Keep scheme, host and path: a query or a user name in a link may be a credential."""
    if url is None or _PLAIN_LINK.fullmatch(url):
        return url
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    return _text(urlunsplit((parts.scheme, host, parts.path, "", "")), 400)
