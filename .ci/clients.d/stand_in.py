"""A stand-in for models: it calls list_sessions once, then answers in words."""
# ruff: noqa: INP001

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dialects import ANSWER, Completions, Dialect, Gemini, Messages, Offered, Responses

TOOL = "list_sessions"
ARGUMENTS = {"limit": 3}
_QUERY = "list agent sessions"
SEARCHES = {
    "ToolSearch": {"query": _QUERY, "max_results": 5},
    "tool_search": {"query": _QUERY, "limit": 5},
}
PATHS: dict[str, Dialect] = {
    "/v1/messages": Messages(),
    "/v1/responses": Responses(),
    "/v1/chat/completions": Completions(),
    "enerateContent": Gemini(),
}


@dataclass(slots=True)
class Conversation:
    """What one client gave its model."""

    tools: dict[str, Offered] = field(default_factory=dict)
    searched: bool = False
    called: bool = False
    results: list[Any] = field(default_factory=list)
    outside: set[str] = field(default_factory=set)

    def answer(self, dialect: Dialect, body: dict[str, Any]) -> list[dict[str, Any]]:
        """Note what a request holds and return the events of the answer."""
        offered = {tool.name: tool for tool in dialect.offered(body)}
        self.tools.update(offered)
        results = dialect.results(body)
        if self.called and results:
            self.results = results
        ours = [tool for name, tool in offered.items() if name.endswith(TOOL)]
        search = next((name for name in SEARCHES if name in offered), None)
        if ours and not self.called:
            self.called = True
            return dialect.call(ours[0], ARGUMENTS, 2)
        if search and not (ours or self.searched):
            self.searched = True
            return dialect.call(offered[search], SEARCHES[search], 1)
        return dialect.say(ANSWER)


class _Handler(BaseHTTPRequestHandler):
    """One request of a client to its model, or one that was meant for another host."""

    protocol_version = "HTTP/1.1"
    conversation: Conversation
    turn = threading.Lock()

    def do_POST(self) -> None:
        """Answer a request to the model."""
        path = self.path.partition("?")[0]
        written = self.rfile.read(int(self.headers.get("content-length", 0)))
        dialect = next((PATHS[end] for end in PATHS if path.endswith(end)), None)
        if self.path.startswith("http") or dialect is None:
            self._refuse()
            return
        body = json.loads(written)
        with self.turn:
            events = self.conversation.answer(dialect, body)
        if body.get("stream") or "stream" in path:
            self._send(200, "text/event-stream", dialect.stream(events))
        else:
            self._send(200, "application/json", json.dumps(dialect.whole(events)))

    def do_CONNECT(self) -> None:
        """Refuse a connection to another host."""
        self._refuse()

    def do_GET(self) -> None:
        """Refuse everything that is no conversation."""
        self._refuse()

    def _refuse(self) -> None:
        if self.command == "CONNECT" or self.path.startswith("http"):
            self.conversation.outside.add(self.path)
        self._send(404, "application/json", '{"error": {"message": "not here"}}')

    def _send(self, status: int, kind: str, text: str) -> None:
        sent = text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(sent)))
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(sent)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def stand_in() -> Iterator[tuple[str, Conversation]]:
    """Serve one conversation on a free port and give its base URL."""
    conversation = Conversation()
    handler = type("Handler", (_Handler,), {"conversation": conversation})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", conversation
        finally:
            server.shutdown()
