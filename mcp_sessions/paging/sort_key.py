"""The one order that never changes: newest first, and by a hash of the id where times are equal.

The API sorts by `created_at` alone and orders ties as it likes each time. A place in this order
means the same in every answer, whatever was created, deleted or shuffled in between.
"""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

TIE_BYTES = 6  # two of the 98 ties that a window can hold collide once in 10^11 groups
_LAST_TIE = b"\xff" * TIE_BYTES
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Key(NamedTuple):
    """A place in the order: `age` grows with it, in microseconds; `tie` orders equal ages."""

    age: int
    tie: bytes

    @property
    def closes(self) -> bool:
        """Tell whether no session of this age can follow."""
        return self.tie == _LAST_TIE


def tie_of(session_id: str) -> bytes:
    """Return what orders a session among those of its age."""
    return blake2b(session_id.encode(), digest_size=TIE_BYTES).digest()


def end_of(age: int) -> Key:
    """Return the place behind every session of an age."""
    return Key(age, _LAST_TIE)


def age_of(created_at: datetime) -> int:
    """Return how old a session is, negative after 1970."""
    return -((created_at - _EPOCH) // timedelta(microseconds=1))
