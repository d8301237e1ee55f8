"""Time a start over stdio: from the spawn to the answered tools/list, and to the first call.

Every server is started anew each round, in turns, before an API that answers at once.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from canned_api import canned
from peers import STRICT, Peer, others, ours
from raw_page import ROWS, RawPage
from stdio_client import KNOWN_CLIENT, UNKNOWN_CLIENT, StdioServer
from table import Row, report
from timings import Timings


@dataclass(slots=True)
class Start:
    """A server and the client that starts it; how long each step took, from the spawn on."""

    name: str
    peer: Peer
    client: dict[str, Any]
    listed: Timings = field(default_factory=Timings)
    called: Timings = field(default_factory=Timings)
    ended: Timings = field(default_factory=Timings)

    def measure(self) -> None:
        """Start the server once, list its tools, call one, and close its stdin."""
        spawned = time.perf_counter()
        with self.peer.running() as server:
            tool = self._listed(server, spawned)
            server.call(tool, self.peer.arguments)
            self.called.all.append(1000 * (time.perf_counter() - spawned))
            closed = time.perf_counter()
        self.ended.all.append(1000 * (time.perf_counter() - closed))

    def _listed(self, server: StdioServer, spawned: float) -> str:
        server.greet(self.client)
        tool = server.tools()[0]
        self.listed.all.append(1000 * (time.perf_counter() - spawned))
        return tool


def main() -> None:
    """Print how long starts took, and a bare interpreter beside them."""
    options = _options()
    with canned(RawPage.of_seed()) as url:
        own = ours(url, ROWS)
        starts = [
            Start("this server", own, KNOWN_CLIENT),
            Start("this server, a client it does not know", own, UNKNOWN_CLIENT),
            *(Start(p.name, p, KNOWN_CLIENT) for p in others(url, ROWS, options.openapi)),
        ]
        rows = _measured(starts, options.rounds)
    report({"spawn to": rows}, as_json=options.json)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--openapi", metavar="FILE", help="a description, to measure FastMCP too")
    parser.add_argument("--rounds", type=int, default=15, help="starts of each (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    return parser.parse_args()


def _measured(starts: Sequence[Start], rounds: int) -> list[Row]:
    entropy, bare = Random(20), Timings()  # noqa: S311 - a fair order, the same in every run
    for turn in range(rounds + 1):
        for start in entropy.sample(starts, len(starts)):
            start.measure()
        with bare.measured():
            subprocess.run([sys.executable, "-c", ""], check=True)
        if not turn:  # the first start of each reads its files from the disk
            for timings in (bare, *(t for s in starts for t in (s.listed, s.called, s.ended))):
                timings.all.clear()
    return _rows(starts, bare)


def _rows(starts: Sequence[Start], bare: Timings) -> list[Row]:
    strict = next(start for start in starts if start.name == STRICT)
    rows: list[Row] = [
        {
            "server": start.name,
            "tools/list ms": start.listed.median,
            "deviation": start.listed.deviation,
            "first call ms": start.called.median,
            "end ms": start.ended.median,
            "list / strict": start.listed.median / strict.listed.median,
            "call / strict": start.called.median / strict.called.median,
        }
        for start in starts
    ]
    empty = dict.fromkeys(rows[0])
    share = bare.median / strict.listed.median
    return [
        *rows,
        {
            **empty,
            "server": "a bare interpreter, to its end",
            "tools/list ms": bare.median,
            "deviation": bare.deviation,
            "list / strict": share,
        },
    ]


if __name__ == "__main__":
    main()
