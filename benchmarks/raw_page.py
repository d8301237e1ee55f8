"""One page of the API as it stands in a file, served as it is."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import httpx

from mcp_sessions import embedded

ROWS = 20
_KEPT = ("id", "agent_id", "status", "title", "created_at", "updated_at")
_TEXT = "Quarterly figures, as asked: revenue, cost, and what is left of both.\n"
_REST = {"id": f"session_{0:032x}", "created_at": "2000-01-01T00:00:00Z"}


@dataclass(frozen=True, slots=True)
class RawPage:
    """The first rows of an API answer; `name` says where they come from."""

    name: str
    answer: dict[str, Any]

    @classmethod
    def of_file(cls, path: Path, rows: int | None = ROWS) -> Self:
        """Read a file, which holds one API answer as JSON, or its first `rows`."""
        answer = json.loads(path.read_text(encoding="utf-8"))
        return cls(path.name, answer | {"data": answer["data"][:rows], "limit": rows})

    @classmethod
    def of_file_or_seed(cls, path: Path | None) -> Self:
        """Read a page of 20 rows."""
        return cls.of_seed() if path is None else cls.of_file(path)

    @classmethod
    def of_seed(cls, rows: int = ROWS) -> Self:
        """Read the page of the embedded seed's newest sessions, over HTTP like any client."""
        with embedded.SessionStore() as store:
            store.create_many(embedded.seed_sessions())
            with embedded.serve(store) as api, httpx.Client(trust_env=False) as client:
                url = f"{api.url}/v1/sessions"
                return cls("embedded seed", client.get(url, params={"limit": rows}).json())

    @classmethod
    def of_weight(cls, rows: int, size: int) -> Self:
        """Make rows of `size` bytes each, half of it a file's text and half tools' parameters."""
        page = cls.of_seed(rows)
        heavy = [_padded({name: row.get(name) for name in _KEPT}, size) for row in page.rows]
        return cls(f"{rows} rows of {size:,} bytes", page.answer | {"data": heavy})

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Return the rows as the API sends them."""
        return list(self.answer["data"])

    def json(self) -> str:
        """Return the page as the API would send it: compact, its characters unescaped."""
        return compact(self.answer)

    @contextmanager
    def served(self) -> Iterator[str]:
        """Serve the page on a loopback socket until the block ends, and give its base URL.

        The embedded API would complete and reorder what is in a row; this changes nothing.
        """
        with ThreadingHTTPServer(("127.0.0.1", 0), _handler(self)) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}"
            finally:
                server.shutdown()
                thread.join()

    def window(self, offset: int, limit: int) -> dict[str, Any]:
        """Return an answer to `offset` and `limit`.

        One row more stands for the rest of a longer list, so that the page has a next one.
        """
        rows = [*self.rows, _REST] if self.answer["total"] > len(self.rows) else self.rows
        place = {"offset": offset, "limit": limit}
        return self.answer | {"data": rows[offset : offset + limit]} | place


def _padded(row: dict[str, Any], size: int) -> dict[str, Any]:
    """Add a file and tools until the row has its size."""
    schema = {"type": "object", "properties": {"path": {"type": "string", "minLength": 1}}}
    tool = {"type": "builtin", "name": "read_file", "description": "Read.", "parameters": schema}
    left = size - len(compact(row).encode())
    tools = [tool] * (left // 2 // len(compact(tool)))
    file = {"path": "/notes.txt", "content": ""}
    row = row | {"tools": tools, "initial_files": [file]}
    left = max(0, size - len(compact(row).encode()))
    file["content"] = (_TEXT * (left // len(_TEXT) + 1))[: left - left // len(_TEXT) - 1]
    return row


def compact(value: Any) -> str:
    """Return JSON without a byte too many."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _handler(page: RawPage) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query)
            offset, limit = int(asked.get("offset", ["0"])[0]), int(asked.get("limit", ["20"])[0])
            body = compact(page.window(offset, limit)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing of requests."""

    return Handler
