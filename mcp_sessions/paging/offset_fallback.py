"""What a walk falls back on where keys prove nothing: the API's own order, and offsets.

There are three such cases, each of which the result has a note for:

- undated: the rows are in no order of time;
- tied: one group of equal times fills a whole answer, so that no answer shows both its ends;
- cut: answers have fewer rows than were asked for, and too few to show both ends of a group.

Entries are then shown as they arrived, and the walk goes on by offset, from a place that is
`doubtful`: what changes meanwhile may be missed or come twice.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from mcp_sessions.paging.window import Entry, Window
from mcp_sessions.wire.models import SessionT

UNDATED: Final = (
    "The API's rows are in no order of time: rows may be missing or come twice if it changes."
)
CUT: Final = (
    "The API's answers have too few rows to prove what follows: rows may be missing or come twice."
)
UNTIMED: Final = (
    "Some sessions have no created_at, and so no certain place: some of them may be missing or come"
    " twice."
)
BY_OFFSET: Final = (
    "The list goes on by offset where nothing proved what follows: rows may be missing or come"
    " twice."
)


def ended_below(total: int, end: int) -> str:
    """Return the note for a list that ends at the offset `end`, below the API's `total`."""
    return (
        f"The API counts {total} sessions, but none came after the first {end}: some may be"
        " missing."
    )


def tied_note(max_rows: int) -> str:
    """Return the note for more ties than an answer of `max_rows` rows can prove."""
    return (
        f"More than {max_rows - 2} sessions share one created_at: some of them may be missing or"
        " come twice."
    )


def as_arrived(entries: Iterable[Entry[SessionT]]) -> list[Entry[SessionT]]:
    """Return entries in the API's own order, after which a walk goes on by offset."""
    arrived = sorted(entries, key=lambda entry: entry.arrived)
    return [replace(entry, position=entry.arrived, keyed=False) for entry in arrived]


def from_offset(window: Window[SessionT], offset: int) -> list[Entry[SessionT]] | None:
    """Return the entries from `offset` on, or None if the window is of another part of the list."""
    entries = [entry for entry in window.entries if entry.arrived >= offset]
    covered = window.offset <= offset and (entries or window.ended)
    return as_arrived(entries) if covered else None


def rest_of_ties(window: Window[SessionT]) -> list[Entry[SessionT]]:
    """Return the entries of a window that begins amid ties: these as they arrived, then others.

    Those after the first group have keys to go on from again.
    """
    entries = window.whole_groups(list(window.entries)) or list(window.entries)
    first = [entry for entry in entries if entry.key.age == entries[0].key.age]
    return [*as_arrived(first), *entries[len(first) :]]
