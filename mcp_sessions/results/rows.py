"""A session as a row: an allow-list, field by field, clipped to a level of detail.

Rows are pure functions of what the API sent. Texts of strangers pass through `harmless`, and so
does every other string, since a remote may put anything anywhere.
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit, urlunsplit

from mcp_sessions.results.clipped import ID, clipped, clipped_list, id_or_text
from mcp_sessions.results.models import Listing, Owner, Row, Subagent, Usage
from mcp_sessions.wire.models import (
    WAITING,
    FullSession,
    McpServer,
    Principal,
    Session,
    TokenUsage,
)

# A link whose every part is a short word or such an id: nothing in it has to be looked for.
_PLAIN_LINK = re.compile(
    rf"https?://[a-z0-9.-]{{1,100}}(?::\d+)?(?:/(?:[a-z]{{1,20}}|{ID.pattern}))*"
)

# The platform's own tags.
_PLUMBING = ("__internal:", "app:", "agent:", "endpoint:")
COST_DECIMALS = 4
_STUCK = (WAITING, "paused")  # where the last reply says what for
_STATUSES = {"started", "active", "idle", WAITING, "paused"}  # which need no cleaning


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
        reply=clipped(session.output_preview, STANDARD.quote) if stuck else None,
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
        question=None if fields["untitled"] else clipped(session.preview, FULL.quote),
        reply=clipped(session.output_preview, FULL.quote),
        started_at=_second(session.started_at),
        owner=_owner(session.owner),
        effective_owner=_owner(session.effective_owner),
        locale=id_or_text(session.locale),
        max_iterations=session.max_iterations,
        parallel_tool_calls=session.parallel_tool_calls,
        features=clipped_list(session.features, FULL.tags, FULL.tag),
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
        "question": clipped(session.preview, FULL.quote),
        "created_at": _minute(session.created_at),
        "started_at": _minute(session.started_at),
        "updated_at": _minute(session.updated_at),
        "finished_at": _minute(session.finished_at),
        "workspace_id": id_or_text(session.workspace_id),
        "usage": _usage(session.usage, said=None),
    }


def _label(session: Session, limit: int) -> dict[str, Any]:
    title = clipped(session.title, limit)
    label = title or clipped(session.preview, limit) or session.id
    return {"id": session.id, "label": label, "untitled": None if title else True}


def _standard_fields(
    session: Session, caps: Caps, moment: Callable[[datetime | None], str | None]
) -> dict[str, Any]:
    updated, finished = moment(session.updated_at), moment(session.finished_at)
    tags = [tag for tag in session.tags or () if tag and not tag.startswith(_PLUMBING)]
    return {
        **_label(session, caps.label),
        "status": _status(session.status),
        "agent_id": id_or_text(session.agent_id),
        "created_at": moment(session.created_at),
        "updated_at": None if updated == finished else updated,
        "finished_at": finished,
        "tags": clipped_list(tags, caps.tags, caps.tag),
        "parent_session_id": id_or_text(session.parent_session_id),
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
    words: dict[str, str | int | None] = {
        name: id_or_text(getattr(session, name)) for name in names
    }
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
    return Listing(count=len(entries), names=clipped_list(names, caps.names, caps.name) or [])


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


def _status(status: str | None) -> str | None:
    return status if status in _STATUSES else clipped(status, 60)


def _minute(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.isoformat()[:16]}Z"


def _second(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.isoformat()[:19]}Z"


def _subagent(session: Session, task: str | None = None) -> Subagent | None:
    name = clipped(session.subagent_name, FULL.tag)
    status = clipped(session.subagent_status, FULL.tag)
    task = clipped(task, FULL.quote)
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
    return Owner(id=id_or_text(principal.id), kind=clipped(principal.kind, 60))


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
    return clipped(urlunsplit((parts.scheme, host, parts.path, "", "")), 400)
