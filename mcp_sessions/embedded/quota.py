"""How many requests an address may make in any minute, counted exactly."""

import math
from collections import defaultdict, deque
from dataclasses import dataclass, field

_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Quota:
    """A window over the last 60 seconds of every address; requests it refuses are not counted."""

    per_minute: int | None
    admitted: defaultdict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def wait(self, address: str, now: float) -> int | None:
        """Admit a request and return None, or return the whole seconds until there is room.

        `now` is in seconds and never goes back; waiting as long as told is always enough.
        """
        if self.per_minute is None:
            return None
        times = self.admitted[address]
        while times and times[0] + _MINUTE <= now:
            times.popleft()
        if len(times) < self.per_minute:
            times.append(now)
            return None
        room_at = times[0] + _MINUTE if times else now + _MINUTE
        return max(1, math.ceil(room_at - now))
