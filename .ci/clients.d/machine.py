"""Programs run within a deadline, and packages fetched into a scratch folder."""
# ruff: noqa: INP001

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from client import Client

FETCHED_WITHIN = 300  # seconds
RUN_WITHIN = 120


@dataclass(frozen=True, slots=True)
class Done:
    """How a program ended: its exit code, or None past its deadline, and what it printed."""

    code: int | None
    printed: str


class NotFetchedError(Exception):
    """A package could not be fetched, or does not start on this machine."""


def run(command: Sequence[str], environment: Mapping[str, str], cwd: Path, seconds: float) -> Done:
    """Run a program in a group of its own, which ends with it or at the deadline."""
    with subprocess.Popen(  # noqa: S603
        command,
        env=environment,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            printed, _ = process.communicate(timeout=seconds)
            code = process.returncode
        except subprocess.TimeoutExpired:
            printed, code = b"", None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return Done(code, printed.decode(errors="replace"))


@dataclass(frozen=True, slots=True)
class Fetched:
    """A client's program on this machine, and its version."""

    program: Path
    version: str


def fetch(client: Client, scratch: Path) -> Fetched:
    """Bring a client's newest release into a folder of the scratch folder."""
    folder = scratch / client.package.strip("@").replace("/", "-")
    return (_pip if client.registry == "pip" else _npm)(client, folder)


def _pip(client: Client, folder: Path) -> Fetched:
    program = folder / "bin" / "python"
    if not program.exists():
        _fetch(sys.executable, "-m", "venv", str(folder), cwd=folder.parent)
    pip = (str(program), "-m", "pip", "--disable-pip-version-check")
    _fetch(*pip, "install", "--quiet", "--upgrade", *client.packages, cwd=folder)
    code = f"import importlib.metadata as m; print(m.version({client.package!r}))"
    return Fetched(program, _fetch(str(program), "-c", code, cwd=folder).strip())


def _npm(client: Client, folder: Path) -> Fetched:
    folder.mkdir(exist_ok=True)
    latest = [f"{package}@latest" for package in client.packages]
    quiet = ("--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
    _fetch("npm", "install", *quiet, "--prefix", str(folder), *latest, cwd=folder)
    modules = folder / "node_modules"
    manifest = (modules / client.package / "package.json").read_text(encoding="utf-8")
    program = modules / ".bin" / client.program
    _fetch(str(program), "--version", cwd=folder, HOME=str(folder))
    return Fetched(program, json.loads(manifest)["version"])


def _fetch(*command: str, cwd: Path, **own: str) -> str:
    """Run a step of fetching, in the machine's environment, and return what it printed."""
    try:
        done = run(command, {**os.environ, **own}, cwd, FETCHED_WITHIN)
    except FileNotFoundError as error:
        raise NotFetchedError(f"{command[0]} is not on this machine") from error
    if done.code is None:
        raise NotFetchedError(f"{command[0]} was not done within {FETCHED_WITHIN} s")
    if done.code:
        raise NotFetchedError(last_words(done.printed))
    return done.printed


def last_words(printed: str) -> str:
    """Return the line that names an error, else the last one."""
    lines = [line.strip(" |+-") for line in printed.splitlines()]
    lines = [line for line in lines if line]
    named = [line for line in lines if "Error: " in line or "error: " in line.lower()]
    return (named or lines or ["it said nothing"])[-1][:200]
