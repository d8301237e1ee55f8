"""Count what bursts of calls ask of the API, and what becomes of those that are too many.

Tasks that want the same page at once can share one read. Tasks that all want another page cannot:
they come up against the API's requests a minute, and should be told to wait before it says so.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from re import search
from typing import Any

import anyio
from mcp import Client
from mcp_types import CallToolResult, TextContent
from table import Row, report

from mcp_sessions import embedded
from mcp_sessions.server import ToolsByTenant, create_server
from mcp_sessions.settings import Settings

_TASKS = 64
_CALLS = 3_000
_MINUTE = 60.0
_ALLOWED = 1_200  # requests a minute and address, as the hosted API has it
_TOO_MANY = 429
_SHARED = {"limit": 20}


@dataclass(slots=True)
class Burst:
    """What became of calls that each want a page of their own."""

    name: str
    seconds: float  # from the first call to the last
    answered: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    waits: list[int] = field(default_factory=list)
    slowest: float = 0.0
    slowest_refusal: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)

    def take(self, result: CallToolResult, seconds: float) -> None:
        """Count one answer."""
        if not result.is_error:
            self.answered += 1
            self.slowest = max(self.slowest, seconds)
            return
        text = "".join(part.text for part in result.content if isinstance(part, TextContent))
        code = text.partition(":")[0]
        self.errors[code] += 1
        if code == "rate_limited":
            self.slowest_refusal = max(self.slowest_refusal, seconds)
            named = search(r"Try again after (\d+) s", text)
            self.waits += [int(named[1])] if named else []

    def row(self) -> Row:
        """Return the burst's line of the table."""
        return {
            "calls": self.name,
            "answered": self.answered,
            "told to wait": self.errors["rate_limited"],
            "least s": min(self.waits, default=None),
            "most s": max(self.waits, default=None),
            "other errors": self.errors.total() - self.errors["rate_limited"],
            "slowest answer s": self.slowest,
            "slowest refusal s": self.slowest_refusal,
            "requests": self.statuses.total(),
            "429s of the API": self.statuses[_TOO_MANY],
        }


def main() -> int:
    """Print the counts and return 1 if the API had to refuse a request, else 0."""
    options = _options()
    bursts = [
        Burst(f"{options.calls:,} in a minute", _MINUTE),
        Burst(f"{options.calls:,} at once", 0.0),
    ]
    tables = {f"{_TASKS} calls for one page": [_shared(at_once=True), _shared(at_once=False)]}
    for burst in bursts:
        _burst(burst, options.calls)
    limit = f"calls for pages of their own, at {_ALLOWED:,} requests a minute"
    tables[limit] = [burst.row() for burst in bursts]
    report(tables, as_json=options.json)
    return 1 if any(burst.statuses[_TOO_MANY] for burst in bursts) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=_CALLS, help="of a burst (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    return parser.parse_args()


@contextmanager
def _api(sessions: int, allowed: int | None = None) -> Iterator[embedded.EmbeddedApi]:
    """Serve light sessions, with a minute of requests that nobody has used yet."""
    options = embedded.EmbeddedOptions(requests_per_minute=allowed)
    with embedded.SessionStore() as store, embedded.serve(store, options) as served:
        store.create_many(embedded.seed_sessions(sessions, light=True))
        yield served


@asynccontextmanager
async def _client(url: str) -> AsyncIterator[Client]:
    """Give one client of one server, which all tasks share."""
    # The API is on this machine: no proxy is asked.
    os.environ["NO_PROXY"] = "*"
    given = {"EVERRUNS_API_URL": url, "MCP_SESSIONS_NO_KEY": "true"}
    async with Client(create_server(ToolsByTenant(Settings.from_env(given)))) as client:
        yield client


def _shared(*, at_once: bool) -> Row:
    """Ask for the same page many times."""
    with _api(sessions=100) as served:
        seconds = anyio.run(_share, served.url, at_once)
        return {
            "calls": "at once" if at_once else "one after another",
            "requests": len(served.requests),
            "seconds": seconds,
        }


async def _share(url: str, at_once: bool) -> float:  # noqa: FBT001 - anyio passes by position
    """Make the calls and return the seconds that all of them took."""
    async with _client(url) as client:

        async def call() -> None:
            result = await client.call_tool("list_sessions", _SHARED)
            if result.is_error:
                raise SystemExit(f"the server refused a call: {result.content}")

        began = time.perf_counter()
        if at_once:
            async with anyio.create_task_group() as group:
                for _ in range(_TASKS):
                    group.start_soon(call)
        else:
            for _ in range(_TASKS):
                await call()
        return time.perf_counter() - began


def _burst(burst: Burst, calls: int) -> None:
    with _api(sessions=calls, allowed=_ALLOWED) as served:
        anyio.run(_call_all, served.url, burst, calls)
        burst.statuses.update(seen.status for seen in served.requests)


async def _call_all(url: str, burst: Burst, calls: int) -> None:
    """Make the calls, each when its time has come, whether the others are answered or not."""
    async with _client(url) as client:

        async def call(arguments: dict[str, Any], due: float) -> None:
            await anyio.sleep_until(due)
            result = await client.call_tool("get_session_page", arguments)
            burst.take(result, anyio.current_time() - due)

        began = anyio.current_time()
        async with anyio.create_task_group() as group:
            for number in range(calls):
                page = {"offset": number, "limit": 20}
                group.start_soon(call, page, began + number * burst.seconds / calls)


if __name__ == "__main__":
    sys.exit(main())
