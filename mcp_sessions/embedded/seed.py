"""Made-up sessions, the same ones every time: two months of a small firm's agents at work."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Literal, NamedTuple
from uuid import UUID

from mcp_sessions.embedded.heavy_fields import heavy, middling, owner_metadata
from mcp_sessions.embedded.phrases import WORDS, canary, chance, due, headline, prose, title
from mcp_sessions.embedded.record import session_id

STATUSES = ("idle", "active", "started", "waitingfortoolresults", "paused")

_STATUS_WEIGHTS = (60, 12, 8, 10, 10)
_SUBAGENT_STATUS = {"idle": "completed", "paused": "failed"}
_START = datetime(2026, 6, 1, 6, 0, tzinfo=UTC)
_SPAN = timedelta(days=60)
_SECOND = 1_000_000  # microseconds
_PREVIEW = 200  # characters of a message that the API shows
_AGENTS = 11
_OWNERS = 5
_UI = "https://app.everruns.com"

Weight = Literal["bare", "light", "middling", "heavy"]


class Place(NamedTuple):
    """Where a session stands: its number, its moment, and how many share that moment before it."""

    row: int
    created_us: int
    tied: int


def seed_sessions(count: int = 400, *, light: bool = False) -> Iterator[dict[str, Any]]:
    """Yield `count` sessions, the oldest first, alike in every run.

    Sixty in a hundred weigh 1.3 to 2 KB, thirty 8 to 15, eight 45 to 90, two next to nothing.
    Every field that may hold a secret holds one that begins with CANARY and is found nowhere else.
    `light` yields only rows of next to nothing, for a load of 100,000 in seconds.
    """
    entropy = Random(20260601)  # noqa: S311 - repeatable on purpose
    parents: list[dict[str, Any]] = []
    for place in _places(entropy, count):
        weight = "bare" if light else weight_of(place.row)
        session = _session(entropy, place)
        if weight != "bare":
            session |= _life(entropy, place, session) | _ownership(session)
        if weight in {"middling", "heavy"}:
            session |= bulk(entropy, place.row, session, weight)
        if parents and chance(entropy, 20):
            session |= _delegation(entropy, place.row, entropy.choice(parents), session)
        else:
            parents = [*parents[-30:], session]
        yield session if light else session | _careless(entropy, place.row, session)


def weight_of(row: int) -> Weight:
    """Return how heavy a row is; 37 is prime to 100, so every hundred rows have exact shares."""
    share = row * 37 % 100
    if share in range(2):
        return "bare"
    if share in range(2, 10):
        return "heavy"
    return "middling" if share in range(10, 40) else "light"


def _places(entropy: Random, count: int) -> Iterator[Place]:
    """Yield moments in order; pairs share one now and then, and one group of eight does."""
    gap = _SPAN // timedelta(microseconds=1) // max(count, 1)
    now, tied = int(_START.timestamp()) * _SECOND, 0
    for row in range(count):
        if due(row, every=15, at=14) or row in range(40, 47):
            tied += 1
        else:
            now, tied = now + entropy.randint(gap // 4, gap * 7 // 4), 0
        yield Place(row, now, tied)


def _session(entropy: Random, place: Place) -> dict[str, Any]:
    """Return a session with what every session has, and in most cases an agent and a title."""
    id_ = session_id(place.created_us, place.tied, entropy.getrandbits(62))
    name, locale = title(entropy, place.row)
    session: dict[str, Any] = {
        "id": id_,
        "organization_id": "org_" + "5eed" * 8,
        "workspace_id": id_.replace("session_", "wsp_"),
        "harness_id": _named("harness", place.row % 2),
        "owner_principal_id": _named("principal", place.row % _OWNERS),
        "locale": locale,
        "status": entropy.choices(STATUSES, _STATUS_WEIGHTS)[0],
        "tags": [entropy.choice(WORDS) for _ in range(place.row % 4)],
        "created_at": moment(place.created_us),
        "updated_at": moment(place.created_us + entropy.randint(5, 5_000) * _SECOND),
    }
    if name is not None:
        session["title"] = name
    if chance(entropy, 95):
        session["agent_id"] = _named("agent", min(int(entropy.expovariate(0.3)), _AGENTS - 1))
    return session


def _life(entropy: Random, place: Place, session: dict[str, Any]) -> dict[str, Any]:
    """Return what happened in the session: messages, tokens, schedules, a fork, its end."""
    row, status = place.row, session["status"]
    said = prose(entropy, entropy.randint(60, _PREVIEW))
    if due(row, every=23, at=5):
        said = f"use ghp_{canary('PREVIEW', row, entropy)} for the {said}"
    life: dict[str, Any] = {
        "preview": said[:_PREVIEW],
        "is_pinned": due(row, every=17, at=3),
        "active_schedule_count": row % 9 if due(row, every=4, at=0) else 0,
    }
    if due(row, every=29, at=11):
        life |= {"forked_from_session_id": session["id"][:-4] + "f04c", "forked_from_sequence": row}
    if status == "started":
        return life
    life["started_at"] = moment(place.created_us + _SECOND // 2)
    if status in {"idle", "paused"}:
        life["output_preview"] = prose(entropy, _PREVIEW)[:_PREVIEW]
    if status == "idle":
        life["finished_at"] = session["updated_at"]
    if chance(entropy, 90):
        life["usage"] = _usage(entropy)
    return life


def _usage(entropy: Random) -> dict[str, Any]:
    """Return token counts, with a cost for two sessions in three."""
    usage: dict[str, Any] = {
        "input_tokens": entropy.randint(200, 400_000),
        "output_tokens": entropy.randint(20, 60_000),
    }
    if chance(entropy, 60):
        usage |= {"cache_read_tokens": entropy.randint(0, 900_000), "cache_creation_tokens": 0}
    cost = round(usage["input_tokens"] * 3e-6 + usage["output_tokens"] * 15e-6, 6)
    match entropy.randrange(3):
        case 0:
            return usage
        case 1:
            return usage | {"estimated_cost_usd": cost, "effective_cost_usd": cost}
        case _:
            return usage | {"estimated_cost_usd": cost, "actual_cost_usd": round(cost * 0.97, 6)}


def _ownership(session: dict[str, Any]) -> dict[str, Any]:
    """Return who owns the session, and the settings that go with it."""
    principal = session["owner_principal_id"]
    number = int(principal[-4:], 16)
    subject = str(UUID(int=0x5EED << 112 | 4 << 76 | 2 << 62 | number))
    summary = {"id": principal, "kind": "user", "subject_id": subject}
    return {
        "owner": summary,
        "effective_owner": summary,
        "resolved_owner_user_id": subject,
        "agent_version_id": _named("agentver", number),
        "model_id": _named("model", number % 3),
        "max_iterations": 25 * (number + 1),
        "parallel_tool_calls": number % 2 == 0,
    }


def bulk(entropy: Random, row: int, session: dict[str, Any], weight: Weight) -> dict[str, Any]:
    """Return what makes a session heavy."""
    if weight == "middling":
        return middling(entropy, row)
    owned = {
        name: session[name] | {"metadata": owner_metadata(entropy, row, name)}
        for name in ("owner", "effective_owner")
    }
    return owned | heavy(entropy, row, f"{_UI}/api/v1/sessions/{session['id']}")


def _delegation(
    entropy: Random, row: int, parent: dict[str, Any], session: dict[str, Any]
) -> dict[str, Any]:
    """Return what makes a session the work of a subagent of an earlier one."""
    return {
        "parent_session_id": parent["id"],
        "subagent_name": f"{entropy.choice(WORDS).capitalize()} scout {row}",
        "subagent_status": _SUBAGENT_STATUS.get(session["status"], "running"),
        "subagent_task": prose(entropy, 80),
    }


def _careless(entropy: Random, row: int, session: dict[str, Any]) -> dict[str, Any]:
    """Return a title or a tag with a credential in it, for a few rows."""
    if due(row, every=31, at=7):
        return {"title": f"{headline(entropy)} sk-proj-{canary('TITLE', row, entropy)}"}
    if due(row, every=31, at=19):
        return {"tags": [*session["tags"], f"evr_pat_{canary('TAG', row, entropy)}"]}
    return {}


def _named(kind: str, number: int) -> str:
    return f"{kind}_0197{number:04x}00007000800000000000{number:04x}"


def moment(microseconds: int) -> str:
    """Return microseconds since 1970 as the API writes a time."""
    when = datetime.fromtimestamp(microseconds // _SECOND, UTC).replace(tzinfo=None)
    return f"{when.isoformat()}.{microseconds % _SECOND:06d}Z"
