"""What servers stand under load over HTTP: this one, a low-level forwarder and FastMCP's proxy.

Every server is a process of its own, or two, asked in turns in one run by callers that wait for
nothing but their answer; all ask an API that answers at once.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random
from statistics import median, quantiles

from http_peers import NAIVE, PROXY, Server, called, free_port, running, servers
from process import resident_bytes
from raw_page import ROWS, RawPage
from table import Row, report

_HERE = Path(__file__).parent
_SERVERS_CPU, _OTHERS_CPU = 0, 1


def main() -> None:
    """Print what one process of each stands, and two of each."""
    options = _options()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as seed:
        if options.page is None:
            seed.write(RawPage.of_seed().json())
            seed.flush()
        page, api = options.page or seed.name, free_port()
        canned = [sys.executable, str(_HERE / "canned_api.py"), page, str(api)]
        with running([canned], [api], cpu={_OTHERS_CPU}):
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
    measured = list(servers(api, options.openapi, count))
    cpu = {_SERVERS_CPU} if count == 1 else {_SERVERS_CPU, _OTHERS_CPU}
    os.sched_setaffinity(0, {_OTHERS_CPU} if count == 1 else cpu)
    entropy = Random(20)  # noqa: S311 - a fair order, the same in every run
    with ExitStack() as stack:
        for server in measured:
            processes = running(server.commands, server.ports, cpu=cpu, env=server.environment)
            server.processes = stack.enter_context(processes)
        for turn in range(options.rounds + 1):
            for server in entropy.sample(measured, len(measured)):
                _turn(server, options, measured=turn > 0)
        return _rows(measured)


def _turn(server: Server, options: argparse.Namespace, *, measured: bool) -> None:
    before, began = server.cpu_seconds, time.perf_counter()
    seconds = asyncio.run(called(server, options.callers, options.seconds))
    if measured:
        server.rates.append(len(seconds) / (time.perf_counter() - began))
        server.seconds += seconds
        server.cpu += server.cpu_seconds - before


def _rows(measured: Sequence[Server]) -> list[Row]:
    """Return what each stood; `spread` is its fastest turn over its slowest."""
    rate = {server.name: median(server.rates) for server in measured}
    rows = list[Row]()
    for server in measured:
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
                "calls / naive": rate[server.name] / rate[NAIVE],
                "calls / FastMCP": rate[server.name] / rate[PROXY] if PROXY in rate else None,
            }
        )
    return rows


if __name__ == "__main__":
    main()
