"""Ask 25 questions about a made-up organization, and judge the answers, JSON and text apart."""

import argparse
import json
import os
import shutil
import statistics
import sys
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from judging import right, survives
from mcp import Client
from mcp_types import TextContent
from question import NotToldError, Question, Way
from questions_asked import questions
from raw_page import compact
from shown import Shown, of_json, of_text
from table import Row, report
from tokens import count_tokens

from mcp_sessions.embedded import SessionStore, organization_sessions, serve
from mcp_sessions.server import ToolsByTenant, create_server
from mcp_sessions.settings import Settings

_TOOL = "list_sessions"


@dataclass(slots=True)
class Asked:
    """A question and what came of it: both forms of each call's result, or what it still needs."""

    question: Question
    needs: list[str] = field(default_factory=list)
    failed: str | None = None
    structured: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def forms(self) -> Iterator[tuple[str, list[str], Callable[[str], Shown]]]:
        """Yield each form's name, its results, and how a reader reads one."""
        yield "JSON", self.structured, _read_json
        yield "text", self.texts, of_text


def main() -> int:
    """Print what each question cost; return 1 if a judged answer is wrong, else 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rough", action="store_true", help="tokens as characters/4, without node")
    parser.add_argument(
        "--spoiled",
        action="store_true",
        help="judge results in each of which one thing that was asked for has been altered",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    options = parser.parse_args()
    asked = anyio.run(_ask_all)
    rough = options.rough or not (shutil.which("node") and shutil.which("npm"))
    rows = _rows(asked, judge=survives if options.spoiled else right, rough=rough)
    counted = "tokens as characters / 4" if rough else "o200k tokens"
    report({f"questions, {counted}": rows, "together": [_together(rows)]}, as_json=options.json)
    return (
        1 if any(row[f"{form} right"] is False for row in rows for form in ("JSON", "text")) else 0
    )


async def _ask_all() -> list[Asked]:
    """Ask the real server by a real client, before the embedded API with the same sessions."""
    sessions = list(organization_sessions())
    with SessionStore() as store:
        store.create_many(sessions)
        with serve(store) as api:
            async with _client(api.url) as client:
                tools = (await client.list_tools()).tools
                (lists,) = (tool for tool in tools if tool.name == _TOOL)
                served = set(lists.input_schema["properties"])
                return [await _ask(client, question, served) for question in questions(sessions)]


@asynccontextmanager
async def _client(url: str) -> AsyncIterator[Client]:
    os.environ["NO_PROXY"] = "*"  # the API is on this machine
    given = {"EVERRUNS_API_URL": url, "MCP_SESSIONS_NO_KEY": "true"}
    async with Client(create_server(ToolsByTenant(Settings.from_env(given)))) as client:
        yield client


async def _ask(client: Client, question: Question, served: Collection[str]) -> Asked:
    """Ask by the best way of which the tool's schema has every argument."""
    missing = [_missing(way, served) for way in question.ways]
    asked = Asked(question)
    if all(missing):
        asked.needs = missing[0]
        return asked
    for call in question.ways[missing.index([])]:
        try:
            arguments = call.following([_read_json(result) for result in asked.structured])
        except (NotToldError, LookupError):
            asked.failed = "the call before told nothing to go on with"
            return asked
        result = await client.call_tool(_TOOL, dict(arguments))
        text = "\n".join(part.text for part in result.content if isinstance(part, TextContent))
        if result.is_error:
            asked.failed = text
            return asked
        asked.structured.append(compact(result.structured_content))
        asked.texts.append(text)
    return asked


def _missing(way: Way, served: Collection[str]) -> list[str]:
    return sorted({name for call in way for name in call.names if name not in served})


def _read_json(result: str) -> Shown:
    return of_json(json.loads(result))


def _rows(
    asked: Sequence[Asked],
    *,
    judge: Callable[[Question, Sequence[str], Callable[[str], Shown]], bool],
    rough: bool,
) -> list[Row]:
    """Return a row for each question; one that needs what is not served yet is not judged."""
    weights = iter(
        _weights(
            [text for one in asked for _, texts, _ in one.forms() for text in texts], rough=rough
        )
    )
    rows: list[Row] = []
    for one in asked:
        row: Row = {"question": one.question.words, "calls": len(one.structured) or None}
        for name, results, read in one.forms():
            judged = not one.needs
            row[f"{name} tokens"] = sum(next(weights) for _ in results) if judged else None
            row[f"{name} right"] = (
                not one.failed and judge(one.question, results, read) if judged else None
            )
        why = (
            f"needs {', '.join(one.needs)}" if one.needs else (one.failed or "").partition("\n")[0]
        )
        rows.append(row | {"why not": why})
    return rows


def _weights(texts: Sequence[str], *, rough: bool) -> list[int]:
    return [len(text) // 4 for text in texts] if rough else count_tokens(texts)


def _together(rows: Sequence[Row]) -> Row:
    """Return what all judged questions come to."""
    judged = [row for row in rows if row["calls"] is not None]
    answered = [row for row in judged if row["JSON right"] and row["text right"]]
    together: Row = {
        "asked": len(rows),
        "judged": len(judged),
        "right in both forms": len(answered),
        "of them in one call": sum(row["calls"] == 1 for row in answered),
    }
    for form in ("JSON", "text"):
        weights = [int(row[f"{form} tokens"] or 0) for row in judged]
        together[f"{form} median tokens"] = int(statistics.median(weights))
        together[f"{form} most"] = max(weights)
    return together


if __name__ == "__main__":
    sys.exit(main())
