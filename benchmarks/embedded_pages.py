"""Time pages of the embedded API, from its store and over HTTP, in a list of many sessions."""

import argparse
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
from table import Row, report
from timings import Timings

from mcp_sessions import embedded

_LIMIT = 20
_DEEP = 0.9  # of the list


class Page(NamedTuple):
    """One page to ask for: what it is called, and the parameters besides the limit."""

    name: str
    asked: dict[str, Any]


def main() -> None:
    """Print the median and the ninth decile of each page, in milliseconds."""
    options = _options()
    rows = measured(options.sessions, options.repeats)
    report({f"pages of {_LIMIT} of {options.sessions:,} sessions": rows}, as_json=options.json)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=100_000, help="(%(default)s)")
    parser.add_argument("--repeats", type=int, default=200, help="of each page (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser.parse_args()


def measured(sessions: int, repeats: int) -> list[Row]:
    """Time every page of a list both ways; one connection is kept alive throughout."""
    deep = int(sessions * _DEEP)
    pages = [
        Page("offset 0", {}),
        Page(f"offset {deep:,}", {"offset": deep}),
        Page("search, many found", {"search": "invoice"}),
        Page("search, none found", {"search": "no such title"}),
    ]
    with (
        embedded.SessionStore() as store,
        embedded.serve(store) as api,
        httpx.Client(trust_env=False) as client,
    ):
        store.create_many(embedded.seed_sessions(sessions, light=True))
        url = f"{api.url}/v1/sessions"

        def over_http(asked: dict[str, Any]) -> int:
            answer = client.get(url, params=asked | {"limit": _LIMIT})
            return int(answer.raise_for_status().json()["total"])

        def from_store(asked: dict[str, Any]) -> int:
            return store.page(**asked, limit=_LIMIT)[1]

        return [_timed(page, from_store, over_http, repeats) for page in pages]


def _timed(
    page: Page,
    from_store: Callable[[dict[str, Any]], int],
    over_http: Callable[[dict[str, Any]], int],
    repeats: int,
) -> Row:
    """Time both ways of one page in turns, after one of each that is not counted."""
    total = from_store(page.asked)
    assert over_http(page.asked) == total
    in_store, http = Timings(), Timings()
    for _ in range(repeats):
        with in_store.measured():
            from_store(page.asked)
        with http.measured():
            over_http(page.asked)
    return {
        "page": page.name,
        "found": total,
        "store median ms": in_store.median,
        "store p90 ms": in_store.p90,
        "HTTP median ms": http.median,
        "HTTP p90 ms": http.p90,
    }


if __name__ == "__main__":
    main()
