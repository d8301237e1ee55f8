"""Three replicas behind a real nginx, of which one is killed and one restarted under load.

`pytest -s` shows the figures.
"""

import signal
import time
from collections import Counter
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import anyio
import httpx
import pytest
from anyio.to_thread import run_sync
from mcp import Client

from mcp_sessions.embedded import SessionStore, seed_sessions, serve

from support.nginx import NGINX, free_port, nginx
from support.processes import DEADLINE, http_server

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(NGINX is None, reason="needs nginx"),
]

ERAS = ("auto", "legacy")
CALLERS = 2  # of each era
SESSIONS = 400
BESIDE = {"/healthz": 200, "/readyz": 404, "/metrics": 404, "/": 404}
STAGE = 60  # calls between two events
PAGE = 20
PATIENCE = 5.0  # seconds that a client waits for an answer before it asks again


@dataclass
class Load:
    """What callers and walkers met."""

    url: str
    ids: list[str]
    over: anyio.Event = field(default_factory=anyio.Event)
    met: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    stage: str = "all three"
    again: list[str] = field(default_factory=list)
    answered: anyio.Event = field(default_factory=anyio.Event)

    def note(self, seconds):
        """Take note of a call that was answered."""
        self.slowest = max(self.slowest, seconds)
        self.met["answered"] += 1
        self.answered.set()
        self.answered = anyio.Event()

    async def until(self, is_over):
        """Let the callers work for a stage, and until something has come about."""
        enough = self.met["answered"] + STAGE
        while self.met["answered"] < enough or not is_over():
            await self.answered.wait()


class Caller:
    """A client of one era, kept open while it works, which asks once more what did not come."""

    def __init__(self, load: Load, era: str) -> None:
        self._load = load
        self._era = era
        self._open: AsyncExitStack | None = None
        self._client: Client | None = None

    async def call(self, tool, **arguments):
        """Return a result's structured content; one that does not come twice fails the test."""
        began = time.monotonic()
        self._load.met["calls"] += 1
        try:
            result = await self._asked(tool, arguments)
        except Exception as fault:  # noqa: BLE001 - whatever a client makes of it
            self._load.met["asked once more"] += 1
            self._load.again.append(self._load.stage)
            print(f"once more, {self._era}, {self._load.stage}: {fault!r}")
            await self.__aexit__()
            result = await self._asked(tool, arguments)
        self._load.note(time.monotonic() - began)
        return result.structured_content

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        """Leave, whatever the connection is still good for."""
        if self._open is not None:
            with suppress(Exception):
                await self._open.aclose()
        self._open = self._client = None

    async def _asked(self, tool, arguments):
        if self._client is None:
            self._open = AsyncExitStack()
            client = Client(self._load.url, mode=self._era, read_timeout_seconds=PATIENCE)
            self._client = await self._open.enter_async_context(client)
        result = await self._client.call_tool(tool, arguments)
        assert not result.is_error, result.content
        return result


async def keep_calling(load, era, number):
    """Ask for pages that nobody else asks for just now."""
    turn = 0
    async with Caller(load, era) as caller:
        while not load.over.is_set():
            turn += 1
            offset = (number * 31 + turn * 7) % (SESSIONS - PAGE)
            page = await caller.call("get_session_page", offset=offset, limit=PAGE, detail="brief")
            assert [row["id"] for row in page["sessions"]] == load.ids[offset : offset + PAGE]


async def keep_walking(load, era):
    """Walk the whole list by its cursors, again and again, to the end of the last one."""
    async with Caller(load, era) as caller:
        while not load.over.is_set():
            page = await caller.call("list_sessions", limit=PAGE, detail="brief")
            walked = [row["id"] for row in page["sessions"]]
            while cursor := page.get("next_cursor"):
                page = await caller.call("get_session_page", cursor=cursor)
                walked += [row["id"] for row in page["sessions"]]
            assert walked == load.ids
            load.met["walks"] += 1


def one_order(sessions):
    """Give each session a time of its own, so that every page is known."""
    for number, session in enumerate(sessions):
        moment = datetime(2026, 6, 1, tzinfo=UTC) + timedelta(minutes=number)
        yield session | {"created_at": moment.isoformat()}


@pytest.fixture
def api():
    with SessionStore() as store:
        store.create_many(one_order(seed_sessions(SESSIONS)))
        with serve(store) as served:
            yield served


@pytest.fixture
def ids(api):
    return [row.id for row in api.store.page(limit=SESSIONS)[0]]


class Replica:
    """A server process on a port that it comes back to."""

    def __init__(self, environment, port):
        self._environment = environment
        self.port = port
        self._running = ExitStack()
        self.server = None

    def start(self):
        """Come to life, again or for the first time."""
        started = http_server(self._environment, "--port", str(self.port))
        self.server = self._running.enter_context(started)

    def killed(self):
        """Die in the middle of whatever there is to do."""
        return self.server.end(signal.SIGKILL).code

    def ended(self):
        """End as it is told to, and say how."""
        return self.server.end(signal.SIGTERM)

    def close(self):
        """Be gone."""
        self._running.close()


@pytest.fixture
def replicas(bare_environment, api):
    own = {
        "EVERRUNS_API_URL": api.url,
        "EVERRUNS_API_KEY": "evr_pat_CANARYKEY123",
        "MCP_SESSIONS_REQUESTS_PER_MINUTE": "1000000",
    }
    three = [Replica(bare_environment | own, free_port()) for _ in range(3)]
    try:
        for one in three:
            one.start()
        yield three
    finally:
        for one in three:
            one.close()


def answering(log, replicas):
    """Return what tells whether each of the replicas has answered from now on."""
    seen = len(log.read_text(encoding="utf-8"))

    def all_answered():
        lines = log.read_text(encoding="utf-8")[seen:]
        return all(f":{one.port} 200" in lines for one in replicas)

    return all_answered


async def test_no_call_is_lost_when_a_replica_dies_and_another_is_restarted(
    replicas, ids, tmp_path
):
    port = free_port()
    with nginx(port, [one.port for one in replicas], tmp_path) as log:
        load = Load(f"http://127.0.0.1:{port}/mcp", ids)
        async with anyio.create_task_group() as group:
            group.cancel_scope.deadline = anyio.current_time() + 6 * DEADLINE
            for number, era in enumerate(ERAS * CALLERS):
                group.start_soon(keep_calling, load, era, number)
            for era in ERAS:
                group.start_soon(keep_walking, load, era)
            await load.until(answering(log, replicas))
            load.stage = "the first killed"
            assert await run_sync(replicas[0].killed) == -signal.SIGKILL
            await load.until(answering(log, replicas[1:]))
            await run_sync(replicas[0].start)
            await load.until(answering(log, replicas))
            load.stage = "the second ended"
            ended = await run_sync(replicas[1].ended)
            await load.until(answering(log, replicas[::2]))
            await run_sync(replicas[1].start)
            load.stage = "all three again"
            await load.until(answering(log, replicas))
            load.over.set()
        base = load.url.removesuffix("/mcp")
        async with httpx.AsyncClient(trust_env=False, timeout=DEADLINE) as client:
            beside = [(await client.get(base + path)).status_code for path in BESIDE]
    assert beside == list(BESIDE.values())
    assert not group.cancel_scope.cancelled_caught, "it hung"
    assert (ended.code, "Traceback" in ended.stderr) == (0, False)
    lines = log.read_text(encoding="utf-8").splitlines()
    served = [line for line in lines if '"POST /mcp" 200' in line]
    elsewhere = [line for line in served if ", " in line]
    by = Counter(one.port for one in replicas for line in served if f":{one.port} 200" in line)
    print(
        f"{dict(load.met)}, slowest {load.slowest:.2f} s; SIGTERM took {ended.seconds:.2f} s;"
        f" of {len(served)} requests {len(elsewhere)} were asked of another replica;"
        f" answered by {[by[one.port] for one in replicas]}"
    )
    assert set(load.again) <= {"the first killed"}  # only a death without notice loses a call
    assert load.met["walks"] >= len(ERAS)
    assert load.met["calls"] > 200
    assert min(by[one.port] for one in replicas) > 0
    assert all(any(f":{one.port} 200" in line for line in served[-60:]) for one in replicas)
    assert elsewhere  # else nothing was going on when they went
