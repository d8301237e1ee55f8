"""Call the tools many times at once against an API of which every fifth exchange fails.

Every answer must hold the sessions of its place, in their order, or say truly why it does not.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import anyio
import anyio.lowlevel
from faulty_proxy import sessions
from mcp import Client
from mcp_types import TextContent
from table import Row, report

from mcp_sessions import embedded
from mcp_sessions.server import ToolsByTenant, create_server
from mcp_sessions.settings import Settings

_HERE = Path(__file__).parent
_PAGE = 100
_WARM_UP = 0.05  # of the calls
_UNTHROTTLED = 1_000_000  # requests a minute
_HANGS = 3  # times the deadline
_MOST_GROWTH = 20.0  # MiB from the middle to the end
_LEAST_RIGHT = 0.5  # of the calls; fewer would be a server that only excuses itself
_WORTH_SHOWING = 5

_SEARCHES = (None, None, None, "report", "plan", "e", "no such title")
_STATUSES = ((), (), (), ("idle",), ("active", "paused"), ("started",))
_DETAILS = ("brief", "brief", "standard", "full")
_PASSING = {"rate_limited", "api_timeout", "api_unreachable", "api_unavailable"}
_GARBAGE = "bad_response"
_EARLIER = 1.0  # seconds before a call that a read it shares may have met garbage


class Asked(NamedTuple):
    """The filters of a list."""

    agent_id: str | None = None
    search: str | None = None
    status: tuple[str, ...] = ()

    def arguments(self) -> dict[str, Any]:
        """Return the filters as a tool takes them."""
        return {name: value for name, value in self._asdict().items() if value}


Truth = dict[Asked, list[str]]
"""The ids of every list that is asked for, in their order."""


class Step(NamedTuple):
    """One call: what is asked for, and the place in its list where the answer must begin."""

    tool: str
    arguments: dict[str, Any]
    asked: Asked
    start: int
    limit: int


class Excuse(NamedTuple):
    """A call that says it met garbage, from when to when."""

    began: float
    ended: float
    asked: Asked


class Moment(NamedTuple):
    """What the process holds at one moment."""

    name: str
    rss: float  # MiB
    tasks: int
    sockets: int


@dataclass(slots=True)
class Tally:
    """What the calls came to."""

    right: int = 0
    short: int = 0  # of the right ones
    errors: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    excuses: list[Excuse] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    slowest: float = 0.0
    seconds: float = 0.0

    @property
    def calls(self) -> int:
        """Return how many calls were made."""
        return self.right + sum(self.errors.values()) + len(self.wrong)

    def judge_excuses(self, garbage: Sequence[tuple[float, str]]) -> None:
        """Take for wrong what says it met garbage while its list met none."""
        for excuse in self.excuses:
            if not any(_explains(seen, target, excuse) for seen, target in garbage):
                self.errors[_GARBAGE] -= 1
                self.wrong.append(f"{_GARBAGE} without garbage: {excuse.asked}")

    def complaints(self) -> list[str]:
        """Return what must not be, in words."""
        first, _, middle, end, closed = self.moments
        found = self.wrong[:_WORTH_SHOWING]
        if self.right < _LEAST_RIGHT * self.calls:
            found.append("hardly an answer is right")
        if end.rss - middle.rss > _MOST_GROWTH:
            found.append(f"memory grew by {end.rss - middle.rss:.0f} MiB")
        if closed.tasks > first.tasks or closed.sockets > first.sockets:
            found.append("a task or a socket is left over")
        return found


@dataclass(slots=True)
class Reader:
    """An agent at work: it begins lists, jumps into them, and follows their cursors."""

    client: Client
    truth: Truth
    tally: Tally
    deadline: float
    entropy: Random
    following: Step | None = None

    async def read(self, calls: Iterator[int]) -> None:
        """Make calls for as long as there are any to make."""
        for _ in calls:
            step = self.following
            if step is None or self.entropy.random() < 0.1:  # noqa: PLR2004 - some lose interest
                step = self._new()
            self.following = await self._take(step)

    def _new(self) -> Step:
        """Begin a list anywhere."""
        asked = self.entropy.choice(list(self.truth))
        shape = {
            "limit": self.entropy.randint(1, _PAGE),
            "detail": self.entropy.choice(_DETAILS),
        }
        arguments = asked.arguments() | shape
        if asked.status or self.entropy.random() < 0.7:  # noqa: PLR2004 - most begin at the top
            return Step("list_sessions", arguments, asked, 0, shape["limit"])
        offset = self.entropy.randint(0, len(self.truth[asked]) + 5)
        arguments["offset"] = offset
        return Step("get_session_page", arguments, asked, offset, shape["limit"])

    async def _take(self, step: Step) -> Step | None:
        """Make a call, and return the one that follows: the same again after an error."""
        began, tally = time.monotonic(), self.tally
        try:
            with anyio.fail_after(_HANGS * self.deadline):
                result = await self.client.call_tool(step.tool, step.arguments)
        except TimeoutError:
            tally.wrong.append(f"no answer to {step.tool} {step.arguments}")
            return None
        ended = time.monotonic()
        tally.slowest = max(tally.slowest, ended - began)
        answer = result.structured_content
        if result.is_error or answer is None:
            text = "".join(part.text for part in result.content if isinstance(part, TextContent))
            self._excused(text, Excuse(began, ended, step.asked))
            return step
        wrong = _wrong(step, self.truth[step.asked], answer)
        if wrong:
            tally.wrong.append(f"{wrong}: {step.tool} {step.arguments}")
            return None
        tally.right += 1
        tally.short += _is_short(step, self.truth[step.asked], answer)
        return _following(step, answer)

    def _excused(self, text: str, excuse: Excuse) -> None:
        """Take an error by its code; one that is not to pass must have met garbage."""
        code = text.partition(":")[0]
        if code == _GARBAGE:
            self.tally.excuses.append(excuse)
        elif code not in _PASSING or not text.endswith("(transient)"):
            self.tally.wrong.append(f"{text!r}: {excuse.asked}")
            return
        self.tally.errors[code] += 1


def main() -> int:
    """Print what the calls came to and return 1 if anything was not as it must be, else 0."""
    options = _options()
    truth, tally = _truth(options.sessions), Tally()
    with _upstream(options) as (url, told):
        anyio.run(_soak, url, truth, tally, options)
    tally.judge_excuses(told["garbage"])
    report(_tables(tally, told["counts"]), as_json=options.json)
    complaints = tally.complaints()
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000, help="(%(default)s)")
    parser.add_argument("--tasks", type=int, default=32, help="that call at once (%(default)s)")
    parser.add_argument("--faults", type=float, default=0.2, help="their share (%(default)s)")
    parser.add_argument("--sessions", type=int, default=400, help="in the list (%(default)s)")
    parser.add_argument("--deadline", type=float, default=4.0, help="of a call (%(default)s s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    return parser.parse_args()


def _truth(count: int) -> Truth:
    """Ask a store of the same sessions for every list there is."""
    agents = {session.get("agent_id") for session in sessions(count)}
    truth: Truth = {}
    with embedded.SessionStore() as store:
        store.create_many(sessions(count))
        for agent_id, search in product([None, None, *sorted(agents - {None})], _SEARCHES):
            rows = _rows(store, agent_id, search)
            for status in _STATUSES:
                ids = [row.id for row in rows if not status or row.status in status]
                truth[Asked(agent_id, search, status)] = ids
    return truth


def _rows(store: embedded.SessionStore, agent_id: str | None, search: str | None) -> list[Any]:
    rows: list[Any] = []
    while True:
        page, total = store.page(agent_id, search, len(rows), _PAGE)
        rows += page
        if len(rows) == total:
            return rows


@contextmanager
def _upstream(options: argparse.Namespace) -> Iterator[tuple[str, dict[str, Any]]]:
    """Run the faulty API in a process of its own; what it did is told once the block has ended."""
    command = [sys.executable, str(_HERE / "faulty_proxy.py"), f"--sessions={options.sessions}"]
    command += [f"--share={options.faults}", f"--slow={options.deadline + 1}"]
    told: dict[str, Any] = {}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), told
        told |= json.loads(process.communicate()[0])


async def _soak(url: str, truth: Truth, tally: Tally, options: argparse.Namespace) -> None:
    """Share one server among all tasks, and look at the process on the way."""
    tally.moments.append(_moment("before"))
    warm_up = int(options.calls * _WARM_UP)
    half = (options.calls - warm_up) // 2
    batches = {"warm": warm_up, "middle": half, "end": options.calls - warm_up - half}
    async with Client(create_server(ToolsByTenant(_settings(url, options.deadline)))) as client:
        readers = [
            Reader(client, truth, tally, options.deadline, Random(seed))  # noqa: S311 - repeatable
            for seed in range(options.tasks)
        ]
        began = time.monotonic()
        for name, calls in batches.items():
            left = iter(range(calls))
            async with anyio.create_task_group() as group:
                for reader in readers:
                    group.start_soon(reader.read, left)
            tally.moments.append(_moment(name))
        tally.seconds = time.monotonic() - began
    for _ in range(10):  # a closed transport leaves its socket in a later turn of the loop
        await anyio.lowlevel.checkpoint()
    tally.moments.append(_moment("closed"))


def _settings(url: str, deadline: float) -> Settings:
    # The API is on this machine: no proxy is asked.
    os.environ["NO_PROXY"] = "*"
    given = {"EVERRUNS_API_URL": url, "MCP_SESSIONS_NO_KEY": "true"}
    given["MCP_SESSIONS_DEADLINE"] = str(deadline)
    if "requests_per_minute" in Settings.model_fields:
        given["MCP_SESSIONS_REQUESTS_PER_MINUTE"] = str(_UNTHROTTLED)
    return Settings.from_env(given)


def _moment(name: str) -> Moment:
    """Look at the process as Linux's /proc shows it."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    links = [_link(path) for path in Path("/proc/self/fd").iterdir()]
    return Moment(
        name,
        pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
        len(anyio.get_running_tasks()),
        sum(link.startswith("socket:") for link in links),
    )


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:  # the listing's own
        return ""


def _wrong(step: Step, ids: Sequence[str], answer: dict[str, Any]) -> str | None:
    """Return what is wrong with an answer, judged by the ids of its list."""
    shown = [row["id"] for row in answer["sessions"]]
    end, more = step.start + len(shown), answer["has_more"]
    if shown != list(ids[step.start : end]):
        return "other sessions"
    if "unreadable" in answer or (shown and "note" in answer):
        return "a page in doubt"
    if len(shown) > step.limit or (end < len(ids) and not more):
        return "another end"
    if step.asked.status:  # the server walks for them, and knows neither a total nor the end
        return None
    here = (more, answer["total"], answer["offset"])
    return "another place" if here != (end < len(ids), len(ids), step.start) else None


def _is_short(step: Step, ids: Sequence[str], answer: dict[str, Any]) -> bool:
    """Tell whether a page stops before its limit, since it could not be read to its end."""
    due = len(ids[step.start : step.start + step.limit])
    return len(answer["sessions"]) + answer.get("left_for_next_page", 0) < due


def _following(step: Step, answer: dict[str, Any]) -> Step | None:
    """Return the call of the next page, if there is one."""
    if not answer["has_more"]:
        return None
    start = step.start + len(answer["sessions"])
    arguments = {"cursor": answer["next_cursor"]}
    return step._replace(tool="get_session_page", arguments=arguments, start=start)


def _explains(seen: float, target: str, excuse: Excuse) -> bool:
    """Tell whether garbage came in during a call, for the list that it reads."""
    query = parse_qs(urlsplit(target).query)
    read = tuple(query.get(name, [None])[0] for name in ("agent_id", "search"))
    during = excuse.began - _EARLIER <= seen <= excuse.ended
    return during and read == (excuse.asked.agent_id, excuse.asked.search)


def _tables(tally: Tally, upstream: dict[str, int]) -> dict[str, list[Row]]:
    asked = sum(upstream.values())
    faults = asked - upstream.get("HTTP 200", 0)
    answers: Row = {
        "calls": tally.calls,
        "right": tally.right,
        "of them short": tally.short,
        "wrong": len(tally.wrong),
        "calls a second": tally.calls / tally.seconds,
        "slowest s": tally.slowest,
        "upstream requests": asked,
        "faults %": 100 * faults / asked,
    }
    return {
        "answers": [answers],
        "errors": [{"code": code, "calls": n} for code, n in sorted((+tally.errors).items())],
        "upstream": [{"answer": name, "requests": n} for name, n in sorted(upstream.items())],
        "the process": [
            {"when": one.name, "RSS MiB": one.rss, "tasks": one.tasks, "sockets": one.sockets}
            for one in tally.moments
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
