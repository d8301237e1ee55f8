"""Questions that only the whole list can answer: counts, sums, and orders of its own."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from question import MONDAY, WAITING, Question, Session, cost_of, one, status_of, this_week


def of_counts(newest: Sequence[Session]) -> list[Question]:
    """Return the questions for counts of the week's sessions."""
    week = [row for row in newest if this_week(row)]
    spent: defaultdict[str, float] = defaultdict(float)
    for row in week:
        spent[row["agent_id"]] += cost_of(row) or 0
    return [
        Question(
            "How many sessions of this week stand how?",
            (one(count_by="status", created_after=MONDAY, detail="brief"),),
            lambda shown: {value: group.sessions for value, group in shown[0].groups.items()},
            dict(Counter(map(status_of, week))),
        ),
        Question(
            "How many sessions of this week failed?",
            (one(count_by="activity", created_after=MONDAY, detail="brief"),),
            lambda shown: shown[0].groups["failed"].sessions,
            sum(row["activity"] == "failed" for row in week),
        ),
        Question(
            "What did each agent spend this week?",
            (one(count_by="agent_id", created_after=MONDAY),),
            lambda shown: {value: group.cost for value, group in shown[0].groups.items()},
            dict(spent),
        ),
    ]


def of_orders(newest: Sequence[Session]) -> list[Question]:
    """Return the questions for the first sessions in an order other than by creation."""
    dearest = sorted(newest, key=lambda row: cost_of(row) or 0, reverse=True)[:5]
    waiting = [row for row in newest if row["status"] == WAITING]
    return [
        Question(
            "Which five sessions cost most?",
            (one(sort="cost", limit=5),),
            lambda shown: [(row.id, row.cost) for row in shown[0].sessions],
            [(row["id"], cost_of(row)) for row in dearest],
        ),
        Question(
            "Which session has waited longest for me?",
            (
                one(
                    status=["waiting_for_tool_results"],
                    sort="updated",
                    ascending=True,
                    limit=1,
                ),
            ),
            lambda shown: [row.id for row in shown[0].sessions],
            [min(waiting, key=lambda row: str(row["updated_at"]))["id"]],
        ),
    ]
