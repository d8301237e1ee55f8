"""Servers over HTTP, each a process or two, and callers that wait for nothing but their answer."""

import asyncio
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from peers import Peer
from process import cpu_seconds

_MODERN = "2026-07-28"
_LONGEST_ANSWER = 1 << 22
_START_WITHIN = 30.0  # seconds


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
    memory: int = 0

    @property
    def cpu_seconds(self) -> float:
        """Return the CPU time of its processes so far."""
        return sum(cpu_seconds(process.pid) for process in self.processes)


def servers(peers: Iterable[Peer], count: int) -> Iterator[Server]:
    """Return the peers over HTTP, `count` processes each."""
    for peer in peers:
        ports = [free_port() for _ in range(count)]
        commands = [[*peer.command, *peer.listening, str(port)] for port in ports]
        yield Server(peer.name, commands, ports, peer.arguments, peer.environment)


@contextmanager
def running(
    commands: Sequence[Sequence[str]],
    ports: Sequence[int],
    *,
    cpu: set[int] | None = None,
    env: dict[str, str] | None = None,
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run processes until the block ends, on these CPUs alone, and wait until they listen."""
    with ExitStack() as stack:
        processes = []
        for command in commands:
            process = subprocess.Popen(
                command, env={**os.environ, **(env or {})}, stderr=subprocess.DEVNULL
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
            if cpu is not None:
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


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def called(server: Server, callers: int, seconds: float) -> list[float]:
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
    # The forwarders know no arguments.
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
