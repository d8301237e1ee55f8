"""Clients that need Node: fetched by npm, then run without what is the machine's own."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# As it was before any test: npm needs the proxy that neither clients nor servers may see.
MACHINE = dict(os.environ)

TYPESCRIPT = Path(__file__).with_name("typescript")
"""The folder of the TypeScript client's program."""

_PACKAGES = (
    "node@22",
    "@modelcontextprotocol/inspector@2.12.0",
    "@modelcontextprotocol/conformance@0.2.0-alpha.12",
)
_FETCHED_WITHIN = 240  # seconds
_RUN_WITHIN = 60


@dataclass(frozen=True, slots=True)
class Node:
    """Node 22 and the programs beside it."""

    folder: Path
    environment: Mapping[str, str]

    def run(
        self, program: str, *arguments: str, cwd: Path, **own: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, whatever its exit code, with variables of its own."""
        command = [str(self.folder / program), *arguments]
        return _run(command, {**self.environment, **own}, cwd, _RUN_WITHIN)


def find_node(environment: Mapping[str, str], home: Path) -> Node:
    """Let npx fetch the programs once and say where they are, so that no run asks npm again."""
    packages = [f"--package={package}" for package in _PACKAGES]
    folder = Path(npm("npx", "--yes", *packages, "--call", "command -v node", cwd=home)).parent
    path = os.pathsep.join([str(folder), environment["PATH"]])
    return Node(folder, {**environment, "PATH": path, "HOME": str(home), "NO_COLOR": "1"})


def npm(*command: str, cwd: Path) -> str:
    """Run npm or npx with the machine's own settings, and return what it printed."""
    done = _run(command, MACHINE, cwd, _FETCHED_WITHIN)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _run(command, environment, cwd, seconds):
    return subprocess.run(
        command,
        env=environment,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
