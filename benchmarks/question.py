"""A question to `list_sessions`: the calls that ask it, and how what they show is read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shown import Seen, Shown

MONDAY = "2026-11-16"
"""The first day of the week in which the organization is looked at."""

WAITING = "waitingfortoolresults"
"""The status of a session that waits for a person, as it is stored."""

Session = Mapping[str, Any]
Arguments = Mapping[str, Any]
Way = tuple["Call", ...]
"""Calls that answer a question, one after the other."""


class NotToldError(Exception):
    """A result that does not say what was asked."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call; `arguments` may depend on what the calls before it showed."""

    arguments: Arguments | Callable[[Sequence[Shown]], Arguments]
    names: frozenset[str]

    def following(self, shown: Sequence[Shown]) -> Arguments:
        """Return the arguments, given what the calls before showed."""
        return self.arguments(shown) if callable(self.arguments) else self.arguments


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the ways to ask it (the best first), and how its answer is read and judged."""

    words: str
    ways: tuple[Way, ...]
    answer: Callable[[Sequence[Shown]], Any]
    truth: Any


def one(**arguments: Any) -> Way:
    """Return the way of a single call."""
    return (Call(arguments, frozenset(arguments)),)


def all_of(shown: Sequence[Shown]) -> list[Seen]:
    """Return the sessions of all results, if no result says that there are more."""
    if not shown or not shown[-1].ended:
        raise NotToldError("there are more")
    return [row for one in shown for row in one.sessions]


def ids_of(shown: Sequence[Shown]) -> set[str]:
    """Return the ids of all sessions, as all_of does."""
    return {row.id for row in all_of(shown)}


def count_of(shown: Sequence[Shown]) -> int:
    """Return how many there are: as the result says it, else by counting its sessions."""
    return len(all_of(shown)) if shown[0].total is None else shown[0].total


def truths(sessions: Iterable[Session]) -> set[str]:
    """Return the ids of stored sessions."""
    return {row["id"] for row in sessions}


def status_of(row: Session) -> str:
    """Return a stored session's status as the tools spell it."""
    return "waiting_for_tool_results" if row["status"] == WAITING else str(row["status"])


def cost_of(row: Session) -> float | None:
    """Return what a stored session cost, in US dollars, if it tells."""
    cost: float | None = row.get("usage", {}).get("estimated_cost_usd")
    return cost


def this_week(row: Session) -> bool:
    """Tell whether a stored session was created since Monday."""
    return bool(row["created_at"] >= MONDAY)
