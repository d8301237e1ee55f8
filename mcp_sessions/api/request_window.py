"""The window of the rate limiter: who holds how many of its slots, and which credential rests.

It knows no clock: whoever asks says what time it is, so that the future can be played through.
"""

import math
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from mcp_sessions.fair_slots import Shares


@dataclass(slots=True)
class RequestWindow:
    """Slots that are held from the request until `period` seconds after its answer.

    Who asks is a credential, and behind a blank the tenant that asks with it, if there are tenants:
    each holds slots of its own, while a rest is for all who have the credential. That begins with
    its key and a dot, where one key asks for several organizations.
    """

    shares: Shares
    period: float
    unanswered: Counter[str] = field(default_factory=Counter)
    cooling: deque[tuple[float, str]] = field(default_factory=deque)  # when slots are free again
    rests: dict[str, float] = field(default_factory=dict)
    all_rest_until: float = 0.0

    def rest(self, credential: str, until: float, now: float) -> None:
        """Let a credential take no slot, and nobody while those of two or more keys rest.

        What is told to one may be about its key alone, what is told to two is about the address.
        Who has no key (an empty credential) says nothing about those who have one.
        """
        self.rests = {name: end for name, end in self.rests.items() if end > now}
        self.rests[credential] = max(until, self.rests.get(credential, until))
        by_key: dict[str, float] = {}
        for name, end in self.rests.items():
            key = name.partition(".")[0]
            by_key[key] = max(end, by_key.get(key, end))
        ends = sorted(end for key, end in by_key.items() if key)
        self.all_rest_until = ends[-2] if len(ends) > 1 else 0.0

    def rests_until(self, asker: str) -> float:
        """Return when who asks may do so again, a time that has passed if it may now."""
        return max(self.rests.get(_credential_of(asker), 0.0), self.all_rest_until)

    def all_rest(self, now: float) -> bool:
        """Tell whether nobody may ask."""
        return self.all_rest_until > now

    def take(self, asker: str, now: float) -> bool:
        """Take a slot for one request, and tell whether there was one."""
        return self.take_next((asker,), now) is not None

    def take_next(self, askers: Iterable[str], now: float) -> str | None:
        """Take a slot for the first of these that may have one, and return which, if any.

        This is asked again and again with everybody who waits.
        """
        if not self.shares.free or self.all_rest_until > now:
            return None
        for asker in askers:
            if self.rests_until(asker) <= now and self.shares.take(asker):
                self.unanswered[asker] += 1
                return asker
        return None

    def release(self, asker: str) -> None:
        """Free a slot at once, with which no request was made."""
        self.unanswered[asker] -= 1
        self.shares.release(asker)

    def answered(self, asker: str, now: float) -> None:
        """Free a slot a period from now."""
        self.unanswered[asker] -= 1
        self.cooling.append((now + self.period, asker))

    def reclaim(self, now: float) -> None:
        """Free the slots whose time has come."""
        while self.cooling and self.cooling[0][0] <= now:
            _, asker = self.cooling.popleft()
            self.shares.release(asker)

    def next_change(self, now: float) -> float:
        """Return when the next slot is free or the next rest is over."""
        ends = [end for end in self.rests.values() if end > now]
        if self.cooling:
            ends.append(self.cooling[0][0])
        return min(ends, default=math.inf)

    def time_of(self, asker: str, waiting: Iterable[tuple[str, int]], now: float) -> float:
        """Return when the next to come of who asks would have a slot, if nobody else came.

        `waiting` says how many wait under which name, the next to be served first. What will
        happen is played through, every request answered as soon as it is made.
        """
        future = replace(
            self,
            shares=self.shares.copy(),
            unanswered=self.unanswered.copy(),
            cooling=self.cooling.copy(),
        )
        for name in self.unanswered.elements():
            future.answered(name, now)
        turns = OrderedDict(waiting)
        turns[asker] = turns.get(asker, 0) + 1
        while asker in turns:
            future.reclaim(now)
            served = future.take_next(turns, now)
            if served is None:
                now = future.next_change(now)
                continue
            future.answered(served, now)
            left = turns.pop(served) - 1
            if left:
                turns[served] = left
        return now


def _credential_of(asker: str) -> str:
    return asker.partition(" ")[0]
