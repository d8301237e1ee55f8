"""The server as a user starts it: a process, reached over its pipes or over HTTP."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any

DEADLINE = 30  # seconds for one step on a slow machine
PROMPTLY = 15  # seconds to leave within once told to, on a busy machine
COMMAND = (sys.executable, "-m", "mcp_sessions")


def run(
    environment: Mapping[str, str], *arguments: str, **own: str
) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself, and say how it ended."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env={**environment, **own},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended, and what it had still to say."""

    code: int
    messages: list[dict[str, Any]]
    stderr: str
    seconds: float


class StdioServer:
    """A stdio server spoken to line by line."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def send(self, *lines: bytes | dict[str, Any]) -> None:
        """Write lines as they are, and messages as lines."""
        for line in lines:
            raw = line if isinstance(line, bytes) else json.dumps(line).encode()
            self.process.stdin.write(raw + b"\n")
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        """Return the next line as the JSON-RPC message that it must be."""
        return _message(self.process.stdout.readline())

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a request and return the next message, which must be its answer."""
        self.send(message)
        answer = self.receive()
        assert answer["id"] == message["id"]
        return answer

    def end(self, number: signal.Signals | None = None) -> Ended:
        """Send a signal, or else end stdin, and wait."""
        told = time.monotonic()
        if number is None:
            self.process.stdin.close()
        else:
            self.process.send_signal(number)
        messages = [_message(line) for line in self.process.stdout]
        code = self.process.wait(DEADLINE)
        seconds = time.monotonic() - told
        return Ended(code, messages, self.process.stderr.read().decode(), seconds)


def _message(line: bytes) -> dict[str, Any]:
    """Read a line of stdout; the server broke the protocol if it is not JSON-RPC."""
    assert line.endswith(b"\n"), f"stdout ended with {line!r}"
    message = json.loads(line)
    assert message["jsonrpc"] == "2.0"
    assert ("result" in message) + ("error" in message) + ("method" in message) == 1
    return message


@contextmanager
def stdio_server(environment: Mapping[str, str]) -> Iterator[StdioServer]:
    """Start a stdio server, to be killed when it has not ended by the deadline."""
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(COMMAND, env=environment, stdin=pipe, stdout=pipe, stderr=pipe) as process,
        _killed_in_the_end(process),
        _deadline(process),
    ):
        yield StdioServer(process)


@dataclass(frozen=True, slots=True)
class HttpServer:
    """A server at `url`."""

    url: str
    process: subprocess.Popen[bytes]

    def end(self, number: signal.Signals) -> Ended:
        """Send a signal and wait; stdout is nothing that HTTP needs."""
        told = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(DEADLINE)
        seconds = time.monotonic() - told
        assert self.process.stdout.read() == b""
        return Ended(code, [], self.process.stderr.read().decode(), seconds)


@contextmanager
def http_server(environment: Mapping[str, str], *arguments: str) -> Iterator[HttpServer]:
    """Start an HTTP server on a free port, to be killed when the block leaves it running."""
    command = (*COMMAND, "http", "--port", "0", *arguments)
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe) as process,
        _killed_in_the_end(process),
    ):
        with _deadline(process):
            said = list(_until_served(process))
        before, _, url = said[-1].partition("Serving MCP at ")
        assert url, f"the server said {said}"
        assert not before
        yield HttpServer(url, process)


def _until_served(process: subprocess.Popen[bytes]) -> Iterator[str]:
    """Give the lines of the log up to the one that says where the server is."""
    for line in process.stderr:
        yield line.decode().strip()
        if line.startswith(b"Serving"):
            break


@contextmanager
def _killed_in_the_end(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        if process.poll() is None:
            process.kill()


@contextmanager
def _deadline(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kill the process when the deadline comes, so that reading from it never waits for ever."""
    killer = Timer(DEADLINE, process.kill)
    killer.start()
    try:
        yield
    finally:
        killer.cancel()


def peak_bytes(pid: int) -> int | None:
    """Return the most bytes of a process that were resident at once, where the system tells."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return found and int(found[1]) * 1024


def eventually(met: Callable[[], bool]) -> None:
    """Wait until something is as it should be."""
    until = time.monotonic() + DEADLINE
    while not met():
        assert time.monotonic() < until, "it never came about"
        time.sleep(0.05)
