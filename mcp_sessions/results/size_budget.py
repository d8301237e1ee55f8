"""How many rows a result has room for."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from mcp_sessions.results.models import SHAREABLE, Row


class SizedRow(NamedTuple):
    """A row, its JSON object, and that object's size in characters."""

    row: Row
    shown: dict[str, Any]
    size: int


def sized(row: Row) -> SizedRow:
    """Return a row with its size, computed once."""
    shown = row.compact()
    return SizedRow(row, shown, size_of(shown))


def size_of(shown: Mapping[str, Any]) -> int:
    """Return the characters of a part of a result as compact JSON.

    Its text is never longer: it says the same with fewer quotes and shorter times.
    """
    return len(msgspec.json.encode(shown).decode())


def rows_within(budget: int, envelope: int, rows: Iterable[SizedRow]) -> list[Row]:
    """Take rows while they fit beside `envelope` into `budget` characters, and at least one.

    What all rows taken share counts once, since it will be said once; rows that do not fit are
    not even made.
    """
    taken: list[Row] = []
    used = envelope
    shared: dict[str, int] = {}  # field to the characters that each row saves
    for row, shown, size in rows:
        used += size + 1
        if not taken:
            shared = {name: size_of({name: shown[name]}) - 1 for name in SHAREABLE if name in shown}
        else:
            first = taken[0]
            shared = {n: size for n, size in shared.items() if shown.get(n) == getattr(first, n)}
        saved = len(taken) * sum(shared.values()) - len('"shared":{},')
        if taken and used - max(0, saved) > budget:
            break
        taken.append(row)
    return taken
