"""How costs grow: with rows, with their weight, with callers, and with the list behind a page.

Each curve is measured in one run, its servers in turns.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from calls import measured as calls_measured
from canned_api import canned
from embedded_pages import measured as pages_measured
from load import OTHERS_CPU, p99
from load import measured as load_measured
from peers import others, ours
from plots import Plot
from raw_page import ROWS, RawPage
from table import Row, report

_COUNTS = (1, 2, 5, 10, 20, 50, 100)
_SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)  # bytes a row
_MOST_ROWS = 100
_CALLERS = (1, 4, 16, 64, 256)
_LISTS = (1_000, 10_000, 100_000, 1_000_000)


def main() -> None:
    """Print the curves asked for, and draw them if told where."""
    options = _options()
    curves = {name: list(_CURVES[name](options)) for name in options.curves or _CURVES}
    report(curves, as_json=options.json)
    if options.plots:
        for name, rows in curves.items():
            _PLOTS[name].draw(rows, options.plots / f"{name}.svg")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("curves", nargs="*", metavar="CURVE", help=f"of {', '.join(_CURVES)}")
    parser.add_argument("--openapi", metavar="FILE", help="a description, to measure FastMCP too")
    parser.add_argument("--rounds", type=int, default=20, help="calls of a point (%(default)s)")
    parser.add_argument("--seconds", type=float, default=3.0, help="of load (%(default)s)")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw SVGs; needs matplotlib")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    options = parser.parse_args()
    if unknown := set(options.curves) - _CURVES.keys():
        parser.error(f"there is no curve {', '.join(unknown)}")
    return options


def _by_rows(options: argparse.Namespace) -> Iterator[Row]:
    for count in _COUNTS:
        yield from _called(options, RawPage.of_seed(count), {"rows": count})


def _by_weight(options: argparse.Namespace) -> Iterator[Row]:
    for size in _SIZES:
        yield from _called(options, RawPage.of_weight(_MOST_ROWS, size), {"bytes a row": size})


def _called(options: argparse.Namespace, page: RawPage, at: Row) -> Iterator[Row]:
    """Give what a call of the whole page costs over stdio."""
    rows = len(page.rows)
    with canned(page) as url:
        own = [ours(url, rows, detail) for detail in ("standard", "full")]
        peers = [*own, *others(url, rows, options.openapi)]
        running = calls_measured(peers, max(2, options.rounds // 10), options.rounds)
    size = len(page.json().encode())
    for one in running:
        yield {
            **at,
            "server": one.peer.name,
            "KB": size / 1000,
            "median ms": one.wall.median,
            "deviation": one.wall.deviation,
            "CPU ms": one.cpu,
            "ms / MB": one.wall.median / (size / 1e6),
            "MiB": one.memory,
        }


def _by_callers(options: argparse.Namespace) -> Iterator[Row]:
    with canned(RawPage.of_seed(), cpu={OTHERS_CPU}) as url:
        peers = [ours(url, ROWS), *others(url, ROWS, options.openapi)]
        for callers in _CALLERS:
            for server in load_measured(peers, callers, 1, options.seconds):
                ms = [1000 * seconds for seconds in server.seconds]
                yield {
                    "callers": callers,
                    "server": server.name,
                    "calls/s": median(server.rates),
                    "p50 ms": median(ms),
                    "p99 ms": p99(ms),
                    "CPU ms": 1000 * server.cpu / len(ms),
                    "MiB": server.memory / 2**20,
                }


def _by_list(options: argparse.Namespace) -> Iterator[Row]:
    for sessions in _LISTS:
        for place, row in zip(
            ("first page", "page at nine tenths", "search, many found", "search, none found"),
            pages_measured(sessions, options.rounds),
            strict=True,
        ):
            yield {"sessions": sessions, **row, "page": place}


_CURVES: dict[str, Callable[[argparse.Namespace], Iterator[Row]]] = {
    "rows": _by_rows,
    "weight": _by_weight,
    "callers": _by_callers,
    "list": _by_list,
}

_PLOTS = {
    "rows": Plot("A call over stdio by rows, 10 KB each", "rows", "median ms", "server"),
    "weight": Plot("A call of 100 rows by their weight", "bytes a row", "median ms", "server"),
    "callers": Plot("One process under load, 20 rows a call", "callers", "calls/s", "server"),
    "list": Plot("A page of the embedded API", "sessions", "store median ms", "page"),
}


if __name__ == "__main__":
    main()
