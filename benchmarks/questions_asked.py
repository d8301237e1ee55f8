"""Twenty-five questions about the made-up organization: how they are asked, and their answers.

The truth is computed from the sessions in the store; `answer` sees only what a result shows.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from question import (
    MONDAY,
    WAITING,
    Call,
    Question,
    Session,
    all_of,
    cost_of,
    count_of,
    ids_of,
    one,
    status_of,
    this_week,
    truths,
)
from questions_of_the_whole import of_counts, of_orders

from mcp_sessions.embedded import identity

_TODAY, _YESTERDAY = "2026-11-20", "2026-11-19"
_LABEL = 20  # characters of a label that tell it from others
_REPLY = 60
_PAUSES = ("budget", "asked for", "quiet")
_FAULTS = ("answered 503", "access to", "file from", "answer grew")
_ABSENT = "session_01a1f00000007000b000000000000000"


def questions(sessions: Sequence[Session]) -> list[Question]:
    """Return the questions about these sessions, each with its true answer."""
    newest = sorted(sessions, key=lambda session: str(session["created_at"]), reverse=True)
    return [
        *_of_status(newest),
        *_of_audits(newest),
        *_of_agents(newest),
        *_of_titles(newest),
        *_of_families(newest),
        *_of_starts(newest),
        *_of_ends(newest),
        *_of_words(newest),
        *_of_ids(newest),
        *of_counts(newest),
        *of_orders(newest),
    ]


def _of_status(newest: Sequence[Session]) -> list[Question]:
    at_work = [row for row in newest if row["status"] in {"active", "started"}]
    return [
        Question(
            "Which sessions wait for me?",
            (one(status=["waiting_for_tool_results"], limit=100),),
            ids_of,
            truths(row for row in newest if row["status"] == WAITING),
        ),
        Question(
            "Which sessions are paused, and why?",
            (one(status=["paused"], limit=100),),
            lambda shown: {row.id: _word_in(_PAUSES, row.reply) for row in all_of(shown)},
            {
                row["id"]: _word_in(_PAUSES, row["output_preview"])
                for row in newest
                if row["status"] == "paused"
            },
        ),
        Question(
            "Which sessions are at work now, subagents left out?",
            (one(status=["active", "started"], top_level_only=True),),
            ids_of,
            truths(row for row in at_work if "parent_session_id" not in row),
        ),
    ]


def _of_audits(newest: Sequence[Session]) -> list[Question]:
    audits = [row for row in newest if row["agent_id"] == identity("agent", "invoice audit")]
    yesterday = {"created_after": _YESTERDAY, "created_before": _TODAY}
    return [
        Question(
            "What did the invoice audit do yesterday?",
            (one(agent_id=audits[0]["agent_id"], **yesterday),),
            lambda shown: {row.id: row.label[:_LABEL] for row in all_of(shown)},
            {
                row["id"]: (row.get("title") or row["preview"])[:_LABEL]
                for row in audits
                if _day(row, "created_at") == _YESTERDAY
            },
        ),
        Question(
            "How many sessions has the invoice audit had so far?",
            (one(agent_id=audits[0]["agent_id"], limit=1, detail="brief"),),
            lambda shown: shown[0].total,
            len(audits),
        ),
    ]


def _of_agents(newest: Sequence[Session]) -> list[Question]:
    research, on_call = (
        [row for row in newest if row["agent_id"] == identity("agent", name)]
        for name in ("research", "on-call")
    )
    last = on_call[0]
    asked = {"agent_id": last["agent_id"], "limit": 1}
    ten = {"agent_id": research[0]["agent_id"], "limit": 10}
    return [
        Question(
            "What did the newest session on call come to?",
            (one(**asked, fields=["reply"]), one(**asked, detail="full")),
            lambda shown: {row.id: (row.reply or "")[:_REPLY] for row in shown[0].sessions},
            {last["id"]: last["output_preview"][:_REPLY]},
        ),
        Question(
            "What did each of the last ten researches cost?",
            (one(**ten, fields=["cost_usd"]), one(**ten)),
            lambda shown: {row.id: row.cost for row in shown[0].sessions},
            {row["id"]: cost_of(row) for row in research[:10]},
        ),
    ]


def _of_titles(newest: Sequence[Session]) -> list[Question]:
    known = _titled_alone(newest, lambda row: "Renewal terms" in row["title"])
    foreign = _titled_alone(newest, lambda row: "Повернення" in row["title"])
    order = foreign["title"].split()[-1]
    return [
        Question(
            f"How does the session about “{known['title']}” stand?",
            (one(search=known["title"], detail="brief"),),
            lambda shown: {row.id: row.status for row in all_of(shown)},
            {known["id"]: status_of(known)},
        ),
        Question(
            f"Where did a customer ask in Ukrainian for the money of order {order}?",
            (one(search=f"повернення {order}", detail="brief"),),
            ids_of,
            {foreign["id"]},
        ),
    ]


def _of_families(newest: Sequence[Session]) -> list[Question]:
    child = _titled_alone(
        newest, lambda row: "parent_session_id" in row and row["status"] == "idle"
    )
    parent = next(row for row in newest if row["id"] == child["parent_session_id"])
    ids = Call(
        lambda shown: {"session_ids": [all_of(shown[:1])[0].parent], "detail": "brief"},
        frozenset({"session_ids", "detail"}),
    )
    return [
        Question(
            f"What did {parent['id'][-6:]} send subagents for, and how do they stand?",
            (one(parent_session_id=parent["id"]),),
            lambda shown: {row.id: (row.label[:_LABEL], row.status) for row in all_of(shown)},
            {
                row["id"]: ((row.get("title") or row["preview"])[:_LABEL], status_of(row))
                for row in newest
                if row.get("parent_session_id") == parent["id"]
            },
        ),
        Question(
            f"Who sent the subagent of “{child['title']}”, and how does that one stand?",
            ((*one(search=child["title"]), ids),),
            lambda shown: {row.id: row.status for row in all_of(shown[1:])},
            {parent["id"]: status_of(parent)},
        ),
    ]


def _of_starts(newest: Sequence[Session]) -> list[Question]:
    today = [row for row in newest if _day(row, "created_at") == _TODAY]
    return [
        Question(
            "How many sessions began today?",
            (
                one(count_by="total", created_after=_TODAY, detail="brief"),
                one(created_after=_TODAY, limit=100, detail="brief"),
            ),
            count_of,
            len(today),
        ),
        Question(
            "What has begun since one o'clock?",
            (one(created_after="2026-11-20T13:00:00Z", detail="brief"),),
            ids_of,
            truths(row for row in today if row["created_at"] >= "2026-11-20T13:"),
        ),
        Question(
            "Which sessions were about incidents of the first degree this week?",
            (one(tags=["sev1"], created_after=MONDAY),),
            ids_of,
            truths(row for row in newest if "sev1" in row["tags"] and this_week(row)),
        ),
    ]


def _of_ends(newest: Sequence[Session]) -> list[Question]:
    notes = identity("agent", "release notes")
    return [
        Question(
            "What did the release notes' agent finish yesterday?",
            (one(agent_id=notes, finished_after=_YESTERDAY, finished_before=_TODAY),),
            ids_of,
            truths(
                row
                for row in newest
                if row["agent_id"] == notes and _day(row, "finished_at") == _YESTERDAY
            ),
        ),
        Question(
            "What has changed in the last half hour?",
            (one(updated_after="2026-11-20T15:00:00Z", detail="brief"),),
            ids_of,
            truths(row for row in newest if row["updated_at"] >= "2026-11-20T15:"),
        ),
    ]


def _of_words(newest: Sequence[Session]) -> list[Question]:
    audit = next(row for row in newest if row.get("title", "").startswith("VAT check"))
    invoice = next(word for word in audit["output_preview"].split() if word.startswith("RE-"))
    failed = [row for row in newest if row["activity"] == "failed" and this_week(row)]
    return [
        Question(
            f"In which sessions does invoice {invoice} occur?",
            (one(contains=invoice),),
            ids_of,
            truths(row for row in newest if invoice in _said(row)),
        ),
        Question(
            "What failed this week, and why?",
            (one(contains="could not finish", created_after=MONDAY, limit=100, fields=["reply"]),),
            lambda shown: {row.id: _word_in(_FAULTS, row.words) for row in all_of(shown)},
            {row["id"]: _word_in(_FAULTS, row["output_preview"]) for row in failed},
        ),
    ]


def _of_ids(newest: Sequence[Session]) -> list[Question]:
    waiting = next(row for row in newest if row["status"] == WAITING)
    done = next(row for row in newest if row["status"] == "idle")
    two = [waiting["id"], done["id"]]
    return [
        Question(
            f"What became of {two[0][-6:]} and {two[1][-6:]}?",
            (one(session_ids=two),),
            lambda shown: {row.id: row.status for row in all_of(shown)},
            {row["id"]: status_of(row) for row in (waiting, done)},
        ),
        Question(
            f"Are {done['id'][-6:]} and {_ABSENT[-6:]} still there?",
            (one(session_ids=[done["id"], _ABSENT], detail="brief"),),
            lambda shown: (ids_of(shown), set(shown[0].not_found)),
            ({done["id"]}, {_ABSENT}),
        ),
    ]


def _word_in(words: Iterable[str], text: str | None) -> str | None:
    return next((word for word in words if word in (text or "")), None)


def _titled_alone(newest: Sequence[Session], wanted: Callable[[Session], bool]) -> Session:
    """Return the newest session with a title that no other session has."""
    titles = Counter(row.get("title") for row in newest)
    return next(
        row
        for row in newest
        if titles[row.get("title")] == 1 and "CANARY" not in row["title"] and wanted(row)
    )


def _day(row: Session, name: str) -> str:
    return str(row.get(name, ""))[:10]


def _said(row: Session) -> str:
    return " ".join(row.get(name, "") for name in ("title", "preview", "output_preview"))
