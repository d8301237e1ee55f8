"""Callers by hand: raw HTTP over connections that are kept, and a look at every answer."""

import asyncio
import json
import re
from asyncio import StreamReader, StreamWriter
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from siege_tenants import CANARY, Tenant

HOST = "siege.example"  # the name that the server is told it is called by
_MODERN = "2026-07-28"
_LONGEST_HEAD = 1 << 16
_IDS = re.compile(rb"session_([0-9a-f]{4})[0-9a-f]{28}")
_META = {
    "io.modelcontextprotocol/protocolVersion": _MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "siege", "version": "0"},
}


class Answer(NamedTuple):
    """A status and a body."""

    status: int
    body: bytes

    def told(self) -> tuple[str | None, dict[str, Any]]:
        """Return why a call was refused, or None, and the page that it got."""
        if self.status != 200:  # noqa: PLR2004 - OK
            return f"HTTP {self.status}", {}
        message = json.loads(self.body)
        if "error" in message:
            return f"error {message['error']['code']}", {}
        result = message["result"]
        if result.get("isError"):
            return str(result["content"][0]["text"]).partition(":")[0], {}
        return None, dict(result["structuredContent"])


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """Return a request as it is sent; headers have dashes for underscores."""
    told = {"host": HOST, "content_length": str(len(body)), **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in told.items()]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode() + body


def tool_call(token: str | None, tool: str, arguments: dict[str, Any], **headers: str) -> bytes:
    """Return a call of a tool."""
    params = {"name": tool, "arguments": arguments, "_meta": _META}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    told = {
        "accept": "application/json",
        "content_type": "application/json",
        "mcp_protocol_version": _MODERN,
        "mcp_method": "tools/call",
        "mcp_name": tool,
    }
    if token is not None:
        told["authorization"] = f"Bearer {token}"
    return request("POST", "/mcp", body.encode(), **{**told, **headers})


@dataclass(slots=True)
class Kept:
    """A connection that is kept, and opened anew where the server has closed it meanwhile."""

    port: int
    _streams: tuple[StreamReader, StreamWriter] | None = None

    async def ask(self, sent: bytes, within: float) -> Answer:
        """Return the answer.

        Raises:
            OSError: there is none, TimeoutError among them.
        """
        try:
            async with asyncio.timeout(within):
                if self._streams is not None:
                    try:
                        return await self._exchange(sent)
                    except (OSError, asyncio.IncompleteReadError):
                        self.close()
                return await self._exchange(sent)
        except asyncio.IncompleteReadError:
            self.close()
            raise ConnectionResetError from None
        except BaseException:
            self.close()
            raise

    async def _exchange(self, sent: bytes) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection(
                "127.0.0.1", self.port, limit=_LONGEST_HEAD
            )
        reader, writer = self._streams
        writer.write(sent)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = re.search(rb"\ncontent-length: *(\d+)", head)
        body = await reader.readexactly(int(length[1]) if length else 0)
        if b"\nconnection: close" in head:
            self.close()
        return Answer(int(head.split(b" ", 2)[1]), body)

    def close(self) -> None:
        """Leave the connection; what it still has to say is not read."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


@dataclass(slots=True)
class Audit:
    """What answers must never hold, and how calls of a kind ended."""

    canaries: int = 0
    foreign: int = 0  # answers with a row of somebody else's
    let_in: int = 0  # strangers who were answered as callers
    ends: Counter[str] = field(default_factory=Counter)

    def told(self) -> dict[str, Any]:
        """Return all of it as JSON has it."""
        counts = {"canaries": self.canaries, "foreign": self.foreign, "let_in": self.let_in}
        return {**counts, "ends": dict(self.ends)}

    @classmethod
    def of(cls, told: dict[str, Any]) -> Self:
        """Return what another process told of its own."""
        return cls(**{**told, "ends": Counter(told["ends"])})

    def look(self, body: bytes, tenant: Tenant | None = None) -> None:
        """Look for planted credentials and for rows of others."""
        self.canaries += CANARY.encode() in body
        own = b"" if tenant is None else f"{tenant.number:04x}".encode()
        self.foreign += any(number != own for number in _IDS.findall(body))

    async def call(self, kept: Kept, tenant: Tenant, within: float, **arguments: Any) -> None:
        """List sessions as a tenant, and count how that ended."""
        sent = tool_call(tenant.token, "list_sessions", arguments)
        try:
            answer = await kept.ask(sent, within)
        except OSError as fault:
            self.ends[type(fault).__name__] += 1
            return
        self.look(answer.body, tenant)
        self.ends[answer.told()[0] or "answered"] += 1
