"""Honest callers under siege, and probes of the server's health: what they notice."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from statistics import median
from typing import Any, NamedTuple

from siege_callers import Audit, Kept, request, tool_call
from siege_tenants import WORDS, Tenant

_NOW_AND_THEN = 3.0  # seconds between two calls of a caller
_PATIENCE = 40.0  # seconds; a call has 25
_PROBE_EVERY = 0.05  # seconds
_PROBE_PATIENCE = 10.0  # seconds
_MOST_ROWS = 20
_OK = 200


@dataclass(slots=True)
class Calls:
    """What the honest callers' calls came to."""

    right: list[float] = field(default_factory=list)  # seconds that each took, as the next
    refused: list[float] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    audit: Audit = field(default_factory=Audit)

    @property
    def total(self) -> int:
        """Return how many calls were made."""
        return len(self.right) + len(self.refused) + len(self.wrong)

    @property
    def slowest(self) -> float:
        """Return how long a caller waited at most, be it for a refusal."""
        return max([*self.right, *self.refused], default=0.0)

    @property
    def median(self) -> float:
        """Return how long an answer usually took."""
        return median(self.right) if self.right else 0.0


class Step(NamedTuple):
    """One call: the place in a list where its answer must begin, and how to get there."""

    search: str | None
    limit: int
    start: int = 0
    cursor: str | None = None

    def sent_by(self, tenant: Tenant) -> bytes:
        """Return the call."""
        if self.cursor is not None:
            return tool_call(tenant.token, "get_session_page", {"cursor": self.cursor})
        arguments = {"limit": self.limit} | ({"search": self.search} if self.search else {})
        return tool_call(tenant.token, "list_sessions", arguments)


@dataclass(slots=True)
class HonestCaller:
    """Reads lists of its tenant's to their ends, one call now and then."""

    tenant: Tenant
    kept: Kept
    calls: Calls
    entropy: Random

    async def read(self, until: float) -> None:
        """Call until it is time to go; what was refused is asked again."""
        step = None
        await asyncio.sleep(self.entropy.random() * _NOW_AND_THEN)
        while time.monotonic() < until:
            step = await self._take(step or self._new())
            await asyncio.sleep(_NOW_AND_THEN)
        self.kept.close()

    def _new(self) -> Step:
        return Step(self.entropy.choice((None, *WORDS)), self.entropy.randint(5, _MOST_ROWS))

    async def _take(self, step: Step) -> Step | None:
        """Make a call, and return the one that follows: the same again after most refusals."""
        began = time.monotonic()
        refused: str | None
        try:
            answer = await self.kept.ask(step.sent_by(self.tenant), _PATIENCE)
        except OSError as fault:
            refused, page = f"no answer: {type(fault).__name__}", dict[str, Any]()
        else:
            self.calls.audit.look(answer.body, self.tenant)
            refused, page = answer.told()
        seconds = time.monotonic() - began
        if refused:
            self.calls.refused.append(seconds)
            self.calls.reasons[refused] += 1
            return None if refused == "invalid_cursor" else step
        if wrong := _wrong(step, self.tenant, page):
            self.calls.wrong.append(f"{wrong}: {self.tenant.name} {step}")
            return None
        self.calls.right.append(seconds)
        start = step.start + len(page["sessions"])
        return step._replace(start=start, cursor=page["next_cursor"]) if page["has_more"] else None


def _wrong(step: Step, tenant: Tenant, page: dict[str, Any]) -> str | None:
    """Return what is wrong with a page."""
    whole = tenant.light_list(step.search)
    due = whole[step.start : step.start + step.limit]
    shown = [(row["id"], row["label"], row["status"], row["tags"]) for row in page["sessions"]]
    if shown != [(row["id"], row["title"], row["status"], row["tags"]) for row in due]:
        return "other sessions"
    goes_on = step.start + len(due) < len(whole)
    if (page["has_more"], page["total"]) != (goes_on, len(whole)):
        return "another end"
    return None


@dataclass(slots=True)
class Probe:
    """Asks for the server's health again and again, on a connection that is kept or on new ones."""

    name: str
    kept: bool
    waited: list[float] = field(default_factory=list)  # seconds, be it in vain
    failed: int = 0

    async def ask(self, port: int, until: float) -> None:
        """Ask until it is time to go."""
        connection, sent = Kept(port), request("GET", "/healthz")
        while time.monotonic() < until:
            began: float | None = time.monotonic()
            try:
                self.failed += (await connection.ask(sent, _PROBE_PATIENCE)).status != _OK
            except TimeoutError:
                self.failed += 1
            except OSError:  # it is told at once: nothing stalls
                self.failed += 1
                began = None
            if began is not None:
                self.waited.append(time.monotonic() - began)
            if not self.kept:
                connection.close()
            await asyncio.sleep(_PROBE_EVERY)
        connection.close()


@dataclass(slots=True)
class OwnDelay:
    """How late this process itself comes to what it has to do: a stall shorter tells nothing."""

    waited: list[float] = field(default_factory=list)  # seconds beyond what was meant

    async def watch(self, until: float) -> None:
        """Sleep again and again, and see how long that takes."""
        while time.monotonic() < until:
            began = time.monotonic()
            await asyncio.sleep(_PROBE_EVERY)
            self.waited.append(time.monotonic() - began - _PROBE_EVERY)
