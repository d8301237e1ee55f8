"""What servers stand under load over HTTP: this one, forwarders and FastMCP's proxy.

Every server is a process of its own, or two, asked in turns in one run by callers that wait for
nothing but their answer; all ask an API that answers at once.
"""

import argparse
import asyncio
import os
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random
from statistics import median, quantiles

from canned_api import canned
from http_peers import Server, called, running, servers
from peers import STRICT, Peer, others, ours_in_each_detail
from process import resident_bytes
from raw_page import ROWS, RawPage
from table import Row, report

OTHERS_CPU = 1
_SERVERS_CPU = 0


def main() -> None:
    """Print what one process of each stands, and two of each."""
    options = _options()
    with canned(RawPage.of_file_or_seed(options.page), cpu={OTHERS_CPU}) as api:
        peers = [*ours_in_each_detail(api, ROWS), *others(api, ROWS, options.openapi)]
        tables = {
            f"{count} process{'es' * (count - 1)}, {options.callers} callers, {ROWS} rows": _rows(
                measured(peers, options.callers, options.rounds, options.seconds, processes=count)
            )
            for count in (1, 2)
        }
    report(tables, as_json=options.json)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "page", nargs="?", type=Path, metavar="FILE", help="an answer of the API, as JSON"
    )
    parser.add_argument("--openapi", metavar="FILE", help="a description, to measure FastMCP too")
    parser.add_argument("--callers", type=int, default=32, help="(%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each server (%(default)s)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of a turn (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    return parser.parse_args()


def measured(
    peers: Iterable[Peer], callers: int, rounds: int, seconds: float, *, processes: int = 1
) -> list[Server]:
    """Ask all servers in turns; one process has a CPU to itself, two share both with all else."""
    asked = list(servers(peers, processes))
    cpu = {_SERVERS_CPU} if processes == 1 else {_SERVERS_CPU, OTHERS_CPU}
    os.sched_setaffinity(0, {OTHERS_CPU} if processes == 1 else cpu)
    entropy = Random(20)  # noqa: S311 - a fair order, the same in every run
    with ExitStack() as stack:
        for server in asked:
            started = running(server.commands, server.ports, cpu=cpu, env=server.environment)
            server.processes = stack.enter_context(started)
        for turn in range(rounds + 1):
            for server in entropy.sample(asked, len(asked)):
                _turn(server, callers, seconds, counts=turn > 0)
        for server in asked:
            server.memory = sum(resident_bytes(process.pid) for process in server.processes)
    return asked


def _turn(server: Server, callers: int, seconds: float, *, counts: bool) -> None:
    before, began = server.cpu_seconds, time.perf_counter()
    taken = asyncio.run(called(server, callers, seconds))
    if counts:
        server.rates.append(len(taken) / (time.perf_counter() - began))
        server.seconds += taken
        server.cpu += server.cpu_seconds - before


def p99(ms: Sequence[float]) -> float:
    """Return what 99 in 100 do not exceed."""
    return quantiles(ms, n=100, method="inclusive")[-1]


def _rows(asked: Sequence[Server]) -> list[Row]:
    """Return what each stood; `spread` is its fastest turn over its slowest."""
    rate = {server.name: median(server.rates) for server in asked}
    rows = list[Row]()
    for server in asked:
        ms = [1000 * seconds for seconds in server.seconds]
        rows.append(
            {
                "server": server.name,
                "calls/s": rate[server.name],
                "spread": max(server.rates) / min(server.rates),
                "p50 ms": median(ms),
                "p99 ms": p99(ms),
                "CPU ms": 1000 * server.cpu / len(ms),
                "MiB": server.memory / 2**20,
                "calls / strict": rate[server.name] / rate[STRICT],
            }
        )
    return rows


if __name__ == "__main__":
    main()
