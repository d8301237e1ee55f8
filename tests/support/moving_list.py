"""A list of sessions that changes while it is walked, and what every walk still owes its reader."""

from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal

from mcp_sessions.api.client import SessionsApi, open_api
from mcp_sessions.arguments import ListSessions
from mcp_sessions.embedded import EmbeddedApi, EmbeddedOptions, SessionStore, serve
from mcp_sessions.errors import ApiUnavailable
from mcp_sessions.paging.cursor import CursorCodec, Place
from mcp_sessions.paging.page import Bounds, SessionPage, read_page
from mcp_sessions.paging.row_filters import RowFilter
from mcp_sessions.paging.sort_key import age_of, tie_of
from mcp_sessions.wire.limits import MAX_LIMIT
from mcp_sessions.wire.models import Page, Session

from support.calls import DEADLINE, settings_for
from support.pages import unwatched
from support.rows import row

MOST_TIES = 98
AGENTS = tuple(f"agent_{number:032x}" for number in range(2))
WORDS = ("harvest", "ledger", "compass")
STATUSES = ("idle", "active", "paused")
_CHILDREN_FROM = 5  # seconds after the epoch
_EPOCH = datetime(2026, 3, 1, tzinfo=UTC)
_SKEW = 599  # seconds by which clocks differ at most
_PARENT_TIME = int((_EPOCH.timestamp() + _CHILDREN_FROM + _SKEW) * 1000)
PARENT = f"session_{_PARENT_TIME:012x}7abc8def0123456789ab"
# What only rows are filtered by; the ends of walks that follow from these lie amid the list.
ROW_QUERIES: tuple[dict[str, Any], ...] = (
    {"contains": WORDS[2]},
    {"contains": f"{WORDS[0]} {WORDS[1]}", "agent_id": AGENTS[1]},
    {"updated_after": (_EPOCH + timedelta(seconds=_SKEW)).isoformat()},
    {"updated_before": (_EPOCH - timedelta(seconds=_SKEW - 40)).isoformat()},
    {"finished_before": (_EPOCH - timedelta(seconds=_SKEW - 30)).isoformat()},
    {"finished_after": _EPOCH.isoformat(), "contains": WORDS[1]},
    {"parent_session_id": PARENT},
)
_CODEC = CursorCodec.of("http://moving", None, None)


@dataclass(frozen=True)
class Upstream:
    """The embedded API with ties in a new order each time, and a client that stays open."""

    served: EmbeddedApi
    portal: BlockingPortal
    api: SessionsApi


@contextmanager
def upstream() -> Iterator[Upstream]:
    """Serve an empty list."""
    with (
        SessionStore() as store,
        serve(store, EmbeddedOptions(shuffle_ties=True)) as served,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(
            open_api(settings_for(served.url, requests_per_minute=1_000_000))
        ) as api,
    ):
        yield Upstream(served, portal, api)


@dataclass
class MovingList:
    """Sessions by id; a change here is a change of the API's list and of what walks owe."""

    store: SessionStore
    sessions: dict[str, Session] = field(default_factory=dict)
    order: list[tuple[int, bytes, str]] = field(default_factory=list)
    ties: Counter[int] = field(default_factory=Counter)
    walks: list["WatchedWalk"] = field(default_factory=list)
    made: int = 0
    newest: int = 0  # seconds after the epoch

    def create(self, second: int) -> None:
        """Create a session of an age, unless its ties would be more than the promise covers."""
        if self.ties[second] >= MOST_TIES:
            return
        self.ties[second] += 1
        self.newest = max(self.newest, second)
        kind = Random(self.made)  # the same sessions in every run
        created = _EPOCH + timedelta(seconds=second)
        made = row(
            self.made,
            created_at=_moment(created),
            agent_id=kind.choice(AGENTS),
            title=kind.choice(WORDS),
            status=kind.choice(STATUSES),
            output_preview=kind.choice(WORDS),
            updated_at=_moment(created + timedelta(seconds=kind.choice((-_SKEW, 0, _SKEW)))),
            finished_at=_moment(created + timedelta(seconds=kind.choice((-_SKEW, 0, _SKEW)))),
            parent_session_id=PARENT if second >= _CHILDREN_FROM and kind.random() < 0.5 else None,
        )
        self.made += 1
        self.store.create(made)
        session = Session.model_validate(made)
        self.sessions[session.id] = session
        insort(self.order, _placed(session))

    def create_groups(self, groups: list[int]) -> None:
        """Create groups of equal times, oldest first."""
        for size in groups:
            self.create_on_top(1, apart=1)
            self.create_on_top(size - 1, apart=0)

    def create_on_top(self, count: int, apart: int) -> None:
        for _ in range(count):
            self.create(self.newest + apart)

    def in_order(self) -> list[str]:
        return [session_id for *_, session_id in self.order]

    def delete_from(self, position: int, count: int) -> None:
        for session_id in self.in_order()[position : position + count]:
            gone = self.sessions.pop(session_id)
            self.ties[(gone.created_at - _EPOCH).seconds] -= 1
            self.store.delete(session_id)
            for walk in self.walks:
                walk.owed.discard(session_id)
        del self.order[position : position + count]

    def change(self, rng: Random) -> None:
        """Change the list a little, anywhere."""
        match rng.randrange(4):
            case 0:
                self.create_on_top(rng.randint(1, 12), apart=rng.randint(0, 1))
            case 1:
                self.create(rng.randint(0, self.newest))
            case 2:
                self.delete_from(0, rng.randint(1, 12))
            case _:
                self.delete_from(rng.randint(0, len(self.sessions)), rng.randint(1, 5))

    def clear(self) -> None:
        self.walks.clear()
        self.delete_from(0, len(self.sessions))


@dataclass
class WatchedWalk:
    """A walk through a moving list, page by page, each by way of a written cursor."""

    upstream: Upstream
    sessions: MovingList
    query: ListSessions
    max_rows: int = MAX_LIMIT
    given: int = MAX_LIMIT  # rows that an answer has at most, whatever was asked for
    seen: list[str] = field(default_factory=list)
    owed: set[str] = field(default_factory=set)
    begun: bool = False
    ended: bool = False
    cursor: str | None = None
    notes: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.sessions.walks.append(self)

    def turn(self, meddle: Callable[[], None] = lambda: None) -> SessionPage[Session]:
        """Read the next page while `meddle` changes the list before every request.

        Where that is too much for a page, its cursor goes on once the list has come to rest.
        """
        place = Place(self.query) if self.cursor is None else _CODEC.read(self.cursor)
        try:
            page = self.upstream.portal.call(self.read, place, meddle)
        except ApiUnavailable:
            page = self.upstream.portal.call(self.read, place, lambda: None)
        rows = [entry.session for entry in page.rows]
        self.seen += [session.id for session in rows]
        self.notes |= {page.note} - {None}
        self.ended = page.following is None
        self.cursor = page.following and _CODEC.write(page.following)
        assert len(rows) <= self.query.limit
        assert all(_asked_for(self.query, session) for session in rows)
        return page

    def to_the_end(self, meddle: Callable[[], None] = lambda: None) -> None:
        """Turn all pages that are left."""
        while not self.ended:
            self.turn(meddle)
        self.check()

    def check(self) -> None:
        """Hold the walk to the promise; what it owes is known only at its end."""
        assert len(self.seen) == len(set(self.seen)), "a session came twice"
        if self.ended:
            assert self.owed <= set(self.seen), "a session was lost"

    async def read(self, place: Place, meddle: Callable[[], None]) -> SessionPage[Session]:
        with anyio.fail_after(DEADLINE):
            bounds = Bounds(1_000, anyio.current_time() + DEADLINE)
            meddler = _Meddler(self, meddle)
            return await read_page(meddler, place, Session, bounds, progress=unwatched)

    def owe(self) -> None:
        if not self.begun:
            self.begun = True
            sessions = self.sessions.sessions.values()
            self.owed = {one.id for one in sessions if _asked_for(self.query, one)}


@dataclass
class _Meddler:
    """The API's client, before whose every request the list may change."""

    walk: WatchedWalk
    meddle: Callable[[], None]

    @property
    def max_rows(self) -> int:
        return self.walk.max_rows

    async def page(
        self, parameters: Mapping[str, str | int], session: type[Session], *, fresh: bool
    ) -> Page[Session]:
        self.meddle()
        self.walk.owe()
        page = await self.walk.upstream.api.page(parameters, session, fresh=fresh)
        return page.model_copy(update={"data": page.data[: self.walk.given]})


def _asked_for(query: ListSessions, session: Session) -> bool:
    return (
        query.agent_id in (None, session.agent_id)
        and (query.search is None or query.search in session.title)
        and RowFilter.of(query).matches(session)
    )


def _moment(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def _placed(session: Session) -> tuple[int, bytes, str]:
    return age_of(session.created_at), tie_of(session.id), session.id
