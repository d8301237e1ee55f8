"""What servers stand under load over HTTP: this one, a naive forwarder and FastMCP's OpenAPI proxy.

Every server is a process of its own, or two, asked in turns in one run by callers that wait for
nothing but their answer; all ask an API that answers at once.
"""

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import Any

from process import cpu_seconds, resident_bytes
from raw_page import ROWS, RawPage
from table import Row, report

_HERE = Path(__file__).parent
_MODERN = "2026-07-28"
_NAIVE = "naive forwarder"
_PROXY = "FastMCP proxy"
_LONGEST_ANSWER = 1 << 22
_START_WITHIN = 30.0  # seconds
_SERVERS_CPU, _OTHERS_CPU = 0, 1


@dataclass(slots=True)
class Server:
    """A server by name, as many processes as there are commands, and what it has been through."""

    name: str
    commands: list[list[str]]
    ports: list[int]
    arguments: dict[str, Any]
    environment: dict[str, str] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    cpu: float = 0.0

    @property
    def cpu_seconds(self) -> float:
        """Return the CPU time of its processes so far."""
        return sum(cpu_seconds(process.pid) for process in self.processes)


def main() -> None:
    """Print what one process of each stands, and two of each."""
    options = _options()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as seed:
        if options.page is None:
            seed.write(RawPage.of_seed().json())
            seed.flush()
        page, api = options.page or seed.name, _free_port()
        canned = [sys.executable, str(_HERE / "canned_api.py"), page, str(api)]
        with _running([canned], [api], cpu={_OTHERS_CPU}):
            tables = {
                f"{count} process{'es' * (count - 1)}, {options.callers} callers, {ROWS} rows": (
                    _measured(options, f"http://127.0.0.1:{api}", count)
                )
                for count in (1, 2)
            }
    report(tables, as_json=options.json)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", nargs="?", metavar="FILE", help="an answer of the API, as JSON")
    parser.add_argument("--openapi", metavar="FILE", help="a description, to measure FastMCP too")
    parser.add_argument("--callers", type=int, default=32, help="(%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each server (%(default)s)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of a turn (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    return parser.parse_args()


def _measured(options: argparse.Namespace, api: str, count: int) -> list[Row]:
    """Ask all servers in turns; one process has a CPU to itself, two share both with all else."""
    servers = list(_servers(api, options.openapi, count))
    cpu = {_SERVERS_CPU} if count == 1 else {_SERVERS_CPU, _OTHERS_CPU}
    os.sched_setaffinity(0, {_OTHERS_CPU} if count == 1 else cpu)
    entropy = Random(20)  # noqa: S311 - a fair order, the same in every run
    with ExitStack() as stack:
        for server in servers:
            running = _running(server.commands, server.ports, cpu=cpu, env=server.environment)
            server.processes = stack.enter_context(running)
        for turn in range(options.rounds + 1):
            for server in entropy.sample(servers, len(servers)):
                _turn(server, options, measured=turn > 0)
        return _rows(servers)


def _servers(api: str, openapi: str | None, count: int) -> Iterator[Server]:
    ours = {
        "EVERRUNS_API_URL": api,
        "MCP_SESSIONS_NO_KEY": "true",
        "MCP_SESSIONS_REQUESTS_PER_MINUTE": "1000000",
    }
    for detail in ("brief", "standard", "full"):
        ports = [_free_port() for _ in range(count)]
        start = [sys.executable, "-m", "mcp_sessions", "http", "--port"]
        yield Server(
            f"this server, {detail}",
            [[*start, str(port)] for port in ports],
            ports,
            {"limit": ROWS, "detail": detail},
            ours,
        )
    ports = [_free_port() for _ in range(count)]
    naive = [sys.executable, str(_HERE / "naive_forwarder.py"), f"{api}/v1/sessions?limit={ROWS}"]
    yield Server(_NAIVE, [[*naive, str(port)] for port in ports], ports, {})
    if openapi:
        ports = [_free_port() for _ in range(count)]
        proxy = [sys.executable, str(_HERE / "fastmcp_proxy.py"), openapi, api]
        yield Server(_PROXY, [[*proxy, str(port)] for port in ports], ports, {"limit": ROWS})


@contextmanager
def _running(
    commands: Sequence[Sequence[str]],
    ports: Sequence[int],
    *,
    cpu: set[int],
    env: dict[str, str] | None = None,
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run processes on these CPUs until the block ends, and wait until they listen."""
    with ExitStack() as stack:
        processes = []
        for command in commands:
            process = subprocess.Popen(
                command, env={**os.environ, **(env or {})}, stderr=subprocess.DEVNULL
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
            os.sched_setaffinity(process.pid, cpu)
            processes.append(process)
        for port in ports:
            _until_it_listens(port)
        yield processes


def _until_it_listens(port: int) -> None:
    until = time.monotonic() + _START_WITHIN
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError as fault:
            if time.monotonic() > until:
                raise SystemExit(f"a server did not start: {fault}") from None
            time.sleep(0.05)
        else:
            return


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _turn(server: Server, options: argparse.Namespace, *, measured: bool) -> None:
    before, began = server.cpu_seconds, time.perf_counter()
    seconds = asyncio.run(_called(server, options.callers, options.seconds))
    if measured:
        server.rates.append(len(seconds) / (time.perf_counter() - began))
        server.seconds += seconds
        server.cpu += server.cpu_seconds - before


async def _called(server: Server, callers: int, seconds: float) -> list[float]:
    """Return how long each call took; callers take the processes in turns."""
    until, taken = time.perf_counter() + seconds, list[float]()
    async with asyncio.TaskGroup() as group:
        for number in range(callers):
            port = server.ports[number % len(server.ports)]
            group.create_task(_keep_calling(server, port, number, until, taken))
    return taken


async def _keep_calling(
    server: Server, port: int, number: int, until: float, taken: list[float]
) -> None:
    """Call over one connection, each caller for another page, so that no read is shared."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=_LONGEST_ANSWER)
    # The naive forwarder knows no arguments.
    own = server.arguments and {**server.arguments, "search": f"word{number}"}
    request = _request(port, number, own)
    while time.perf_counter() < until:
        began = time.perf_counter()
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        body = await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
        taken.append(time.perf_counter() - began)
        # One look at every answer would cost the callers more than the call.
        if not head.startswith(b"http/1.1 200") or b'"error":' in body[:200]:
            raise SystemExit(f"{server.name} refused the call: {body[:300]!r}")
    if json.loads(body)["result"].get("isError"):
        raise SystemExit(f"{server.name} failed: {body[:300]!r}")
    writer.close()


def _request(port: int, number: int, arguments: dict[str, Any]) -> bytes:
    meta = {
        "io.modelcontextprotocol/protocolVersion": _MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "load", "version": "0"},
    }
    call = {"name": "list_sessions", "arguments": arguments, "_meta": meta}
    body = json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": call})
    head = [
        "POST /mcp HTTP/1.1",
        f"host: 127.0.0.1:{port}",
        "accept: application/json, text/event-stream",
        "content-type: application/json",
        f"mcp-protocol-version: {_MODERN}",
        "mcp-method: tools/call",
        "mcp-name: list_sessions",
        f"content-length: {len(body)}",
    ]
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


def _rows(servers: Sequence[Server]) -> list[Row]:
    """Return what each stood; `spread` is its fastest turn over its slowest."""
    rate = {server.name: median(server.rates) for server in servers}
    rows = list[Row]()
    for server in servers:
        ms = [1000 * seconds for seconds in server.seconds]
        memory = sum(resident_bytes(process.pid) for process in server.processes)
        rows.append(
            {
                "server": server.name,
                "calls/s": rate[server.name],
                "spread": max(server.rates) / min(server.rates),
                "p50 ms": median(ms),
                "p99 ms": quantiles(ms, n=100, method="inclusive")[-1],
                "CPU ms": 1000 * server.cpu / len(ms),
                "MiB": memory / 2**20,
                "calls / naive": rate[server.name] / rate[_NAIVE],
                "calls / FastMCP": rate[server.name] / rate[_PROXY] if _PROXY in rate else None,
            }
        )
    return rows


if __name__ == "__main__":
    main()
