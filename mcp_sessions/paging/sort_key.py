"""The total order of sessions: newest first, and by a hash of the id where times are equal.

The API sorts by `created_at` alone and orders ties as it likes each time. A place in this order
means the same in every answer, whatever was created, deleted or shuffled in between.
"""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

TIE_BYTES = 6  # two of the 98 ties that a window can hold collide once in 10^11 groups
_LAST_TIE = b"\xff" * TIE_BYTES
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SortKey(NamedTuple):
    """What sessions are ordered by, ascending: `age` first, then `tie`.

    `age` is minus the microseconds since 1970, so that newer sessions come first.
    """

    age: int
    tie: bytes

    @property
    def is_last_of_age(self) -> bool:
        """Tell whether no session of this age can come after this key."""
        return self.tie == _LAST_TIE


def tie_of(session_id: str) -> bytes:
    """Return a session's `tie`."""
    return blake2b(session_id.encode(), digest_size=TIE_BYTES).digest()


def last_key_of(age: int) -> SortKey:
    """Return the key behind every session of an age."""
    return SortKey(age, _LAST_TIE)


def age_of(created_at: datetime) -> int:
    """Return the `age` of a time of creation."""
    return -((created_at - _EPOCH) // timedelta(microseconds=1))
