"""Weigh in o200k tokens what a model reads: the tools' definitions and their pages."""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import anyio
from mcp import Client
from mcp_types import CallToolResult, TextContent
from raw_page import RawPage, compact
from table import Row, report

from mcp_sessions.server import ToolsByTenant, create_server
from mcp_sessions.settings import Settings

_HERE = Path(__file__).parent
_DETAILS = ("brief", "standard", "full")
_DEFINITIONS = 950
# The most tokens that 20 rows may take; full has no target.
_TARGETS = {
    ("brief", "text"): 950,
    ("brief", "json"): 1_150,
    ("standard", "text"): 1_950,
    ("standard", "json"): 2_400,
}


class Part(NamedTuple):
    """A text that a model reads, what it shows, and the most tokens it should take, if any."""

    page: str
    what: str
    rows: int | None
    missing: int
    text: str
    target: int | None


def main() -> int:
    """Print the weights and return 1 if a target is missed, else 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "pages",
        nargs="*",
        type=Path,
        metavar="PAGE.json",
        help="API answers, of which the first 20 rows count; without one, the embedded seed's",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    pages = [RawPage.of_file(path) for path in options.pages] or [RawPage.of_seed()]
    rows = weigh(anyio.run(_parts, pages))
    report({"tokens": rows}, as_json=options.json)
    return 1 if any(row["met"] is False for row in rows) else 0


def weigh(parts: Sequence[Part]) -> list[Row]:
    """Return each part's weight, and whether it shows every row and reaches its target."""
    return [
        {
            "page": part.page,
            "what": part.what,
            "rows": part.rows,
            "chars": len(part.text),
            "tokens": tokens,
            "target": part.target,
            "met": None if part.target is None else tokens <= part.target and not part.missing,
        }
        for part, tokens in zip(parts, count_tokens([part.text for part in parts]), strict=True)
    ]


def count_tokens(texts: Sequence[str]) -> list[int]:
    """Return the o200k tokens of each text, by the vocabulary that gpt-tokenizer ships.

    It is installed beside this file when it is missing.
    """
    if not (_HERE / "node_modules" / "gpt-tokenizer").is_dir():
        quietly = ("--no-package-lock", "--no-audit", "--no-fund", "--silent")
        subprocess.run([_program("npm"), "install", *quietly], cwd=_HERE, check=True)
    counted = subprocess.run(
        [_program("node"), "count_tokens.mjs"],
        cwd=_HERE,
        input=json.dumps(texts).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    return [int(count) for count in json.loads(counted.stdout)]


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise SystemExit(f"{name} is needed to count tokens and was not found")
    return path


async def _parts(pages: Sequence[RawPage]) -> list[Part]:
    """Ask the real server, by a real client, for the definitions and each page in each detail."""
    async with _client(pages[0]) as client:
        parts = [await _definitions(client)]
    for page in pages:
        parts.append(Part(page.name, "raw page", len(page.rows), 0, page.json(), None))
        async with _client(page) as client:
            for detail in _DETAILS:
                result = await client.call_tool("list_sessions", {"detail": detail})
                parts += _forms(page, detail, result)
    return parts


@asynccontextmanager
async def _client(page: RawPage) -> AsyncIterator[Client]:
    with page.served() as url:
        # The API is on this machine: no proxy is asked.
        os.environ["NO_PROXY"] = "*"
        given = {"EVERRUNS_API_URL": url, "MCP_SESSIONS_NO_KEY": "true"}
        async with Client(create_server(ToolsByTenant(Settings.from_env(given)))) as client:
            yield client


async def _definitions(client: Client) -> Part:
    shown = [
        {"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema}
        for tool in (await client.list_tools()).tools
    ]
    return Part("both tools", "definitions", None, 0, compact(shown), _DEFINITIONS)


def _forms(page: RawPage, detail: str, result: CallToolResult) -> list[Part]:
    text = "\n".join(part.text for part in result.content if isinstance(part, TextContent))
    structured = result.structured_content
    if result.is_error or structured is None:
        raise SystemExit(f"the server refused a {detail} page of {page.name}:\n{text}")
    shown = structured["returned"]
    return [
        Part(
            page.name,
            f"{detail} {form}",
            shown,
            len(page.rows) - shown,
            content,
            _TARGETS.get((detail, form)),
        )
        for form, content in (("text", text), ("json", compact(structured)))
    ]


if __name__ == "__main__":
    sys.exit(main())
