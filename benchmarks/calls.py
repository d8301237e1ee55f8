"""Time a call over stdio: this server against forwarders and FastMCP's OpenAPI proxy.

Every server is a process of its own, asked in turns in one run; all ask one embedded API process.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from random import Random

from peers import NAIVE, PROXY, Peer, others, ours
from stdio_client import StdioServer
from table import Row, report
from timings import Timings

_ROWS = 20


@dataclass(slots=True)
class Running:
    """A started server, and what its calls have cost."""

    peer: Peer
    server: StdioServer
    tool: str
    wall: Timings = field(default_factory=Timings)
    cpu_before: float = 0.0

    def call(self) -> None:
        """Make one measured call."""
        with self.wall.measured():
            self.server.call(self.tool, self.peer.arguments)

    def warmed_up(self) -> None:
        """Forget the calls so far."""
        self.wall = Timings()
        self.cpu_before = self.server.cpu_seconds

    @property
    def cpu(self) -> float:
        """Return the milliseconds of CPU that the server's process took a call."""
        return 1000 * (self.server.cpu_seconds - self.cpu_before) / len(self.wall.all)

    @property
    def memory(self) -> float:
        """Return the MiB that the server's process holds."""
        return self.server.resident_bytes / 2**20


def main() -> None:
    """Print what a call costs, and how noisy the machine was meanwhile."""
    options = _options()
    with embedded_api(options.load) as url:
        own = [ours(url, _ROWS, detail) for detail in ("brief", "standard", "full")]
        peers = [*own, *others(url, _ROWS, options.openapi)]
        rows = _measured(peers, options.warm_up, options.rounds)
    report({f"calls of {_ROWS} rows": rows}, as_json=options.json)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("load", nargs="?", metavar="FILE", help="sessions; by default the seed")
    parser.add_argument("--openapi", metavar="FILE", help="a description, to measure FastMCP too")
    parser.add_argument("--warm-up", type=int, default=5, help="unmeasured rounds (%(default)s)")
    parser.add_argument("--rounds", type=int, default=200, help="measured rounds (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    return parser.parse_args()


@contextmanager
def embedded_api(load: str | None) -> Iterator[str]:
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


def _measured(peers: Sequence[Peer], warm_up: int, rounds: int) -> list[Row]:
    entropy = Random(20)  # noqa: S311 - a fair order, the same in every run
    with ExitStack() as stack:
        running = [_started(peer, stack) for peer in peers]
        for _ in range(warm_up):
            for one in running:
                one.call()
        for one in running:
            one.warmed_up()
        for _ in range(rounds):
            for one in entropy.sample(running, len(running)):
                one.call()
        return _rows(running)


def _started(peer: Peer, stack: ExitStack) -> Running:
    server = stack.enter_context(peer.running())
    server.greet()
    return Running(peer, server, server.tools()[0])


def _rows(running: Sequence[Running]) -> list[Row]:
    """Return what a call costs; `drift` and the deviation tell what a ratio is worth."""
    by_name = {one.peer.name: one for one in running}
    naive, proxy = by_name[NAIVE], by_name.get(PROXY)
    return [
        {
            "server": one.peer.name,
            "median ms": one.wall.median,
            "p90 ms": one.wall.p90,
            "deviation": one.wall.deviation,
            "drift": one.wall.drift,
            "CPU ms": one.cpu,
            "MiB": one.memory,
            "ms / low-level": one.wall.median / naive.wall.median,
            "CPU / low-level": one.cpu / naive.cpu,
            "MiB / low-level": one.memory / naive.memory,
            "ms / FastMCP": proxy and one.wall.median / proxy.wall.median,
            "CPU / FastMCP": proxy and one.cpu / proxy.cpu,
        }
        for one in running
    ]


if __name__ == "__main__":
    main()
