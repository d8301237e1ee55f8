"""Run every client against this server and a stand-in for its model, and print one table."""
# ruff: noqa: INP001, T201

import argparse
import asyncio
import os
import sys
import tempfile
from dataclasses import astuple, dataclass
from pathlib import Path

from client import Client, Setting
from command_lines import COMMAND_LINES
from frameworks import FRAMEWORKS
from machine import RUN_WITHIN, Done, Fetched, NotFetchedError, fetch, last_words, run
from stand_in import Conversation, stand_in
from verdict import Truth, ask, kept, listed, reached

CLIENTS = (*FRAMEWORKS, *COMMAND_LINES)
_UNFETCHED = {"pip": "failed", "npm": "skipped"}
SERVER = Path(sys.executable).with_name("mcp-sessions")


@dataclass(slots=True)
class Row:
    """One client's line of the table."""

    client: str
    version: str = "-"
    listed: str = "-"
    called: str = "-"
    reached: str = "-"
    schemas: str = "-"
    verdict: str = "ok"


HEAD = Row("client", "version", "listed", "called", "the model got", "schemas", "verdict")


def main() -> int:
    """Return 1 if a client stopped, did not list the tools or did not get a result."""
    options = _options()
    truth = asyncio.run(asyncio.wait_for(ask(options.server), RUN_WITHIN))
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(options.scratch or temporary).resolve()
        scratch.mkdir(parents=True, exist_ok=True)
        for client in CLIENTS:
            if not options.only or client.program in options.only or client.name in options.only:
                print(f"{client.name} ...", file=sys.stderr, flush=True)
                rows.append(_row(client, options.server, truth, scratch))
    _print_table(rows)
    return int(any(row.verdict.startswith("failed") for row in rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scratch", nargs="?", help="a folder that keeps what was fetched")
    parser.add_argument(
        "--server", default=str(SERVER), type=os.path.abspath, help="run with --demo"
    )
    parser.add_argument("--only", action="append", metavar="CLIENT", help="a name in the table")
    return parser.parse_args()


def _row(client: Client, server: str, truth: Truth, scratch: Path) -> Row:
    try:
        fetched = fetch(client, scratch)
    except NotFetchedError as error:
        return Row(client.name, verdict=f"{_UNFETCHED[client.registry]}: {error}")
    with stand_in() as (url, conversation), _home(scratch) as home:
        done = _converse(client, fetched, Setting(Path(home), url, server))
    return Row(
        client.name,
        fetched.version,
        listed(truth, conversation),
        "yes" if conversation.called else "no",
        reached(truth, conversation),
        kept(truth, conversation) if conversation.called else "-",
        _verdict(client, done, conversation),
    )


def _home(scratch: Path) -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(dir=scratch, ignore_cleanup_errors=True)


def _converse(client: Client, fetched: Fetched, setting: Setting) -> Done:
    """Run a client where the stand-in is all that it reaches."""
    proxies = ("http_proxy", "https_proxy", "all_proxy")
    environment = {"HOME": str(setting.home), "PATH": os.environ["PATH"], "NO_COLOR": "1"}
    environment |= dict.fromkeys(proxies, setting.url)
    environment |= {name.upper(): setting.url for name in proxies}
    environment |= dict.fromkeys(("no_proxy", "NO_PROXY"), "127.0.0.1,localhost")
    environment |= {name: text.format(url=setting.url) for name, text in client.environment.items()}
    command = [str(fetched.program), *client.arguments(setting)]
    folder = setting.home / "folder"
    folder.mkdir()
    return run(command, environment, folder, RUN_WITHIN)


def _verdict(client: Client, done: Done, conversation: Conversation) -> str:
    outside = f"; asked for {', '.join(sorted(conversation.outside))}"
    outside = outside if conversation.outside else ""
    if done.code is None:
        return f"failed: not done within {RUN_WITHIN} s{outside}"
    if done.code or not conversation.results:
        step = "after" if conversation.called else "before"
        return f"failed {step} the call: {last_words(done.printed)}{outside}"
    if client.strict and not all(tool.strict for tool in conversation.tools.values()):
        return f"failed: no strict schema{outside}"
    return f"ok{outside}"


def _print_table(rows: list[Row]) -> None:
    lines = [astuple(row) for row in (HEAD, *rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())


if __name__ == "__main__":
    sys.exit(main())
