"""Time a call over stdio: this server against forwarders and FastMCP's OpenAPI proxy.

Every server is a process of its own, asked in turns in one run; all ask an API that answers at
once.
"""

import argparse
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from canned_api import canned
from peers import STRICT, Peer, others, ours_in_each_detail
from raw_page import ROWS, RawPage
from stdio_client import StdioServer
from table import Row, report
from timings import Timings


@dataclass(slots=True)
class Running:
    """A started server, and what its calls have cost."""

    peer: Peer
    server: StdioServer
    tool: str
    wall: Timings = field(default_factory=Timings)
    cpu: float = 0.0
    """Milliseconds of CPU that the server's process took a call."""
    memory: float = 0.0
    """MiB that the process held after all calls."""

    def call(self) -> None:
        """Make one measured call."""
        with self.wall.measured():
            self.server.call(self.tool, self.peer.arguments)

    def warmed_up(self) -> None:
        """Forget the calls so far."""
        self.wall = Timings()
        self.cpu = -self.server.cpu_seconds

    def done(self) -> None:
        """Look at the process while it still is there."""
        self.cpu = 1000 * (self.cpu + self.server.cpu_seconds) / len(self.wall.all)
        self.memory = self.server.resident_bytes / 2**20


def main() -> None:
    """Print what a call costs, and how noisy the machine was meanwhile."""
    options = _options()
    with canned(RawPage.of_file_or_seed(options.page)) as url:
        peers = [*ours_in_each_detail(url, ROWS), *others(url, ROWS, options.openapi)]
        running = measured(peers, options.warm_up, options.rounds)
    report({f"calls of {ROWS} rows": _rows(running)}, as_json=options.json)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", nargs="?", type=Path, metavar="FILE", help="an answer of the API")
    parser.add_argument("--openapi", metavar="FILE", help="a description, to measure FastMCP too")
    parser.add_argument("--warm-up", type=int, default=5, help="unmeasured rounds (%(default)s)")
    parser.add_argument("--rounds", type=int, default=200, help="measured rounds (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    return parser.parse_args()


def measured(peers: Iterable[Peer], warm_up: int, rounds: int) -> list[Running]:
    """Return servers that were asked in turns, each round in a new order, before they ended."""
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
        for one in running:
            one.done()
    return running


def _started(peer: Peer, stack: ExitStack) -> Running:
    server = stack.enter_context(peer.running())
    server.greet()
    return Running(peer, server, server.tools()[0])


def _rows(running: Sequence[Running]) -> list[Row]:
    """Return what a call costs; `drift` and the deviation tell what a ratio is worth."""
    by_name = {one.peer.name: one for one in running}
    strict = by_name[STRICT]
    return [
        {
            "server": one.peer.name,
            "median ms": one.wall.median,
            "p90 ms": one.wall.p90,
            "deviation": one.wall.deviation,
            "drift": one.wall.drift,
            "CPU ms": one.cpu,
            "MiB": one.memory,
            "ms / strict": one.wall.median / strict.wall.median,
            "CPU / strict": one.cpu / strict.cpu if strict.cpu else None,  # counted to 10 ms
            "MiB / strict": one.memory / strict.memory,
        }
        for one in running
    ]


if __name__ == "__main__":
    main()
