"""The server under siege, the API behind it, and what the server's process holds."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import siege_api
from http_peers import free_port
from process import open_files, peak_resident_bytes, resident_bytes, threads
from siege_callers import HOST
from siege_tenants import Tenant, tenants_file

END_WITHIN = 40.0  # seconds; longer than a call in flight may take
_CACHE_SECONDS = "2"  # so that answers are kept, but not for as long as honest callers wait
_MIB = 2**20


class SiegeFailed(Exception):
    """There is nothing to be seen, and why."""


class Moment(NamedTuple):
    """What the server's process holds at one moment."""

    rss: float  # MiB
    files: int
    threads: int


@dataclass(slots=True)
class Server:
    """The server: its process, where it is, its files, and how it ended."""

    process: subprocess.Popen[bytes]
    port: int
    tenants_file: Path
    log_file: Path
    peak: float = 0.0  # MiB
    code: int | None = None
    log: str = ""

    def moment(self) -> Moment:
        """Look at the process."""
        if (code := self.process.poll()) is not None:
            log = self.log_file.read_text(errors="replace")
            raise SiegeFailed(f"the server ended by itself with {code}: {log[-2_000:]}")
        pid = self.process.pid
        self.peak = peak_resident_bytes(pid) / _MIB
        return Moment(resident_bytes(pid) / _MIB, open_files(pid), threads(pid))

    def end(self) -> None:
        """Have it end in peace, or else kill it, and keep what it said."""
        self.process.terminate()
        try:
            self.code = self.process.wait(END_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log = self.log_file.read_text(errors="replace")


@contextmanager
def served(url: str, folder: Path, files: int, tenants: Sequence[Tenant]) -> Iterator[Server]:
    """Run the server with few open files until the block ends."""
    file, log, port = folder / "tenants.toml", folder / "log", free_port()
    file.write_text(tenants_file(tenants))
    limited = ["sh", "-c", f'ulimit -n {files} && exec "$@"', "sh"]
    command = [sys.executable, "-m", "mcp_sessions", "http", "--port", str(port)]
    with log.open("wb") as stderr:
        process = subprocess.Popen([*limited, *command], env=_environment(url, file), stderr=stderr)
    server = Server(process, port, file, log)
    try:
        yield server
    finally:
        server.end()


def _environment(url: str, file: Path) -> dict[str, str]:
    own = ("EVERRUNS_", "MCP_SESSIONS_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return inherited | {
        "EVERRUNS_API_URL": url,
        "MCP_SESSIONS_HOST": "0.0.0.0",  # noqa: S104 - where callers must say who they are
        "MCP_SESSIONS_ALLOWED_HOSTS": HOST,
        "MCP_SESSIONS_TENANTS_FILE": str(file),
        "MCP_SESSIONS_CACHE_SECONDS": _CACHE_SECONDS,
        "NO_PROXY": "*",  # the API is on this machine
    }


@contextmanager
def upstream(faults: Sequence[str]) -> Iterator[tuple[str, dict[str, int]]]:
    """Run the API in a process of its own; what it did is told once the block has ended."""
    told: dict[str, int] = {}
    command = [sys.executable, siege_api.__file__, ",".join(faults)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), told
        finally:
            told |= json.loads(process.communicate(timeout=END_WITHIN)[0])
