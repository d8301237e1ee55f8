"""A stdio server as a process, spoken to line by line, so that a client costs next to nothing."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

from process import cpu_seconds, resident_bytes

OLDER = "2025-11-25"
KNOWN_CLIENT = {"name": "benchmark", "version": "0"}
UNKNOWN_CLIENT = {**KNOWN_CLIENT, "icons": []}
"""Says more of itself than a record of usual requests knows."""


class StdioServer:
    """A running server; `asked` counts its requests."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._asked = 0

    @classmethod
    @contextmanager
    def running(cls, command: Sequence[str], environment: dict[str, str]) -> Iterator[Self]:
        """Start a server, and end it by closing its stdin."""
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command,
            stdin=pipe,
            stdout=pipe,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **environment},
        ) as process:
            try:
                yield cls(process)
            finally:
                assert process.stdin is not None
                process.stdin.close()
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()

    @property
    def cpu_seconds(self) -> float:
        """Return the CPU time that the process took so far."""
        return cpu_seconds(self._process.pid)

    @property
    def resident_bytes(self) -> int:
        """Return the memory that the process holds."""
        return resident_bytes(self._process.pid)

    def greet(self, client: dict[str, Any] | None = None) -> None:
        """Begin as clients of the older revisions do."""
        hello = {"protocolVersion": OLDER, "capabilities": {}}
        self.ask("initialize", {**hello, "clientInfo": client or KNOWN_CLIENT})
        self._send({"method": "notifications/initialized"})

    def tools(self) -> list[str]:
        """Return the names of the tools."""
        return [tool["name"] for tool in self.ask("tools/list")["tools"]]

    def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return a call's result; one that failed ends the run."""
        result = self.ask("tools/call", {"name": tool, "arguments": arguments})
        if result.get("isError"):
            raise SystemExit(f"{tool} failed: {str(result['content'])[:300]}")
        return result

    def ask(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of a request."""
        self._asked += 1
        self._send({"id": self._asked, "method": method, "params": params or {}})
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            message = json.loads(line)
            if message.get("id") == self._asked:
                if "error" in message:
                    raise SystemExit(f"{method} was refused: {message['error']}")
                result: dict[str, Any] = message["result"]
                return result
        raise SystemExit(f"the server ended before it answered {method}")

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self._process.stdin.flush()
