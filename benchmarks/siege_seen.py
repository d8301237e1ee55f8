"""What was seen of a siege: its tables, and what in them must not be."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

from siege_callers import Audit
from siege_honest import Calls, OwnDelay, Probe
from siege_server import Moment, Server
from siege_tenants import CANARY
from table import Row

_MOST_MEMORY = 512.0  # MiB, as the Kubernetes manifest allows
_MOST_GROWTH = 64.0  # MiB from the middle to the end
_WARM = 100  # moments; in a shorter siege much is met for the first time after the middle
_MOST_REFUSED = 0.02  # of the honest calls, but one always may be
_MORE_FILES, _MORE_THREADS = 48, 8  # the API's connections and readers of files may stay
_WORTH_SHOWING = 5


def _probes() -> tuple[Probe, Probe]:
    return Probe("kept connection", kept=True), Probe("new connections", kept=False)


@dataclass(slots=True)
class Seen:
    """All that was seen of one server; `moments` begin before the siege, and `end` is after it."""

    server: Server
    calls: Calls = field(default_factory=Calls)
    probes: tuple[Probe, Probe] = field(default_factory=_probes)
    own: OwnDelay = field(default_factory=OwnDelay)
    moments: list[Moment] = field(default_factory=list)
    crowd: dict[str, Audit] = field(default_factory=dict)
    upstream: dict[str, int] = field(default_factory=dict)

    def left_over(self) -> tuple[int, int]:
        """Return how many descriptors and threads there are more than there may be."""
        first, last = self.moments[0], self.moments[-1]
        files, threads = last.files - first.files, last.threads - first.threads
        return max(0, files - _MORE_FILES), max(0, threads - _MORE_THREADS)

    def complaints(self) -> Iterator[str]:
        """Give what must not be, in words."""
        yield from self.calls.wrong[:_WORTH_SHOWING]
        for name, breaches in self._breaches().items():
            yield from (f"{count} {what}: {name}" for what, count in breaches.items() if count)
        for word in (CANARY, "Traceback"):
            if count := self.server.log.count(word):
                yield f"{count} times {word} in the log"
        refused, total = len(self.calls.refused), self.calls.total
        if not self.calls.right or refused > max(1, _MOST_REFUSED * total):
            yield f"{refused} of {total} honest calls were refused"
        if self.server.peak > _MOST_MEMORY:
            yield f"memory was {self.server.peak:.0f} MiB at its peak"
        growth = self.moments[-1].rss - self._middle()
        if growth > _MOST_GROWTH and len(self.moments) > _WARM:
            yield f"memory grew by {growth:.0f} MiB from the middle to the end"
        files, threads = self.left_over()
        if files or threads:
            yield f"{files} descriptors and {threads} threads too many are left over"
        if self.server.code != 0:
            yield "the server had to be killed, or ended with a fault"

    def tables(self) -> dict[str, list[Row]]:
        """Return the figures."""
        reasons = sorted(self.calls.reasons.items())
        return {
            "honest calls": [self._calls_row()],
            "refusals": [{"reason": reason, "calls": count} for reason, count in reasons],
            "health": [
                *(_waits(one.name, one.waited, one.failed) for one in self.probes),
                _waits("own delay", self.own.waited),
            ],
            "memory": [self._memory_row()],
            "the process": [
                {"when": when, "descriptors": one.files, "threads": one.threads}
                for when, one in (("start", self.moments[0]), ("end", self.moments[-1]))
            ],
            "breaches": [
                {"in answers to": name, **breaches} for name, breaches in self._breaches().items()
            ],
            "besiegers": [
                {"kind": kind, "end": end, "times": count}
                for kind, audit in self.crowd.items()
                for end, count in audit.ends.most_common()
            ],
            "upstream": [{"answer": name, "requests": n} for name, n in self.upstream.items()],
        }

    def _breaches(self) -> dict[str, dict[str, int]]:
        return {
            name: {
                "planted credentials": audit.canaries,
                "rows of others": audit.foreign,
                "strangers let in": audit.let_in,
            }
            for name, audit in {"honest callers": self.calls.audit, **self.crowd}.items()
        }

    def _middle(self) -> float:
        """Return the least memory held in the middle fifth, since single answers come and go."""
        count = len(self.moments)
        return min(one.rss for one in self.moments[count * 2 // 5 : count * 3 // 5 + 1])

    def _calls_row(self) -> Row:
        calls = self.calls
        return {
            "calls": calls.total,
            "right": len(calls.right),
            "refused": len(calls.refused),
            "wrong": len(calls.wrong),
            "median s": calls.median,
            "slowest s": calls.slowest,
        }

    def _memory_row(self) -> Row:
        return {
            "RSS MiB, start": self.moments[0].rss,
            "middle": self._middle(),
            "end": self.moments[-1].rss,
            "peak": self.server.peak,
        }


def _waits(name: str, seconds: list[float], failed: int = 0) -> Row:
    return {
        "by": name,
        "waits": len(seconds),
        "failed": failed,
        "median ms": 1000 * median(seconds) if seconds else None,
        "slowest ms": 1000 * max(seconds, default=0.0),
    }
