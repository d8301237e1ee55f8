"""How many rows a result has room for."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from mcp_sessions.results.models import Row, shareable


class SizedRow(NamedTuple):
    """A row, its JSON object, and that object's size in characters."""

    row: Row
    shown: dict[str, Any]
    size: int


def sized(row: Row) -> SizedRow:
    """Return a row with its size, computed once."""
    shown = row.compact()
    return SizedRow(row, shown, size_of(shown))


def size_of(shown: Mapping[str, Any] | Sequence[str]) -> int:
    """Return the characters of a part of a result as compact JSON.

    Its text is never longer: it says the same with fewer quotes and shorter times.
    """
    return len(msgspec.json.encode(shown).decode())


class RowBudget:
    """Takes rows while they fit beside an envelope into `max_chars`, and at least one.

    What all rows taken share counts once, since it will be said once.
    """

    def __init__(self, max_chars: int, envelope: int) -> None:
        self.rows: list[Row] = []
        self._max_chars = max_chars
        self._used = envelope
        self._shared: dict[str, int] = {}  # field to the characters that each row saves

    def take(self, made: SizedRow) -> bool:
        """Take the next row, and tell whether it had room."""
        row, shown, size = made
        used = self._used + size + 1
        own = shareable(row)
        if self.rows:
            first = shareable(self.rows[0])
            own = {
                name: value
                for name, value in own.items()
                if name in self._shared and first[name] == value
            }
        shared = {
            name: min(size_of({name: shown[name]}) - 1, self._shared.get(name, size))
            for name in own
        }
        saved = len(self.rows) * sum(shared.values()) - len('"shared":{},')
        if self.rows and used - max(0, saved) > self._max_chars:
            return False
        self.rows.append(row)
        self._used, self._shared = used, shared
        return True
