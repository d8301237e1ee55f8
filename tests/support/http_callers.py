"""An HTTP server as an operator starts it, and callers who ask it by hand."""

import json
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from support.messages import MODERN, older_request, request
from support.processes import DEADLINE, HttpServer, http_server

KEY = "evr_pat_CANARYKEY123"
ACCEPT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Served:
    """A running server, asked over connections of their own."""

    process: HttpServer

    @property
    def base(self) -> str:
        """Return the URL without its path."""
        return self.process.url.removesuffix("/mcp")

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Get a page beside /mcp."""
        with _client() as client:
            return client.get(self.base + path, headers=headers)

    def post(self, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        """Post what there is to post."""
        with _client() as client:
            return client.post(self.process.url, content=body, headers={**ACCEPT, **headers})

    @contextmanager
    def half_sent(self, body: bytes, headers: Mapping[str, str]) -> Iterator[socket.socket]:
        """Give the connection of a request that was sent up to the middle of its body."""
        url = urlsplit(self.process.url)
        told = {**ACCEPT, "host": url.netloc, "content-length": str(len(body)), **headers}
        head = ["POST /mcp HTTP/1.1", *(f"{name}: {value}" for name, value in told.items())]
        with socket.create_connection((url.hostname, url.port), DEADLINE) as connection:
            half = body[: len(body) // 2]
            connection.sendall("\r\n".join([*head, "", ""]).encode() + half)
            yield connection

    def call(
        self, token: str | None = None, *, tool: str = "list_sessions", **arguments: Any
    ) -> httpx.Response:
        """Call a tool as a client of the current revision."""
        asked = request(1, "tools/call", name=tool, arguments=arguments)
        named = {"mcp-protocol-version": MODERN, "mcp-method": "tools/call", "mcp-name": tool}
        return self.post(json.dumps(asked).encode(), named | bearer(token))

    def older_call(self, token: str | None = None, **arguments: Any) -> dict[str, Any]:
        """Call list_sessions as an older client, and return the message of the event stream."""
        asked = older_request(1, "tools/call", name="list_sessions", arguments=arguments)
        answer = self.post(json.dumps(asked).encode(), bearer(token))
        assert answer.status_code == 200
        return _event(answer.text)

    def tools(self, token: str | None = None) -> list[dict[str, Any]]:
        """Return what tools/list gives."""
        named = {"mcp-protocol-version": MODERN, "mcp-method": "tools/list"}
        answer = self.post(json.dumps(request(1, "tools/list")).encode(), named | bearer(token))
        return list(answer.json()["result"]["tools"])


def _client() -> httpx.Client:
    return httpx.Client(timeout=DEADLINE, trust_env=False)


def _event(text: str) -> dict[str, Any]:
    (data,) = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    return dict(json.loads(data))


def bearer(token: str | None) -> dict[str, str]:
    """Return the header that presents a token."""
    return {} if token is None else {"authorization": f"Bearer {token}"}


def rows(answer: httpx.Response) -> list[dict[str, Any]]:
    """Return the sessions of a good answer."""
    result = answer.json()["result"]
    assert not result["isError"], result
    return list(result["structuredContent"]["sessions"])


def failure(answer: httpx.Response) -> str:
    """Return the text of a call that failed."""
    result = answer.json()["result"]
    assert result["isError"], result
    return str(result["content"][0]["text"])


@contextmanager
def served(
    environment: Mapping[str, str], api_url: str, *arguments: str, key: str | None = KEY, **own: str
) -> Iterator[Served]:
    """Serve HTTP in front of an API until the block ends; whatever came, it ends in peace."""
    settings = {"EVERRUNS_API_URL": api_url, **({"EVERRUNS_API_KEY": key} if key else {}), **own}
    with http_server({**environment, **settings}, *arguments) as process:
        yield Served(process)
        if process.process.poll() is None:
            ended = process.end(signal.SIGTERM)
            assert (ended.code, "Traceback" in ended.stderr) == (0, False), ended.stderr


def to_its_end(connection: socket.socket) -> str:
    """Read what comes until the other side closes."""
    return b"".join(iter(lambda: connection.recv(65_536), b"")).decode()
