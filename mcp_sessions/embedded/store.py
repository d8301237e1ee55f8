"""Sessions in SQLite, newest first, in memory or in a file.

Deep offsets walk a narrow index and touch only the rows shown; totals are counters kept by
triggers; a search is one walk over an index that holds nothing but ages and titles.
"""

import json
import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from mcp_sessions.embedded.record import Record, folded, recorded, verbatim

MOST_WORDS = 8
"""Words of a search that count; the rest are ignored, as the real server does."""

_FEW = 4_000  # matches that are collected in a few milliseconds
_WILDCARD = re.compile(r"[*?[]")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
    seq INTEGER PRIMARY KEY,
    id TEXT UNIQUE,
    created_us INTEGER NOT NULL,
    agent_id TEXT,
    title TEXT,
    status TEXT,
    linked INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS newest ON sessions (created_us DESC);
CREATE INDEX IF NOT EXISTS newest_of_agent ON sessions (agent_id, created_us DESC);
CREATE INDEX IF NOT EXISTS titled ON sessions (created_us DESC, title) WHERE title IS NOT NULL;
CREATE TABLE IF NOT EXISTS totals (
    agent_id TEXT PRIMARY KEY,
    sessions INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS counted AFTER INSERT ON sessions BEGIN
    INSERT INTO totals VALUES (coalesce(new.agent_id, ''), 1)
        ON CONFLICT (agent_id) DO UPDATE SET sessions = sessions + 1;
END;
CREATE TRIGGER IF NOT EXISTS discounted AFTER DELETE ON sessions BEGIN
    UPDATE totals SET sessions = sessions - 1 WHERE agent_id = coalesce(old.agent_id, '');
END;
"""
_INSERT = """
INSERT INTO sessions (id, created_us, agent_id, title, status, linked, body)
    VALUES (?, ?, ?, ?, ?, ?, ?)
"""


class Row(NamedTuple):
    """One session as it leaves the store: `body` holds JSON members, without braces."""

    id: str
    status: str | None
    linked: bool
    body: str


class SessionStore:
    """Sessions to list, create and delete from any thread; close it, or use it in a `with`."""

    def __init__(self, path: str | Path = ":memory:") -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA cache_size = -65536")  # KiB: the indexes of 100,000 sessions
        self._db.executescript(_SCHEMA)

    def page(
        self,
        agent_id: str | None = None,
        search: str | None = None,
        offset: int = 0,
        limit: int = 20,
        *,
        shuffle_ties: bool = False,
    ) -> tuple[list[Row], int]:
        """Return the rows from `offset` on, newest first, and how many match in all.

        Count and page are two queries, between which another thread may write; only a search
        answers both from one view. With `shuffle_ties`, equal ages come in a new order each time.
        """
        ties = ", random()" if shuffle_ties else ""
        words = folded(search).split()[:MOST_WORDS] if search else []
        if words:
            with self._view() as db:
                found, total = _found(db, words, agent_id, ties, offset=offset, limit=limit)
                return _rows(db, found), total
        with self._view() as db:
            total = _total(db, agent_id)
        with self._view() as db:
            return _rows(db, _window(db, agent_id, ties, offset, limit)), total

    def session(self, id_: str) -> Row | None:
        """Return the session of an id, or None."""
        with self._view() as db:
            found = db.execute("SELECT seq FROM sessions WHERE id = ?", (id_,)).fetchall()
            return next(iter(_rows(db, [seq for (seq,) in found])), None)

    def create(self, session: Mapping[str, Any]) -> str:
        """Store one session, completed with what the API always sends, and return its id.

        Raises ValueError for a session that cannot be sorted or sent, and for an id that exists.
        """
        record = recorded(session)
        self._insert([record])
        return str(record.id)

    def create_many(self, sessions: Iterable[Mapping[str, Any]]) -> int:
        """Store all the sessions or, when one of them raises ValueError, none; return how many."""
        return self._insert(map(recorded, sessions))

    def create_verbatim(self, row: str, created_at: str) -> None:
        """Store the text of a row that is served as it stands, so that a client meets bad rows."""
        self._insert([verbatim(row, created_at)])

    def delete(self, session_id: str) -> bool:
        """Delete a session and say whether there was one."""
        with self._lock:
            deleted = self._db.execute("DELETE FROM sessions WHERE id = ?", (session_id,))
            return deleted.rowcount == 1

    def close(self) -> None:
        """Close the database; a memory one is gone."""
        with self._lock:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _insert(self, records: Iterable[Record]) -> int:
        with self._lock, self._transaction("BEGIN IMMEDIATE") as db:
            try:
                return db.executemany(_INSERT, records).rowcount
            except sqlite3.IntegrityError:
                raise ValueError("a session with this id exists already") from None

    @contextmanager
    def _view(self) -> Iterator[sqlite3.Connection]:
        """Hold one consistent view, against our own threads and other processes on the file."""
        with self._lock, self._transaction("BEGIN") as db:
            yield db

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        self._db.execute(begin)
        with self._db:
            yield self._db


def _total(db: sqlite3.Connection, agent_id: str | None) -> int:
    where, given = ("", ()) if agent_id is None else (" WHERE agent_id = ?", (agent_id,))
    counted = db.execute(f"SELECT coalesce(sum(sessions), 0) FROM totals{where}", given)  # noqa: S608 - two fixed texts
    return int(counted.fetchone()[0])


def _window(
    db: sqlite3.Connection, agent_id: str | None, ties: str, offset: int, limit: int
) -> list[int]:
    where, given = ("", ()) if agent_id is None else (" WHERE agent_id = ?", (agent_id,))
    sql = f"SELECT seq FROM sessions{where} ORDER BY created_us DESC{ties} LIMIT ? OFFSET ?"  # noqa: S608 - fixed texts
    return [seq for (seq,) in db.execute(sql, (*given, limit, offset))]


def _found(
    db: sqlite3.Connection,
    words: Sequence[str],
    agent_id: str | None,
    ties: str,
    *,
    offset: int,
    limit: int,
) -> tuple[list[int], int]:
    """Return the matches of a page and how many there are in all.

    GLOB walks titles faster than LIKE and `instr` do. One walk collects few matches and thereby
    counts them; many are cheaper to count than to collect.
    """
    where = "title IS NOT NULL" + " AND title GLOB ?" * len(words)
    given = ["*" + _WILDCARD.sub(r"[\g<0>]", word) + "*" for word in words]
    if agent_id is not None:
        where += " AND agent_id = ?"
        given.append(agent_id)
    titled = f"FROM sessions INDEXED BY titled WHERE {where}"
    most = max(offset + limit, _FEW)
    sql = f"SELECT seq {titled} ORDER BY created_us DESC{ties} LIMIT ?"
    found = [seq for (seq,) in db.execute(sql, (*given, most))]
    total = len(found)
    if total == most:
        ((total,),) = db.execute(f"SELECT count(*) {titled}", given)
    return found[offset : offset + limit], total


def _rows(db: sqlite3.Connection, seqs: Sequence[int]) -> list[Row]:
    """Return the rows in the order of `seqs`."""
    chosen = db.execute(
        """SELECT seq, id, status, linked, body FROM sessions
        WHERE seq IN (SELECT value FROM json_each(?))""",
        (json.dumps(seqs),),
    )
    rows = {seq: Row(*columns) for seq, *columns in chosen}
    return [rows[seq] for seq in seqs]
