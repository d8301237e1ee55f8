"""Time a call over stdio: this server against a naive forwarder and FastMCP's OpenAPI proxy.

Every server is a process of its own, asked in turns in one run; all ask one embedded API process.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from process import children, cpu_seconds
from table import Row, report
from timings import Timings

_HERE = Path(__file__).parent
_ROWS = 20
_NAIVE = "naive forwarder"


@dataclass(frozen=True, slots=True)
class Server:
    """A stdio server by name: how it is started, and what it is asked."""

    name: str
    start: StdioServerParameters
    arguments: dict[str, Any]


@dataclass(slots=True)
class Running:
    """A started server, with its client and what its calls have cost."""

    server: Server
    client: Client
    pid: int
    tool: str
    wall: Timings = field(default_factory=Timings)
    cpu_before: float = 0.0

    async def call(self) -> None:
        """Make one measured call; one that fails ends the run."""
        with self.wall.measured():
            result = await self.client.call_tool(self.tool, self.server.arguments)
        if result.is_error:
            raise SystemExit(f"{self.server.name} refused the call: {result.content}")

    def warmed_up(self) -> None:
        """Forget the calls so far."""
        self.wall = Timings()
        self.cpu_before = cpu_seconds(self.pid)

    @property
    def cpu(self) -> float:
        """Return the milliseconds of CPU that the server's process took a call."""
        return 1000 * (cpu_seconds(self.pid) - self.cpu_before) / len(self.wall.all)


def main() -> None:
    """Print what a call and a start cost, and how noisy the machine was meanwhile."""
    options = _options()
    with _api(options.load) as url:
        ours, naive = _ours(url), _naive(url)
        proxies = [_proxy(url, options.openapi)] if options.openapi else []
        calls = anyio.run(_calls, [*ours, naive, *proxies], options.warm_up, options.rounds)
        starts = anyio.run(_starts, [ours[1], naive, *proxies], options.starts)
    report({"calls": calls, "spawn to tools/list": starts}, as_json=options.json)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("load", nargs="?", metavar="FILE", help="sessions; by default the seed")
    parser.add_argument("--openapi", metavar="FILE", help="a description, to measure FastMCP too")
    parser.add_argument("--warm-up", type=int, default=5, help="unmeasured rounds (%(default)s)")
    parser.add_argument("--rounds", type=int, default=200, help="measured rounds (%(default)s)")
    parser.add_argument("--starts", type=int, default=7, help="starts of each (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    return parser.parse_args()


@contextmanager
def _api(load: str | None) -> Iterator[str]:
    """Run the embedded API in a process of its own, and give its base URL."""
    command = [sys.executable, "-m", "mcp_sessions", "api", "--port", "0"]
    command += ["--load", load] if load else []
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as api:
        try:
            assert api.stderr is not None
            announced = api.stderr.readline()
            url = re.search(r"http://\S+", announced)
            if url is None:
                raise SystemExit(f"the embedded API did not start: {announced}")
            yield url[0]
        finally:
            api.terminate()


def _ours(url: str) -> list[Server]:
    environment = {
        "EVERRUNS_API_URL": url,
        "MCP_SESSIONS_NO_KEY": "true",
        "MCP_SESSIONS_REQUESTS_PER_MINUTE": "1000000",
    }
    start = StdioServerParameters(
        command=sys.executable, args=["-m", "mcp_sessions"], env=environment
    )
    return [
        Server(f"this server, {detail}", start, {"limit": _ROWS, "detail": detail})
        for detail in ("brief", "standard", "full")
    ]


def _naive(url: str) -> Server:
    page = f"{url}/v1/sessions?limit={_ROWS}"
    return Server(_NAIVE, _script("naive_forwarder.py", page), {})


def _proxy(url: str, openapi: str) -> Server:
    return Server("FastMCP proxy", _script("fastmcp_proxy.py", openapi, url), {"limit": _ROWS})


def _script(name: str, *arguments: str) -> StdioServerParameters:
    return StdioServerParameters(command=sys.executable, args=[str(_HERE / name), *arguments])


async def _calls(servers: Sequence[Server], warm_up: int, rounds: int) -> list[Row]:
    entropy = Random(20)  # noqa: S311 - a fair order, the same in every run
    async with AsyncExitStack() as stack:
        running = [await stack.enter_async_context(_running(server)) for server in servers]
        for _ in range(warm_up):
            for one in running:
                await one.call()
        for one in running:
            one.warmed_up()
        for _ in range(rounds):
            for one in entropy.sample(running, len(running)):
                await one.call()
        naive = next(one for one in running if one.server.name == _NAIVE)
        return [_cost(one, naive) for one in running]


@asynccontextmanager
async def _running(server: Server) -> AsyncIterator[Running]:
    before = children()
    async with Client(server.start) as client:
        tools = (await client.list_tools()).tools
        (pid,) = children() - before
        yield Running(server, client, pid, tools[0].name)


def _cost(one: Running, naive: Running) -> Row:
    """Return what a call costs; `drift` and the deviation tell what a ratio is worth."""
    return {
        "server": one.server.name,
        "median ms": one.wall.median,
        "p90 ms": one.wall.p90,
        "deviation ms": one.wall.deviation,
        "drift": one.wall.drift,
        "CPU ms": one.cpu,
        "median / naive": one.wall.median / naive.wall.median,
        "CPU / naive": one.cpu / naive.cpu,
    }


async def _starts(servers: Sequence[Server], starts: int) -> list[Row]:
    """Time each server from its spawn to the answered tools/list, in turns."""
    timings = {server.name: Timings() for server in servers}
    for _ in range(starts):
        for server in servers:
            async with AsyncExitStack() as stack:
                with timings[server.name].measured():
                    client = await stack.enter_async_context(Client(server.start))
                    await client.list_tools()
    naive = timings[_NAIVE].median
    return [
        {
            "server": name.partition(",")[0],
            "median ms": timing.median,
            "deviation ms": timing.deviation,
            "median / naive": timing.median / naive,
        }
        for name, timing in timings.items()
    ]


if __name__ == "__main__":
    main()
