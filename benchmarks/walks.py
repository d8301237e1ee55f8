"""Count what walks ask of the API: pages of a list that changes, and filters it does not know.

A page of `limit` rows costs one request at least. It proves itself by the row before it and the one
after it, so one answer of at most 100 rows settles 98: however the rows are spread over pages, a
walk takes a request for every 98 of them. Neither bound is within reach of every list.
"""

import argparse
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product
from random import Random
from typing import Any, NamedTuple

import anyio
from mcp import Client
from table import Row, report

from mcp_sessions import embedded
from mcp_sessions.api.client import SessionsApi, open_api
from mcp_sessions.arguments import ListSessions
from mcp_sessions.paging.cursor import CursorCodec, Place
from mcp_sessions.paging.page import Bounds, SessionPage, read_page
from mcp_sessions.server import ToolsByTenant, create_server
from mcp_sessions.settings import Settings
from mcp_sessions.wire.models import Session

_WALKED = 10_000
_LIMITS = (20, 100)
_TARGET = (20, 1.3)  # a limit, and the most requests a page that its walks may take on average
_PROVEN = 98  # rows that one answer settles: all but the one before them and the one after
_START = datetime(2026, 6, 1, 6, 0, tzinfo=UTC)
_GAP = 500_000_000  # microseconds from one time to the next, on average
_MOST_TIES = 5
_TIES = {"few": 1 / 15, "many": 4 / 5}  # of the times have two to five sessions

_SEARCHED = 5_000
_COMMON = "idle"
_RARE = {10: "started", 900: "active", 3_000: "waiting_for_tool_results"}  # by place in the list
_MISSING = "paused"


class Change(NamedTuple):
    """What happens to the list between two pages: new sessions, and deletions anywhere."""

    name: str
    new: int = 0
    deleted: int = 0


_CHANGES = (
    Change("none"),
    Change("5 new, 5 deleted", new=5, deleted=5),
    Change("10 new", new=10),
    Change("10 deleted", deleted=10),
)


class Case(NamedTuple):
    """A search for a rare status; `calls` is the most that are made, fewer where it is found."""

    name: str
    status: str
    limit: int
    calls: int


_CASES = (
    Case("found early", _RARE[10], 1, 1),
    Case("found early, more wanted", _RARE[10], 20, 1),
    Case("found late", _RARE[900], 1, 1),
    Case("stopped by the bound", _RARE[3_000], 1, 1),
    Case("stopped, then followed", _RARE[3_000], 1, 10),
    Case("not there", _MISSING, 20, 10),
)


def main() -> int:
    """Print the counts and return 1 if a walk is inexact or costs more than its target, else 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    options = parser.parse_args()
    kinds = product(_LIMITS, _TIES, _CHANGES)
    walks = [_moving(Walk(limit, ties, change)) for limit, ties, change in kinds]
    tables = {
        f"a walk over {_WALKED:,} sessions with ten changes between two pages": [
            walk.row() for walk in walks
        ],
        f"a rare status among {_SEARCHED:,} sessions": _searches(),
    }
    report(tables, as_json=options.json)
    return 0 if all(walk.exact and walk.cheap for walk in walks) else 1


@dataclass(slots=True)
class MovingList:
    """Made-up sessions that come and go alike in every run; `shared` is the share of tied times."""

    store: embedded.SessionStore
    entropy: Random
    shared: float
    newest: int = 0  # microseconds since the start
    ties: int = 0  # how many more sessions come with the newest time
    ids: list[str] = field(default_factory=list)

    def create(self, count: int) -> None:
        """Create sessions on top of the list."""
        ids = [f"session_{self.entropy.getrandbits(128):032x}" for _ in range(count)]
        self.store.create_many({"id": id_, "created_at": self._moment()} for id_ in ids)
        self.ids += ids

    def change(self, change: Change) -> None:
        """Create on top, and delete anywhere, also what the walk has passed."""
        self.create(change.new)
        for _ in range(change.deleted):
            place = self.entropy.randrange(len(self.ids))
            self.ids[place], self.ids[-1] = self.ids[-1], self.ids[place]
            assert self.store.delete(self.ids.pop())

    def _moment(self) -> str:
        """Return the newest time, or a newer one once all its sessions are there."""
        if self.ties == 0:
            self.newest += self.entropy.randint(1, 2 * _GAP)
            tied = self.entropy.random() < self.shared
            self.ties = self.entropy.randint(2, _MOST_TIES) if tied else 1
        self.ties -= 1
        return (_START + timedelta(microseconds=self.newest)).isoformat()


@dataclass(slots=True)
class Walk:
    """A walk to the end: the requests of each page, what it returned and what it had to."""

    limit: int
    ties: str
    change: Change
    requests: list[int] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    owed: set[str] = field(default_factory=set)

    @property
    def mean(self) -> float:
        """Return the requests that a page took on average."""
        return sum(self.requests) / len(self.requests)

    @property
    def fewest(self) -> int:
        """Return how many requests any walk over these rows needs; the first has no row before."""
        return max(len(self.requests), -(-(len(self.seen) - 1) // _PROVEN))

    @property
    def exact(self) -> bool:
        """Tell that no session came twice, and every one that was there all along came."""
        return len(self.seen) == len(set(self.seen)) and self.owed <= set(self.seen)

    @property
    def cheap(self) -> bool:
        """Tell that the walk costs no more than its target, if there is one for its limit."""
        limit, most = _TARGET
        return self.limit != limit or self.mean <= most

    def row(self) -> Row:
        """Return the walk's line of the table."""
        return {
            "limit": self.limit,
            "ties": self.ties,
            "changes": self.change.name,
            "pages": len(self.requests),
            "requests": sum(self.requests),
            "fewest possible": self.fewest,
            "requests a page": self.mean,
            "most for one page": max(self.requests),
            "exact": self.exact,
        }


def _moving(walk: Walk) -> Walk:
    """Make the walk over a fresh list that changes between every two pages."""
    options = embedded.EmbeddedOptions(shuffle_ties=True)
    with embedded.SessionStore() as store, embedded.serve(store, options) as served:
        entropy = Random(20)  # noqa: S311 - the same list in every run
        sessions = MovingList(store, entropy, _TIES[walk.ties])
        sessions.create(_WALKED)
        return anyio.run(_walk, served, sessions, walk)


async def _walk(served: embedded.EmbeddedApi, sessions: MovingList, walk: Walk) -> Walk:
    """Turn page after page by way of a written cursor, as the server does."""
    settings = _settings(served.url)
    codec = CursorCodec.of(settings.api_url, settings.org_id, settings.agent_id)
    at_first = set(sessions.ids)
    place = Place(ListSessions(limit=walk.limit))
    async with open_api(settings) as api:
        while True:
            page = await _page(api, place, settings)
            walk.requests.append(_asked(served))
            walk.seen += [entry.session.id for entry in page.rows if entry.session]
            if page.following is None:
                walk.owed = at_first & set(sessions.ids)
                return walk
            place = codec.read(codec.write(page.following))
            sessions.change(walk.change)


async def _page(api: SessionsApi, place: Place, settings: Settings) -> SessionPage[Session]:
    bounds = Bounds(settings.max_examined, anyio.current_time() + settings.deadline)
    return await read_page(api, place, Session, bounds, progress=_unwatched)


async def _unwatched(_examined: int, _bound: int) -> None:
    """Take the progress of a walk that nobody watches."""


def _asked(served: embedded.EmbeddedApi) -> int:
    """Return the number of requests since the last time; the log holds the latest 10,000."""
    asked = len(served.requests)
    served.requests.clear()
    return asked


def _settings(url: str) -> Settings:
    # The API is on this machine: no proxy is asked.
    os.environ["NO_PROXY"] = "*"
    given = {"EVERRUNS_API_URL": url, "MCP_SESSIONS_NO_KEY": "true"}
    return Settings.from_env(given | {"MCP_SESSIONS_REQUESTS_PER_MINUTE": "1000000"})


def _searches() -> list[Row]:
    """Call the tools of the real server for every case, over one list."""
    options = embedded.EmbeddedOptions(shuffle_ties=True)
    with embedded.SessionStore() as store, embedded.serve(store, options) as served:
        store.create_many(_rare_sessions())
        return [anyio.run(_search, served, case) for case in _CASES]


def _rare_sessions() -> Iterator[dict[str, Any]]:
    """Yield the seed's sessions, heavy ones too; all but three are of one status."""
    for row, session in enumerate(embedded.seed_sessions(_SEARCHED)):
        yield session | {"status": _RARE.get(_SEARCHED - 1 - row, _COMMON)}


async def _search(served: embedded.EmbeddedApi, case: Case) -> Row:
    """Search as an agent does, and count what that costs upstream."""
    _asked(served)
    with _counted() as sizes:
        answers = await _answers(served.url, case)
    return {
        "case": case.name,
        "limit": case.limit,
        "calls": len(answers),
        "examined": sum(answer["examined"] for answer in answers),
        "found": sum(answer["returned"] for answer in answers),
        "requests": _asked(served),
        "kB": round(sum(sizes) / 1000),
        "complete at first": answers[0]["complete"],
        "complete at last": answers[-1]["complete"],
    }


async def _answers(url: str, case: Case) -> list[dict[str, Any]]:
    """Follow the cursors until something is found, the list ends or the calls are used up."""
    answers: list[dict[str, Any]] = []
    tool, asked = "list_sessions", {"status": case.status, "limit": case.limit}
    async with Client(create_server(ToolsByTenant(_settings(url)))) as client:
        while True:
            result = await client.call_tool(tool, asked)
            answer = result.structured_content
            if result.is_error or answer is None:
                raise SystemExit(f"the server refused a call of {case.name}: {result.content}")
            answers.append(answer)
            if answer["returned"] or not answer["has_more"] or len(answers) == case.calls:
                return answers
            tool, asked = "get_session_page", {"cursor": answer["next_cursor"]}


class _Sizes(logging.Handler):
    """Collects the sizes of the API's answers, in bytes, from the log of those who read them."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.all: list[int] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take the size out of a line of the log: its second argument."""
        assert isinstance(record.args, tuple)
        _, size, _ = record.args
        assert isinstance(size, int)
        self.all.append(size)


@contextmanager
def _counted() -> Iterator[list[int]]:
    """Collect the sizes of all answers that are read in the block."""
    logger, sizes = logging.getLogger("mcp_sessions.api.request"), _Sizes()
    before = logger.level
    logger.addHandler(sizes)
    logger.setLevel(logging.DEBUG)
    try:
        yield sizes.all
    finally:
        logger.setLevel(before)
        logger.removeHandler(sizes)


if __name__ == "__main__":
    sys.exit(main())
